package org.sae4j.engine.cpu.internal.kernels;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;

/** A weight [rows, depth] where it lies and in the type that it has there: nothing is packed or copied whole. */
public final class StoredRows {
    private final Tensor matrix;
    private final MemorySegment elements;
    private final long rowBytes;

    private StoredRows(Tensor matrix) {
        this.matrix = matrix;
        this.elements = matrix.elements();
        this.rowBytes = matrix.type().bytes(matrix.dim(1));
    }

    /** {@return the matrix, or null if it is float32, whose packed panels are faster for many rows, or its rows are others in memory} */
    public static @Nullable StoredRows of(Tensor tensor, int rows, int depth) {
        if (tensor.type() == ElementType.F32 || depth % tensor.type().blockSize() != 0 || depth == 0 || tensor.stored() != tensor) {
            return null;
        }
        return new StoredRows(tensor.reshape(rows, depth));
    }

    ElementType type() {
        return matrix.type();
    }

    public int rows() {
        return matrix.dim(0);
    }

    public int depth() {
        return matrix.dim(1);
    }

    /** {@return all elements, whose rows are {@link #rowBytes()} apart} */
    MemorySegment elements() {
        return elements;
    }

    long rowBytes() {
        return rowBytes;
    }

    /** Copies a row as floats, and zeros behind it up to a padded length. */
    void copy(int row, float[] to, int at, int padded) {
        int depth = depth();
        matrix.copyTo((long) row * depth, to, at, depth);
        Arrays.fill(to, at + depth, at + padded, 0);
    }
}
