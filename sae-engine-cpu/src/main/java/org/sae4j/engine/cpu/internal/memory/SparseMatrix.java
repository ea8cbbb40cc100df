package org.sae4j.engine.cpu.internal.memory;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.sae.SparseRows;

/**
 * The content of a sparse buffer: compressed rows that an operation replaces as a whole. Arrays are used again, and may be longer than the
 * entries.
 */
public final class SparseMatrix {
    private final int rows;
    private final int columns;
    private Places places;
    /** What the matrix had before, which others may still have. */
    private @Nullable Places former;
    private float[] values = new float[0];

    /**
     * The same entries by column.
     *
     * @param offsets for each column the position of its first entry, and at the number of columns the number of entries
     * @param rows row of each entry, ascending in a column
     * @param entries position of each entry in the compressed rows
     */
    public record Columns(int[] offsets, int[] rows, int[] entries) {}

    /** Where the entries are. Matrices share it, so it changes only while one matrix has it. */
    private static final class Places {
        private final int[] offsets;
        private int[] indices = new int[0];
        private int holders;
        private final int columns;
        private boolean sorted;
        private @Nullable Columns byColumn;

        Places(int rows, int columns) {
            this.offsets = new int[rows + 1];
            this.columns = columns;
        }

        private Columns byColumn(int rows) {
            Columns known = byColumn;
            int entries = offsets[rows];
            if (known == null || known.rows().length < entries) {
                int room = entries + entries / 4;
                known = new Columns(new int[columns + 2], new int[room], new int[room]);
                byColumn = known;
                sorted = false;
            }
            if (!sorted) {
                sort(rows, entries, known);
                sorted = true;
            }
            return known;
        }

        /** Counts two places to the right, so that the starts of the next columns move to their own place while entries are laid down. */
        private void sort(int rows, int entries, Columns to) {
            int[] starts = to.offsets();
            Arrays.fill(starts, 0);
            for (int e = 0; e < entries; e++) {
                starts[indices[e] + 2]++;
            }
            for (int c = 2; c < starts.length; c++) {
                starts[c] += starts[c - 1];
            }
            for (int row = 0; row < rows; row++) {
                for (int e = offsets[row]; e < offsets[row + 1]; e++) {
                    int at = starts[indices[e] + 1]++;
                    to.rows()[at] = row;
                    to.entries()[at] = e;
                }
            }
        }
    }

    public SparseMatrix(int rows, int columns) {
        this.rows = rows;
        this.columns = columns;
        this.places = new Places(rows, columns);
        this.places.holders = 1;
    }

    public int rows() {
        return rows;
    }

    public int columns() {
        return columns;
    }

    public int entries() {
        return places.offsets[rows];
    }

    /** {@return the position of a row's first entry; for the number of rows, the number of entries} */
    public int offset(int row) {
        return places.offsets[row];
    }

    /** {@return the column of each entry; to be written only between {@link #room} and the next operation} */
    public int[] indices() {
        return places.indices;
    }

    public float[] values() {
        return values;
    }

    public double density() {
        return entries() / Math.max(1.0, (double) rows * columns);
    }

    /** {@return the position of the first entry of a row whose column is at least the one given, or the row's end} */
    public int lowerBound(int row, int column) {
        if (column == 0) {
            return places.offsets[row];
        }
        int found = Arrays.binarySearch(places.indices, places.offsets[row], places.offsets[row + 1], column);
        return found < 0 ? -found - 1 : found;
    }

    /** {@return the offsets of new content, to be filled; then follows {@link #room}} */
    public int[] begin() {
        if (places.holders > 1) {
            places.holders--;
            Places old = places;
            places = former != null && former.holders == 0 ? former : new Places(rows, columns);
            places.holders = 1;
            former = old;
        }
        places.sorted = false;
        return places.offsets;
    }

    /** Makes room for as many entries as the offsets say. */
    public void room() {
        int entries = entries();
        if (places.indices.length < entries) {
            places.indices = new int[entries + entries / 4];
        }
        valueRoom();
    }

    private void valueRoom() {
        if (values.length < entries()) {
            values = new float[entries() + entries() / 4];
        }
    }

    /** Takes over the places of another matrix's entries and makes room for as many values. */
    public void setPlaces(SparseMatrix other) {
        if (places != other.places) {
            places.holders--;
            places = other.places;
            places.holders++;
        }
        valueRoom();
    }

    /** {@return the entries by column} */
    public Columns byColumn() {
        return places.byColumn(rows);
    }

    /** Takes the content of sparse rows of the same shape. */
    public void read(SparseRows source) {
        int[] offsets = begin();
        for (int row = 0; row < rows; row++) {
            offsets[row + 1] = source.start(row + 1);
        }
        room();
        for (int e = 0; e < entries(); e++) {
            places.indices[e] = source.index(e);
            values[e] = source.value(e);
        }
    }

    /** {@return a copy of the content} */
    public SparseRows copy() {
        return new SparseRows(columns, places.offsets.clone(), Arrays.copyOf(places.indices, entries()), Arrays.copyOf(values, entries()));
    }
}
