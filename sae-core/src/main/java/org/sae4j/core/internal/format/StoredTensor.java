package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.IntUnaryOperator;
import java.util.stream.LongStream;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.FormatException;

/**
 * A tensor as it lies in a file: a typed, strided view of bytes. Views (transposed, narrowed, ...) cost nothing; {@link #read} makes the
 * float32 tensor, without copying where the file already holds it.
 */
public final class StoredTensor {
    private static final int TILE = 64;
    private static final int WIDE_TILE = 2048;
    private static final long PARALLEL_ELEMENTS = 1 << 20;
    /** Elements that share their storage (stride 0 and the like) may be multiplied up to this size, not beyond. */
    private static final long OVERLAPPING_ELEMENTS = 1 << 24;

    private final String where;
    private final ElementType type;
    private final ByteOrder order;
    private final MemorySegment data;
    private final long offset;
    private final int[] shape;
    private final long[] strides;
    private final long size;

    private StoredTensor(String where, ElementType type, ByteOrder order, MemorySegment data, long offset, int[] shape, long[] strides) {
        this.where = where;
        this.type = type;
        this.order = order;
        this.data = data;
        this.offset = offset;
        this.shape = shape;
        this.strides = strides;
        this.size = elements(where, shape);
    }

    /**
     * A row-major little-endian tensor that fills its bytes exactly.
     *
     * @throws FormatException if the shape does not match the bytes
     */
    public static StoredTensor contiguous(String where, ElementType type, MemorySegment data, int... shape) {
        return contiguous(where, type, ByteOrder.LITTLE_ENDIAN, data, shape);
    }

    /**
     * A row-major tensor that fills its bytes exactly.
     *
     * @throws FormatException if the shape does not match the bytes
     */
    public static StoredTensor contiguous(String where, ElementType type, ByteOrder order, MemorySegment data, int... shape) {
        StoredTensor tensor = new StoredTensor(where, type, order, data, 0, shape.clone(), rowMajor(shape));
        tensor.requireBytes(data.byteSize());
        return tensor;
    }

    private void requireBytes(long bytes) {
        // The number of elements is bounded so that the product cannot overflow.
        if (size % type.blockSize() != 0 || type.bytes(size) != bytes) {
            throw new FormatException("shape " + Arrays.toString(shape) + " of " + type + " needs " + size / type.blockSize() + " x "
                    + type.blockBytes() + " bytes, but there are " + bytes, where, "download or write the file again");
        }
    }

    /**
     * A tensor whose bytes are not looked at: only its name, type and shape can be asked for.
     *
     * @param bytes the number of bytes that the file has for it
     * @throws FormatException if the shape does not match the bytes
     */
    static StoredTensor described(String where, ElementType type, long bytes, int... shape) {
        StoredTensor tensor = new StoredTensor(where, type, ByteOrder.LITTLE_ENDIAN, MemorySegment.NULL, 0, shape.clone(), rowMajor(shape));
        tensor.requireBytes(bytes);
        return tensor;
    }

    /**
     * A view of a storage.
     *
     * @param offset position of the first element, in elements
     * @param strides steps of each axis, in elements, not negative
     * @throws FormatException if an element lies outside the storage, or many elements share few bytes
     */
    public static StoredTensor strided(String where, ElementType type, ByteOrder order, MemorySegment storage, long offset, int[] shape,
            long[] strides) {
        long count = storage.byteSize() / type.bytes();
        StoredTensor tensor = new StoredTensor(where, type, order, storage, offset, shape.clone(), strides.clone());
        if (shape.length != strides.length || offset < 0 || offset > count) {
            throw outside(where, offset, shape, strides, count);
        }
        if (tensor.size == 0) {
            return tensor;
        }
        long last = offset;
        for (int axis = 0; axis < shape.length; axis++) {
            long steps = shape[axis] - 1L;
            if (strides[axis] < 0 || steps > 0 && strides[axis] > count / steps) {
                throw outside(where, offset, shape, strides, count);
            }
            last += steps * strides[axis];
            if (last >= count) {
                throw outside(where, offset, shape, strides, count);
            }
        }
        if (last >= count) {
            throw outside(where, offset, shape, strides, count);
        }
        if (tensor.size > Math.max(count, OVERLAPPING_ELEMENTS)) {
            throw new FormatException("a tensor of " + tensor.size + " elements repeats a storage of " + count, where,
                    "save it with .contiguous()");
        }
        return tensor;
    }

    private static FormatException outside(String where, long offset, int[] shape, long[] strides, long count) {
        return new FormatException("offset " + offset + ", shape " + Arrays.toString(shape) + " and strides " + Arrays.toString(strides)
                + " leave the storage of " + count + " elements", where, "download or write the file again");
    }

    /**
     * The number of elements of a shape.
     *
     * @throws FormatException if there are too many to count their bytes
     */
    static long elements(String where, int[] shape) {
        long size = 1;
        for (int length : shape) {
            if (length < 0) {
                throw new FormatException("negative axis in shape " + Arrays.toString(shape), where, "download or write the file again");
            }
            if (length > 0 && size > Long.MAX_VALUE / 16 / length) {
                throw new FormatException("shape " + Arrays.toString(shape) + " has too many elements", where,
                        "download or write the file again");
            }
            size *= length;
        }
        return size;
    }

    private static long[] rowMajor(int[] shape) {
        long[] strides = new long[shape.length];
        long step = 1;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            strides[axis] = step;
            step = step > Long.MAX_VALUE / Math.max(1, shape[axis]) ? Long.MAX_VALUE : step * Math.max(1, shape[axis]);
        }
        return strides;
    }

    /** {@return the file and the tensor's name, for messages} */
    public String where() {
        return where;
    }

    /** {@return the type of the stored elements} */
    public ElementType type() {
        return type;
    }

    /** {@return a copy of the lengths of the axes} */
    public int[] shape() {
        return shape.clone();
    }

    /** {@return the number of axes} */
    public int rank() {
        return shape.length;
    }

    /** {@return the length of an axis} */
    public int dim(int axis) {
        return shape[axis];
    }

    /** {@return the number of elements} */
    public long size() {
        return size;
    }

    /**
     * Demands a shape.
     *
     * @param rule what the shape follows from, for the message
     * @param expected the lengths; -1 is any positive length
     * @return this
     * @throws FormatException otherwise
     */
    public StoredTensor expect(String rule, int... expected) {
        boolean fits = expected.length == shape.length;
        for (int axis = 0; fits && axis < expected.length; axis++) {
            fits = expected[axis] == -1 ? shape[axis] > 0 : expected[axis] == shape[axis];
        }
        if (!fits) {
            throw new FormatException("expected shape " + Arrays.toString(expected).replace("-1", "any") + " (" + rule + "), found "
                    + Arrays.toString(shape), where, "check that the config belongs to these weights");
        }
        return this;
    }

    /** {@return the view with the given order of axes} */
    public StoredTensor permuted(int... axes) {
        int[] newShape = new int[axes.length];
        long[] newStrides = new long[axes.length];
        for (int axis = 0; axis < axes.length; axis++) {
            newShape[axis] = shape[axes[axis]];
            newStrides[axis] = strides[axes[axis]];
        }
        return new StoredTensor(where, type, order, data, offset, newShape, newStrides);
    }

    /** {@return the view of positions {@code from} to {@code from + length - 1} of an axis} */
    public StoredTensor narrowed(int axis, int from, int length) {
        int[] newShape = shape.clone();
        newShape[axis] = length;
        return new StoredTensor(where, type, order, data, offset + from * strides[axis], newShape, strides);
    }

    /** {@return the view with one axis as two, of lengths {@code outer} and {@code dim(axis) / outer}} */
    public StoredTensor split(int axis, int outer) {
        int inner = shape[axis] / outer;
        int[] newShape = new int[shape.length + 1];
        long[] newStrides = new long[shape.length + 1];
        for (int i = 0; i < newShape.length; i++) {
            int source = i <= axis ? i : i - 1;
            newShape[i] = i == axis ? outer : i == axis + 1 ? inner : shape[source];
            newStrides[i] = i == axis ? strides[axis] * inner : strides[source];
        }
        return new StoredTensor(where, type, order, data, offset, newShape, newStrides);
    }

    /**
     * The float32 values.
     *
     * @param arena owns the memory of values that must be converted or rearranged
     * @return the tensor; it lives as long as the arena and the file
     * @throws org.sae4j.api.Sae4jException if the memory for converted values is not available
     */
    public Tensor read(Arena arena) {
        boolean contiguous = Arrays.equals(strides, rowMajor(shape)) || size == 0;
        if (type == ElementType.F32 && contiguous && order == ByteOrder.nativeOrder()) {
            return Tensor.ofSegment(data.asSlice(size == 0 ? 0 : offset * Float.BYTES, size * Float.BYTES), shape);
        }
        MemorySegment target = OffHeap.allocate(arena, size * Float.BYTES, where);
        if (size > 0) {
            copyTo(target);
        }
        return Tensor.ofSegment(target, shape);
    }

    /**
     * The values as the file has them: in its type where memory can hold it, and where they lie if this is a contiguous part of the file
     * whose axes are in any order. Whole rows that lie apart are copied in their type, all others are converted.
     *
     * @param arena owns the memory of what is copied or converted
     * @return the tensor; it lives as long as the arena and the file
     * @throws org.sae4j.api.Sae4jException if the memory is not available
     */
    public Tensor load(Arena arena) {
        Integer[] axes = new Integer[shape.length];
        Arrays.setAll(axes, axis -> axis);
        Arrays.sort(axes, Comparator.comparingLong((Integer axis) -> shape[axis] == 1 ? Long.MAX_VALUE : strides[axis]).reversed());
        int[] near = Arrays.stream(axes).mapToInt(Integer::intValue).toArray();
        int[] back = new int[near.length];
        for (int axis = 0; axis < near.length; axis++) {
            back[near[axis]] = axis;
        }
        StoredTensor stored = permuted(near);
        return type.isFloat() && order == ByteOrder.LITTLE_ENDIAN && stored.hasWholeRows() ? stored.loadRows(arena).permuted(back)
                : read(arena);
    }

    private boolean hasWholeRows() {
        int last = shape.length - 1;
        boolean whole = size > 0 && last >= 0 && (strides[last] == 1 || shape[last] == 1) && shape[last] % type.blockSize() == 0
                && offset % type.blockSize() == 0;
        for (int axis = 0; whole && axis < last; axis++) {
            whole = shape[axis] == 1 || strides[axis] % type.blockSize() == 0;
        }
        return whole;
    }

    private Tensor loadRows(Arena arena) {
        if (Arrays.equals(strides, rowMajor(shape))) {
            return Tensor.ofSegment(type, data.asSlice(type.bytes(offset), type.bytes(size)), shape);
        }
        int columns = shape[shape.length - 1];
        long rowBytes = type.bytes(columns);
        MemorySegment target = OffHeap.allocate(arena, type.bytes(size), where);
        for (long row = 0; row < size / columns; row++) {
            MemorySegment.copy(data, type.bytes(planeOffset(row, shape.length - 1)), target, row * rowBytes, rowBytes);
        }
        return Tensor.ofSegment(type, target, shape);
    }

    /**
     * The rows of a matrix in another order.
     *
     * @param source for each row of the result, which row it is
     * @param arena owns the memory of the copy, which has the file's type
     * @return the matrix
     * @throws org.sae4j.api.Sae4jException if the memory is not available
     */
    public StoredTensor withRows(IntUnaryOperator source, Arena arena) {
        long rowBytes = type.bytes(strides[0]);
        MemorySegment target = OffHeap.allocate(arena, shape[0] * rowBytes, where);
        for (int row = 0; row < shape[0]; row++) {
            MemorySegment.copy(data, type.bytes(offset) + source.applyAsInt(row) * rowBytes, target, row * rowBytes, rowBytes);
        }
        return new StoredTensor(where, type, order, target, 0, shape, strides);
    }

    /** {@return whether another tensor of the same shape has the same values} */
    @SuppressWarnings("MemorySegmentReferenceEquality")       // Equal objects are a shortcut; others are compared by their values.
    public boolean sameValues(StoredTensor other) {
        if (data == other.data && offset == other.offset && Arrays.equals(strides, other.strides)) {
            return true;
        }
        try (Arena arena = Arena.ofShared()) {
            return read(arena).segment().mismatch(other.read(arena).segment()) < 0;
        }
    }

    /** {@return the only element, as a double} */
    public double scalar() {
        if (size != 1) {
            throw new FormatException("expected one number, found shape " + Arrays.toString(shape), where, "check the file");
        }
        return switch (type) {
            case F64 -> data.get(ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(order), offset * Double.BYTES);
            case I64 -> data.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(order), offset * Long.BYTES);
            default -> {
                float[] value = new float[1];
                ElementDecoder.of(type, order, data).decode(offset, 1, value, 0, 1);
                yield value[0];
            }
        };
    }

    private void copyTo(MemorySegment target) {
        int columns = shape.length == 0 ? 1 : shape[shape.length - 1];
        int rowAxis = shape.length - 2;
        int rows = rowAxis < 0 ? 1 : shape[rowAxis];
        int bands = (rows + TILE - 1) / TILE;
        long items = size / ((long) rows * columns) * bands;
        ElementDecoder decoder = ElementDecoder.of(type, order, data);
        LongStream work = LongStream.range(0, items);
        (size >= PARALLEL_ELEMENTS ? work.parallel() : work).forEach(item -> {
            int fromRow = (int) (item % bands) * TILE;
            long plane = item / bands;
            copyBand(decoder, planeOffset(plane, rowAxis), fromRow, Math.min(rows, fromRow + TILE), columns, target,
                    plane * rows * columns);
        });
    }

    /** Copies some rows of the last two axes in tiles, reading along the axis whose elements lie closer together. */
    private void copyBand(ElementDecoder decoder, long source, int fromRow, int toRow, int columns, MemorySegment target, long into) {
        long columnStride = shape.length == 0 ? 1 : strides[shape.length - 1];
        long rowStride = shape.length < 2 ? 0 : strides[shape.length - 2];
        boolean alongRows = shape.length >= 2 && rowStride < columnStride;
        int width = Math.min(columns, alongRows ? TILE : WIDE_TILE);
        int height = toRow - fromRow;
        float[] tile = new float[height * width];
        float[] line = new float[height];
        for (int fromColumn = 0; fromColumn < columns; fromColumn += width) {
            int count = Math.min(width, columns - fromColumn);
            if (alongRows) {
                for (int column = 0; column < count; column++) {
                    decoder.decode(source + fromRow * rowStride + (fromColumn + column) * columnStride, rowStride, line, 0, height);
                    for (int row = 0; row < height; row++) {
                        tile[row * width + column] = line[row];
                    }
                }
            } else {
                for (int row = 0; row < height; row++) {
                    decoder.decode(source + (fromRow + row) * rowStride + fromColumn * columnStride, columnStride, tile, row * width,
                            count);
                }
            }
            for (int row = 0; row < height; row++) {
                long at = into + (long) (fromRow + row) * columns + fromColumn;
                MemorySegment.copy(tile, row * width, target, ValueLayout.JAVA_FLOAT, at * Float.BYTES, count);
            }
        }
    }

    private long planeOffset(long plane, int rowAxis) {
        long position = offset;
        long rest = plane;
        for (int axis = rowAxis - 1; axis >= 0; axis--) {
            position += rest % shape[axis] * strides[axis];
            rest /= shape[axis];
        }
        return position;
    }
}
