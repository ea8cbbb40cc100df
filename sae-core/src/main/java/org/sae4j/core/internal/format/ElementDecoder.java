package org.sae4j.core.internal.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;

/** Turns runs of stored elements into floats. */
@FunctionalInterface
public interface ElementDecoder {
    /** Decodes {@code count} elements, {@code stride} apart, from the one at {@code index}. */
    void decode(long index, long stride, float[] out, int at, int count);

    /** {@return the decoder of the elements of a segment} */
    static ElementDecoder of(ElementType type, ByteOrder order, MemorySegment data) {
        return switch (type) {
            case F32 -> floats(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(order), data);
            case F16 -> halves(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order), data);
            case BF16 -> brainFloats(ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order), data);
            default -> type.isBlock() ? blocks(type, data) : singly(element(type, order, data));
        };
    }

    private static ElementDecoder blocks(ElementType type, MemorySegment data) {
        long blocks = data.byteSize() / type.blockBytes();
        Tensor tensor = Tensor.ofSegment(type, data.asSlice(0, blocks * type.blockBytes()), Math.toIntExact(blocks), type.blockSize());
        return (index, stride, out, at, count) -> {
            if (stride == 1) {
                tensor.copyTo(index, out, at, count);
            } else {
                for (int i = 0; i < count; i++) {
                    out[at + i] = tensor.get(index + i * stride);
                }
            }
        };
    }

    private static ElementDecoder floats(ValueLayout.OfFloat layout, MemorySegment data) {
        return (index, stride, out, at, count) -> {
            if (stride == 1) {
                MemorySegment.copy(data, layout, index * Float.BYTES, out, at, count);
            } else {
                for (int i = 0; i < count; i++) {
                    out[at + i] = data.get(layout, (index + i * stride) * Float.BYTES);
                }
            }
        };
    }

    private static ElementDecoder halves(ValueLayout.OfShort layout, MemorySegment data) {
        return (index, stride, out, at, count) -> {
            short[] bits = shorts(layout, data, index, stride, count);
            for (int i = 0; i < count; i++) {
                out[at + i] = Float.float16ToFloat(bits[i]);
            }
        };
    }

    private static ElementDecoder brainFloats(ValueLayout.OfShort layout, MemorySegment data) {
        return (index, stride, out, at, count) -> {
            short[] bits = shorts(layout, data, index, stride, count);
            for (int i = 0; i < count; i++) {
                out[at + i] = Float.intBitsToFloat(bits[i] << 16);
            }
        };
    }

    private static short[] shorts(ValueLayout.OfShort layout, MemorySegment data, long index, long stride, int count) {
        short[] bits = new short[count];
        if (stride == 1) {
            MemorySegment.copy(data, layout, index * Short.BYTES, bits, 0, count);
        } else {
            for (int i = 0; i < count; i++) {
                bits[i] = data.get(layout, (index + i * stride) * Short.BYTES);
            }
        }
        return bits;
    }

    /** One element by its position. */
    @FunctionalInterface
    interface Element {
        /** {@return the value nearest to the element} */
        float at(long index);
    }

    private static ElementDecoder singly(Element element) {
        return (index, stride, out, at, count) -> {
            for (int i = 0; i < count; i++) {
                out[at + i] = element.at(index + i * stride);
            }
        };
    }

    private static Element element(ElementType type, ByteOrder order, MemorySegment data) {
        ValueLayout.OfDouble doubles = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(order);
        ValueLayout.OfLong longs = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(order);
        ValueLayout.OfInt ints = ValueLayout.JAVA_INT_UNALIGNED.withOrder(order);
        ValueLayout.OfShort shorts = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(order);
        return switch (type) {
            case F64 -> index -> (float) data.get(doubles, index * Double.BYTES);
            case I64 -> index -> data.get(longs, index * Long.BYTES);
            case I32 -> index -> data.get(ints, index * Integer.BYTES);
            case I16 -> index -> data.get(shorts, index * Short.BYTES);
            case I8 -> index -> data.get(ValueLayout.JAVA_BYTE, index);
            case U8 -> index -> data.get(ValueLayout.JAVA_BYTE, index) & 0xff;
            case BOOL -> index -> data.get(ValueLayout.JAVA_BYTE, index) == 0 ? 0 : 1;
            default -> throw new IllegalArgumentException(type + " is decoded in runs");
        };
    }
}
