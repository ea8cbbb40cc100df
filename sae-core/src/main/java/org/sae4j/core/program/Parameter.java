package org.sae4j.core.program;

import java.util.Arrays;
import java.util.List;
import org.sae4j.api.Tensor;

/**
 * A parameter of a model: how users see it, in TransformerLens' shapes, and the matrix that forms use.
 *
 * @param name as in TransformerLens
 * @param layout how the two relate
 * @param rows rows of the matrix
 * @param cols columns of the matrix
 * @param heads number of heads where the layout has them, otherwise 0
 */
public record Parameter(String name, Layout layout, int rows, int cols, int heads) {
    /** How a parameter's shape relates to its matrix [rows, cols]. */
    public enum Layout {
        /** [rows, cols]. */
        MATRIX,
        /** [cols], a matrix of one row. */
        ROW,
        /** [heads, cols / heads], a matrix of one row. */
        HEAD_ROW,
        /** [heads, rows, cols / heads]: heads are side by side in the columns. */
        HEADS_IN_COLUMNS,
        /** [heads, rows / heads, cols]: heads are one below the other. */
        HEADS_IN_ROWS
    }

    /** {@return the shape that users see} */
    public int[] shape() {
        return switch (layout) {
            case MATRIX -> new int[] {rows, cols};
            case ROW -> new int[] {cols};
            case HEAD_ROW -> new int[] {heads, cols / heads};
            case HEADS_IN_COLUMNS -> new int[] {heads, rows, cols / heads};
            case HEADS_IN_ROWS -> new int[] {heads, rows / heads, cols};
        };
    }

    /**
     * A parameter's matrix in memory.
     *
     * @param tensor the matrix, or the transposed one
     * @param transposed whether it is the transposed one
     */
    public record Matrix(Tensor tensor, boolean transposed) {}

    /**
     * The matrix of a tensor. What a file holds as the transposed matrix, with heads side by side or one below the other, is used as it is.
     *
     * @param tensor in the shape that users see
     * @return a view, or where heads must come side by side a copy
     */
    public Matrix matrix(Tensor tensor) {
        if (isTransposed(tensor)) {
            return new Matrix(tensor.stored().reshape(cols, rows), true);
        }
        if (!isRearranged(tensor)) {
            return new Matrix(tensor.reshape(rows, cols), false);
        }
        int width = cols / heads;
        float[] values = new float[Math.toIntExact(tensor.size())];
        for (int head = 0; head < heads; head++) {
            for (int row = 0; row < rows; row++) {
                tensor.copyTo(((long) head * rows + row) * width, values, (row * heads + head) * width, width);
            }
        }
        return new Matrix(Tensor.of(values, rows, cols), false);
    }

    private boolean isTransposed(Tensor tensor) {
        int[] axes = tensor.axes();
        return switch (layout) {
            case MATRIX -> Arrays.equals(axes, new int[] {1, 0});
            case HEADS_IN_COLUMNS -> Arrays.equals(axes, new int[] {0, 2, 1});
            // Stored as [cols, heads, width].
            case HEADS_IN_ROWS -> Arrays.equals(axes, new int[] {1, 2, 0});
            case ROW, HEAD_ROW -> false;
        };
    }

    /**
     * Whether a tensor's matrix is a copy on the heap, in float32.
     *
     * @param tensor in the shape that users see
     * @return false where {@link #matrix} gives a view
     */
    public boolean isRearranged(Tensor tensor) {
        return layout == Layout.HEADS_IN_COLUMNS && heads > 1 && !isTransposed(tensor);
    }

    /** {@return the name and the shape, for messages} */
    @Override
    public String toString() {
        return name + " " + List.of(Arrays.stream(shape()).boxed().toArray());
    }
}
