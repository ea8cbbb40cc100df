package org.sae4j.api;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An immutable array of float32 values with a shape, in row-major order.
 *
 * <p>The values lie in a Java array or in a memory-mapped file: as float32, or in a smaller {@linkplain ElementType type} from which every
 * access makes float32, exactly as the type defines them. They may lie in another order of axes ({@link #permuted}). A tensor over a
 * mapped file lives as long as the transformer or autoencoder that opened the file; afterwards every access throws {@link IllegalStateException}. Instances are safe for use by several threads.
 * Two tensors are equal only if they are the same object: comparing values is the caller's decision of a tolerance.
 */
public final class Tensor {
    private final ElementType type;
    private final MemorySegment data;
    private final int[] shape;
    private final long size;
    /** Null if elements lie in row-major order. */
    private final @Nullable AxisOrder order;

    private Tensor(ElementType type, MemorySegment data, int[] shape) {
        this(type, data, shape, null);
    }

    private Tensor(ElementType type, MemorySegment data, int[] shape, @Nullable AxisOrder order) {
        this.type = type;
        this.data = data.asReadOnly();
        this.shape = shape.clone();
        this.size = sizeOf(shape);
        this.order = order;
        if (order == null && type.isBlock() && (shape.length == 0 || shape[shape.length - 1] % type.blockSize() != 0)) {
            throw new IllegalArgumentException("rows of " + type + " are whole blocks of " + type.blockSize() + ", found shape "
                    + Arrays.toString(shape));
        }
        if (data.byteSize() != type.bytes(size)) {
            throw new IllegalArgumentException("a tensor of shape " + Arrays.toString(shape) + " needs " + type.bytes(size)
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
        Objects.requireNonNull(values, "values");
        Objects.requireNonNull(shape, "shape");
        return new Tensor(ElementType.F32, MemorySegment.ofArray(values), shape);
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
        Objects.requireNonNull(values, "values");
        Objects.requireNonNull(shape, "shape");
        return new Tensor(ElementType.F32, values, shape);
    }

    /**
     * Wraps a memory segment of elements of any floating-point or block type, of any alignment, without copying it. Elements of two bytes
     * and blocks are little-endian, F32 is in the machine's byte order.
     *
     * @param type {@linkplain ElementType#isFloat() a type for memory}
     * @param elements the elements in row-major order; they must not change while the tensor is used
     * @param shape the length of each axis, each at least 0; the last is a multiple of the type's block size
     * @return a tensor over {@code elements}
     * @throws IllegalArgumentException if the shape does not have exactly as many bytes as the segment, has a negative axis or rows that
     *         are no whole blocks, or the type is an integer or F64
     */
    public static Tensor ofSegment(ElementType type, MemorySegment elements, int... shape) {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(elements, "elements");
        Objects.requireNonNull(shape, "shape");
        if (!type.isFloat()) {
            throw new IllegalArgumentException("a tensor in memory is F32, F16, BF16 or of a block type, found " + type);
        }
        return new Tensor(type, elements, shape);
    }

    /**
     * A tensor of zeros.
     *
     * @param shape the length of each axis, each at least 0
     * @return the tensor
     * @throws IllegalArgumentException if an axis is negative, or there are more than 2^31-1 elements
     */
    public static Tensor zeros(int... shape) {
        Objects.requireNonNull(shape, "shape");
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

    /** {@return the type that the elements lie in memory as; values are float32 whatever it is} */
    public ElementType type() {
        return type;
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
        Objects.checkIndex(index, size);
        return StoredElements.value(type, data, order == null ? index : order.position(index));
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
        return get(flat);
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
        Objects.checkFromIndexSize(at, count, target.length);
        if (order == null) {
            StoredElements.copy(type, data, from, target, at, count);
        } else {
            order.copy(type, data, from, target, at, count);
        }
    }

    /**
     * All elements as a new array, in row-major order.
     *
     * @return a copy
     * @throws IllegalStateException if there are more than 2^31-1 elements, or the owner of the mapped file was closed
     */
    public float[] toArray() {
        if (size > Integer.MAX_VALUE - 8) {
            throw new IllegalStateException(size + " elements do not fit in one Java array");
        }
        float[] values = new float[(int) size];
        copyTo(0, values, 0, values.length);
        return values;
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
        // Checked before the product, which could overflow to a position that exists.
        Objects.checkIndex(row, width == 0 ? Long.MAX_VALUE : size / width);
        float[] values = new float[width];
        copyTo(row * width, values, 0, width);
        return values;
    }

    /**
     * The sub-tensor at one position of the first axis, without copying unless {@linkplain #permuted the order of axes} asks for it.
     *
     * @param index position on the first axis
     * @return a tensor of rank {@code rank() - 1}
     * @throws IndexOutOfBoundsException if there is no such position, or this is a scalar
     */
    public Tensor slice(int index) {
        Objects.checkIndex(index, dim(0));
        int[] rest = Arrays.copyOfRange(shape, 1, shape.length);
        if (order != null || rest.length == 0) {
            float[] values = new float[Math.toIntExact(sizeOf(rest))];
            copyTo((long) index * values.length, values, 0, values.length);
            return of(values, rest);
        }
        long bytes = type.bytes(sizeOf(rest));
        return new Tensor(type, data.asSlice(index * bytes, bytes), rest);
    }

    /**
     * The same elements under another shape, without copying unless {@linkplain #permuted the order of axes} asks for it.
     *
     * @param newShape the length of each axis; one of them may be -1 and is inferred
     * @return the tensor
     * @throws IllegalArgumentException if the number of elements differs, or the last axis is no multiple of the type's block size
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
        if (order == null) {
            return new Tensor(type, data, resolved);
        }
        return Arrays.equals(resolved, shape) ? this : of(toArray(), resolved);
    }

    /**
     * The same elements under another order of axes, without copying: element {@code (i, j, ...)} is the one with {@code i} on axis
     * {@code axes[0]}, {@code j} on axis {@code axes[1]} and so on. A weight [in, out] that a file holds as [out, in] is such a view.
     *
     * @param axes the number of each axis among those of this tensor, each once
     * @return the view
     * @throws IllegalArgumentException if {@code axes} is no order of this tensor's axes
     */
    public Tensor permuted(int... axes) {
        int[] sorted = axes.clone();
        Arrays.sort(sorted);
        int[] lengths = new int[axes.length];
        for (int axis = 0; axis < axes.length; axis++) {
            if (sorted[axis] != axis || axes.length != shape.length) {
                throw new IllegalArgumentException(Arrays.toString(axes) + " is not an order of the axes of " + this);
            }
            lengths[axis] = shape[axes[axis]];
        }
        int[] stored = order == null ? axes.clone() : order.then(axes);
        return new Tensor(type, data, lengths, isStraight(stored, lengths) ? null : new AxisOrder(stored, lengths));
    }

    /** Whether elements under an order of axes are in row-major order all the same: axes of length 1 may stand anywhere. */
    private boolean isStraight(int[] axes, int[] lengths) {
        int last = -1;
        for (int axis = 0; axis < axes.length; axis++) {
            if (lengths[axis] != 1 && axes[axis] < last) {
                return false;
            }
            last = lengths[axis] == 1 ? last : axes[axis];
        }
        return axes.length == 0 || lengths[lengths.length - 1] % type.blockSize() == 0;
    }

    /** {@return the tensor whose elements lie in row-major order and of which this is a permuted view; this itself if it is none} */
    public Tensor stored() {
        return order == null ? this : new Tensor(type, data, order.storedShape());
    }

    /** {@return for each axis its number among the axes of {@link #stored()}: 0, 1, 2, ... for a tensor that is not permuted} */
    public int[] axes() {
        int[] axes = new int[shape.length];
        Arrays.setAll(axes, axis -> order == null ? axis : order.axes()[axis]);
        return axes;
    }

    /**
     * The values where they lie.
     *
     * @return a read-only view, float32 in the machine's byte order, of any alignment
     * @throws IllegalStateException if the {@linkplain #type() type} is another than F32, or the tensor is {@linkplain #permuted permuted}
     */
    public MemorySegment segment() {
        if (type != ElementType.F32 || order != null) {
            throw new IllegalStateException(this + " lies in memory as " + type + (order == null ? "" : " in another order of axes")
                    + ": use copyTo or elements()");
        }
        return data;
    }

    /** {@return a read-only view of the elements of {@link #stored()} in their {@linkplain #type() type}, of any alignment} */
    public MemorySegment elements() {
        return data;
    }

    /** {@return the shape, for messages} */
    @Override
    public String toString() {
        return "Tensor" + Arrays.toString(shape);
    }
}
