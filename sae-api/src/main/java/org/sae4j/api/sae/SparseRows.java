package org.sae4j.api.sae;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.sae4j.api.Tensor;

/**
 * Feature activations: rows of a matrix of which only the entries that are not zero are stored, by ascending column. Immutable.
 */
public final class SparseRows {
    private final int columns;
    private final int[] offsets;
    private final int[] indices;
    private final float[] values;

    /**
     * Wraps compressed rows without copying. The arrays must not change while the rows are used.
     *
     * @param columns number of columns (features)
     * @param offsets for each row the position of its first entry, and the number of entries last; length rows + 1
     * @param indices the column of each entry, ascending within a row
     * @param values the value of each entry
     * @throws IllegalArgumentException if offsets do not ascend from 0 within the arrays, or indices do not ascend within 0 and
     *     {@code columns - 1}
     */
    public SparseRows(int columns, int[] offsets, int[] indices, float[] values) {
        Objects.requireNonNull(offsets, "offsets");
        Objects.requireNonNull(indices, "indices");
        Objects.requireNonNull(values, "values");
        this.columns = columns;
        this.offsets = offsets;
        this.indices = indices;
        this.values = values;
        if (offsets.length == 0 || offsets[0] != 0 || offsets[offsets.length - 1] > Math.min(indices.length, values.length)) {
            throw new IllegalArgumentException("offsets of sparse rows must start at 0 and end within the entries");
        }
        for (int row = 0; row < rows(); row++) {
            if (offsets[row + 1] < offsets[row]) {
                throw new IllegalArgumentException("offsets of sparse rows must not descend, at row " + row);
            }
        }
        for (int row = 0; row < rows(); row++) {
            int previous = -1;
            for (int e = offsets[row]; e < offsets[row + 1]; e++) {
                if (indices[e] <= previous || indices[e] >= columns) {
                    throw new IllegalArgumentException("row " + row + " has column " + indices[e] + " after " + previous + " of "
                            + columns);
                }
                previous = indices[e];
            }
        }
    }

    /**
     * The entries of a dense matrix that are not zero.
     *
     * @param dense shape [rows, columns]
     * @return the sparse rows
     * @throws IllegalArgumentException if the tensor does not have two axes
     */
    public static SparseRows ofDense(Tensor dense) {
        if (dense.rank() != 2) {
            throw new IllegalArgumentException("sparse rows need a matrix, found " + dense);
        }
        int rows = dense.dim(0);
        int columns = dense.dim(1);
        int[] offsets = new int[rows + 1];
        int[] indices = new int[64];
        float[] values = new float[64];
        int n = 0;
        for (int row = 0; row < rows; row++) {
            float[] line = dense.row(row);
            for (int column = 0; column < columns; column++) {
                if (line[column] != 0) {
                    if (n == indices.length) {
                        indices = Arrays.copyOf(indices, 2 * n);
                        values = Arrays.copyOf(values, 2 * n);
                    }
                    indices[n] = column;
                    values[n++] = line[column];
                }
            }
            offsets[row + 1] = n;
        }
        return new SparseRows(columns, offsets, Arrays.copyOf(indices, n), Arrays.copyOf(values, n));
    }

    /** {@return the number of rows} */
    public int rows() {
        return offsets.length - 1;
    }

    /** {@return the number of columns, for feature activations d_sae} */
    public int columns() {
        return columns;
    }

    /** {@return the number of stored entries} */
    public int entries() {
        return offsets[rows()];
    }

    /**
     * The position of a row's first entry; the row ends where the next one starts.
     *
     * @param row from 0 to {@link #rows()}
     * @return the position
     */
    public int start(int row) {
        return offsets[row];
    }

    /**
     * The column of an entry.
     *
     * @param entry from 0 to {@code entries() - 1}
     * @return the column
     */
    public int index(int entry) {
        return indices[entry];
    }

    /**
     * The value of an entry.
     *
     * @param entry from 0 to {@code entries() - 1}
     * @return the value
     */
    public float value(int entry) {
        return values[entry];
    }

    /**
     * The number of entries of a row: its L0.
     *
     * @param row from 0 to {@code rows() - 1}
     * @return the number
     */
    public int count(int row) {
        return offsets[row + 1] - offsets[row];
    }

    /**
     * One element.
     *
     * @param row from 0 to {@code rows() - 1}
     * @param column from 0 to {@code columns() - 1}
     * @return the stored value, or 0
     * @throws IndexOutOfBoundsException if there is no such element
     */
    public float get(int row, int column) {
        Objects.checkIndex(row, rows());
        Objects.checkIndex(column, columns);
        int at = Arrays.binarySearch(indices, offsets[row], offsets[row + 1], column);
        return at < 0 ? 0 : values[at];
    }

    /**
     * One column as a dense vector, such as one feature over all tokens.
     *
     * @param column from 0 to {@code columns() - 1}
     * @return one value for each row
     * @throws IndexOutOfBoundsException if there is no such column
     */
    public float[] column(int column) {
        float[] dense = new float[rows()];
        for (int row = 0; row < dense.length; row++) {
            dense[row] = get(row, column);
        }
        return dense;
    }

    /**
     * Some consecutive rows.
     *
     * @param from the first row
     * @param to the row after the last
     * @return a copy of these rows
     * @throws IndexOutOfBoundsException if there are no such rows
     */
    public SparseRows rows(int from, int to) {
        Objects.checkFromToIndex(from, to, rows());
        int[] part = new int[to - from + 1];
        Arrays.setAll(part, i -> offsets[from + i] - offsets[from]);
        return new SparseRows(columns, part, Arrays.copyOfRange(indices, offsets[from], offsets[to]),
                Arrays.copyOfRange(values, offsets[from], offsets[to]));
    }

    /**
     * Some rows.
     *
     * @param rows numbers of rows, in any order
     * @return a copy of these rows, in that order
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public SparseRows select(int[] rows) {
        int[] part = new int[rows.length + 1];
        for (int i = 0; i < rows.length; i++) {
            part[i + 1] = part[i] + count(rows[i]);
        }
        int[] partIndices = new int[part[rows.length]];
        float[] partValues = new float[part[rows.length]];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(indices, offsets[rows[i]], partIndices, part[i], count(rows[i]));
            System.arraycopy(values, offsets[rows[i]], partValues, part[i], count(rows[i]));
        }
        return new SparseRows(columns, part, partIndices, partValues);
    }

    /**
     * Rows one after the other.
     *
     * @param columns number of columns of all parts
     * @param parts some rows each; none gives no rows
     * @return a copy of all rows
     * @throws IllegalArgumentException if a part has another number of columns
     * @throws ArithmeticException if there are more than 2^31-1 rows or entries
     */
    public static SparseRows concatenate(int columns, List<SparseRows> parts) {
        int rows = 0;
        int entries = 0;
        for (SparseRows part : parts) {
            if (part.columns != columns) {
                throw new IllegalArgumentException("rows of " + part.columns + " columns cannot follow rows of " + columns);
            }
            rows = Math.addExact(rows, part.rows());
            entries = Math.addExact(entries, part.entries());
        }
        int[] starts = new int[Math.addExact(rows, 1)];
        int[] allIndices = new int[entries];
        float[] allValues = new float[entries];
        int row = 0;
        int entry = 0;
        for (SparseRows part : parts) {
            for (int r = 1; r <= part.rows(); r++) {
                starts[++row] = entry + part.offsets[r];
            }
            System.arraycopy(part.indices, 0, allIndices, entry, part.entries());
            System.arraycopy(part.values, 0, allValues, entry, part.entries());
            entry += part.entries();
        }
        return new SparseRows(columns, starts, allIndices, allValues);
    }

    /**
     * The dense matrix.
     *
     * @return shape [rows, columns]
     * @throws IllegalArgumentException if it has more than 2^31-1 elements
     */
    public Tensor toDense() {
        if ((long) rows() * columns > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a dense matrix of " + rows() + " by " + columns + " does not fit in one Java array");
        }
        float[] dense = new float[rows() * columns];
        for (int row = 0; row < rows(); row++) {
            for (int e = offsets[row]; e < offsets[row + 1]; e++) {
                dense[row * columns + indices[e]] = values[e];
            }
        }
        return Tensor.of(dense, rows(), columns);
    }

    /** {@return dimensions and number of entries, for messages} */
    @Override
    public String toString() {
        return "SparseRows[" + rows() + ", " + columns + "] with " + entries() + " entries";
    }
}
