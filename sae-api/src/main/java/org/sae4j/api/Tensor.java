package org.sae4j.api;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;

/**
 * An immutable float32 array with a shape, in row-major order.
 *
 * <p>The values lie in a Java array or in a memory-mapped file. A tensor over a mapped file lives as long as the transformer or autoencoder
 * that opened the file; afterwards every access throws {@link IllegalStateException}. Instances are safe for use by several threads.
 * Two tensors are equal only if they are the same object: comparing values is the caller's decision of a tolerance.
 */
public final class Tensor {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final MemorySegment data;
    private final int[] shape;
    private final long size;

    private Tensor(MemorySegment data, int[] shape) {
        this.data = data.asReadOnly();
        this.shape = shape.clone();
        this.size = sizeOf(shape);
        if (data.byteSize() != size * Float.BYTES) {
            throw new IllegalArgumentException("a tensor of shape " + Arrays.toString(shape) + " needs " + size * Float.BYTES
                    + " bytes, but the data has " + data.byteSize());
        }
    }

    /**
     * Wraps an array without copying it. The caller hands the array over and must not write to it any more.
     *
     * @param values the values in row-major order
     * @param shape the length of each axis, each at least 0; no axes makes a scalar
     * @return a tensor over {@code values}
     * @throws IllegalArgumentException if the shape does not have exactly {@code values.length} elements, or has a negative axis
     */
    public static Tensor of(float[] values, int... shape) {
        return new Tensor(MemorySegment.ofArray(values), shape);
    }

    /**
     * Wraps a memory segment of float32 values in the machine's byte order, of any alignment, without copying it.
     *
     * @param values the values in row-major order; they must not change while the tensor is used
     * @param shape the length of each axis, each at least 0
     * @return a tensor over {@code values}
     * @throws IllegalArgumentException if the shape does not have exactly as many bytes as the segment, or has a negative axis
     */
    public static Tensor ofSegment(MemorySegment values, int... shape) {
        return new Tensor(values, shape);
    }

    /**
     * A tensor of zeros.
     *
     * @param shape the length of each axis, each at least 0
     * @return the tensor
     * @throws IllegalArgumentException if an axis is negative, or there are more than 2^31-1 elements
     */
    public static Tensor zeros(int... shape) {
        long size = sizeOf(shape);
        if (size > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a tensor of shape " + Arrays.toString(shape) + " does not fit in one Java array");
        }
        return of(new float[(int) size], shape);
    }

    private static long sizeOf(int[] shape) {
        long size = 1;
        for (int length : shape) {
            if (length < 0) {
                throw new IllegalArgumentException("negative axis in shape " + Arrays.toString(shape));
            }
            // Shapes come from files: the number of bytes must not overflow either.
            if (length > 0 && size > Long.MAX_VALUE / Float.BYTES / length) {
                throw new IllegalArgumentException("shape " + Arrays.toString(shape) + " has too many elements");
            }
            size *= length;
        }
        return size;
    }

    /** {@return the number of axes} */
    public int rank() {
        return shape.length;
    }

    /** {@return a copy of the lengths of the axes} */
    public int[] shape() {
        return shape.clone();
    }

    /**
     * The length of one axis.
     *
     * @param axis from 0; negative values count from the last axis, which is -1
     * @return the length
     * @throws IndexOutOfBoundsException if there is no such axis
     */
    public int dim(int axis) {
        return shape[Objects.checkIndex(axis < 0 ? axis + shape.length : axis, shape.length)];
    }

    /** {@return the number of elements} */
    public long size() {
        return size;
    }

    /**
     * One element by its row-major position.
     *
     * @param index from 0 to {@code size() - 1}
     * @return the value
     * @throws IndexOutOfBoundsException if there is no such element
     * @throws IllegalStateException if the owner of the mapped file was closed
     */
    public float get(long index) {
        return data.get(FLOAT, Objects.checkIndex(index, size) * Float.BYTES);
    }

    /**
     * One element by its coordinates.
     *
     * @param index one coordinate for each axis
     * @return the value
     * @throws IndexOutOfBoundsException if a coordinate is out of range, or their number is not {@link #rank()}
     * @throws IllegalStateException if the owner of the mapped file was closed
     */
    public float at(int... index) {
        if (index.length != shape.length) {
            throw new IndexOutOfBoundsException(index.length + " coordinates for shape " + Arrays.toString(shape));
        }
        long flat = 0;
        for (int axis = 0; axis < index.length; axis++) {
            flat = flat * shape[axis] + Objects.checkIndex(index[axis], shape[axis]);
        }
        return data.get(FLOAT, flat * Float.BYTES);
    }

    /**
     * Copies a run of elements.
     *
     * @param from position of the first element, row-major
     * @param target receives the values
     * @param at position in {@code target} of the first value
     * @param count number of elements
     * @throws IndexOutOfBoundsException if the run exceeds the tensor or the target
     * @throws IllegalStateException if the owner of the mapped file was closed
     */
    public void copyTo(long from, float[] target, int at, int count) {
        Objects.checkFromIndexSize(from, count, size);
        MemorySegment.copy(data, FLOAT, from * Float.BYTES, target, at, count);
    }

    /**
     * All elements as a new array, in row-major order.
     *
     * @return a copy
     * @throws IllegalStateException if there are more than 2^31-1 elements, or the owner of the mapped file was closed
     */
    public float[] toArray() {
        return data.toArray(FLOAT);
    }

    /**
     * One row: the elements of the last axis, for a row-major row number over all other axes.
     *
     * @param row from 0 to {@code size() / dim(-1) - 1}
     * @return a copy
     * @throws IndexOutOfBoundsException if there is no such row
     * @throws IllegalStateException if the owner of the mapped file was closed
     */
    public float[] row(long row) {
        int width = dim(-1);
        float[] values = new float[width];
        copyTo(row * width, values, 0, width);
        return values;
    }

    /**
     * The sub-tensor at one position of the first axis, without copying.
     *
     * @param index position on the first axis
     * @return a tensor of rank {@code rank() - 1}
     * @throws IndexOutOfBoundsException if there is no such position, or this is a scalar
     */
    public Tensor slice(int index) {
        Objects.checkIndex(index, dim(0));
        int[] rest = Arrays.copyOfRange(shape, 1, shape.length);
        long bytes = sizeOf(rest) * Float.BYTES;
        return new Tensor(data.asSlice(index * bytes, bytes), rest);
    }

    /**
     * The same elements under another shape, without copying.
     *
     * @param newShape the length of each axis; one of them may be -1 and is inferred
     * @return the tensor
     * @throws IllegalArgumentException if the number of elements differs
     */
    public Tensor reshape(int... newShape) {
        int[] resolved = newShape.clone();
        for (int axis = 0; axis < resolved.length; axis++) {
            if (resolved[axis] == -1) {
                resolved[axis] = 1;
                long known = sizeOf(resolved);
                resolved[axis] = known == 0 ? 0 : Math.toIntExact(size / known);
                break;
            }
        }
        return new Tensor(data, resolved);
    }

    /** {@return a read-only view of the values, float32 in the machine's byte order, of any alignment} */
    public MemorySegment segment() {
        return data;
    }

    /** {@return the shape, for messages} */
    @Override
    public String toString() {
        return "Tensor" + Arrays.toString(shape);
    }
}
