package org.sae4j.engine.cpu.internal;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.sae.SparseRows;

/** The content of a sparse buffer: compressed rows that an operation replaces as a whole. */
final class SparseMatrix {
    private final int rows;
    private final int columns;
    private Places places;
    private float[] values = new float[0];

    /**
     * The same entries by column.
     *
     * @param offsets for each column the position of its first entry
     * @param rows row of each entry, ascending in a column
     * @param entries position of each entry in the compressed rows
     */
    record Columns(int[] offsets, int[] rows, int[] entries) {}

    /** Where the entries are. Never changed, so that matrices can share it. */
    private static final class Places {
        private final int[] offsets;
        private final int[] indices;
        private @Nullable Columns byColumn;

        Places(int[] offsets, int[] indices) {
            this.offsets = offsets;
            this.indices = indices;
        }
    }

    SparseMatrix(int rows, int columns) {
        this.rows = rows;
        this.columns = columns;
        this.places = new Places(new int[rows + 1], new int[0]);
    }

    int rows() {
        return rows;
    }

    int columns() {
        return columns;
    }

    int entries() {
        return places.offsets[rows];
    }

    /** {@return the position of a row's first entry; for the number of rows, the number of entries} */
    int offset(int row) {
        return places.offsets[row];
    }

    /** {@return the column of each entry; not to be written} */
    int[] indices() {
        return places.indices;
    }

    float[] values() {
        return values;
    }

    double density() {
        return entries() / Math.max(1.0, (double) rows * columns);
    }

    /** {@return the position of the first entry of a row whose column is at least the one given, or the row's end} */
    int lowerBound(int row, int column) {
        if (column == 0) {
            return places.offsets[row];
        }
        int found = Arrays.binarySearch(places.indices, places.offsets[row], places.offsets[row + 1], column);
        return found < 0 ? -found - 1 : found;
    }

    /** Replaces the content; the arrays must not be written any more, and may be longer than the entries. */
    void set(int[] offsets, int[] indices, float[] newValues) {
        places = new Places(offsets, indices);
        values = newValues;
    }

    /** Takes over the places of another matrix's entries and makes room for as many values. */
    void setPlaces(SparseMatrix other) {
        places = other.places;
        if (values.length < entries()) {
            values = new float[entries() + entries() / 4];
        }
    }

    /** {@return the entries by column} */
    Columns byColumn() {
        Columns known = places.byColumn;
        if (known == null) {
            known = transpose();
            places.byColumn = known;
        }
        return known;
    }

    private Columns transpose() {
        int[] starts = new int[columns + 1];
        int entries = entries();
        int[] indices = places.indices;
        for (int e = 0; e < entries; e++) {
            starts[indices[e] + 1]++;
        }
        for (int c = 0; c < columns; c++) {
            starts[c + 1] += starts[c];
        }
        int[] next = starts.clone();
        int[] rowOf = new int[entries];
        int[] entryOf = new int[entries];
        for (int row = 0; row < rows; row++) {
            for (int e = offset(row); e < offset(row + 1); e++) {
                int to = next[indices[e]]++;
                rowOf[to] = row;
                entryOf[to] = e;
            }
        }
        return new Columns(starts, rowOf, entryOf);
    }

    /** Takes the content of sparse rows of the same shape. */
    void read(SparseRows source) {
        int[] newOffsets = new int[rows + 1];
        int[] newIndices = new int[source.entries()];
        float[] newValues = new float[source.entries()];
        for (int row = 0; row < rows; row++) {
            newOffsets[row + 1] = source.start(row + 1);
        }
        for (int e = 0; e < newIndices.length; e++) {
            newIndices[e] = source.index(e);
            newValues[e] = source.value(e);
        }
        set(newOffsets, newIndices, newValues);
    }

    /** {@return a copy of the content} */
    SparseRows copy() {
        return new SparseRows(columns, places.offsets.clone(), Arrays.copyOf(places.indices, entries()), Arrays.copyOf(values, entries()));
    }
}
