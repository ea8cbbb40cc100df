package org.sae4j.core.internal.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.stream.LongStream;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.FormatException;

/** Refuses weights that are NaN or infinite: one pass at memory speed, on all cores for large tensors. */
public final class Finite {
    /** Elements that are looked at together: whole blocks of any type. */
    private static final int CHUNK = 1 << 16;
    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int F16_EXPONENT = 0x7c00;
    private static final int BF16_EXPONENT = 0x7f80;

    private Finite() {}

    /**
     * Demands finite values.
     *
     * @param where the file and the tensor's name
     * @param tensor the values; of blocks only the scales are looked at, as they decide
     * @return {@code tensor}
     * @throws FormatException if a value is NaN or infinite; it names the first in the order of the file
     */
    public static Tensor check(String where, Tensor tensor) {
        Tensor stored = tensor.stored();
        long chunks = (stored.size() + CHUNK - 1) / CHUNK;
        LongStream all = LongStream.range(0, chunks);
        // The minimum looks at every chunk, so that no task is left that still reads when the caller frees the memory.
        long bad = (chunks > 16 ? all.parallel() : all).filter(chunk -> !isFinite(stored, chunk)).min().orElse(-1);
        if (bad >= 0) {
            float[] values = new float[(int) Math.min(CHUNK, stored.size() - bad * CHUNK)];
            stored.copyTo(bad * CHUNK, values, 0, values.length);
            int index = 0;
            while (Float.isFinite(values[index])) {
                index++;
            }
            throw new FormatException("weights must be finite, found " + values[index] + " at element " + (bad * CHUNK + index), where,
                    "use a checkpoint from before the training diverged");
        }
        return tensor;
    }

    private static boolean isFinite(Tensor tensor, long chunk) {
        long from = chunk * CHUNK;
        int count = (int) Math.min(CHUNK, tensor.size() - from);
        ElementType type = tensor.type();
        MemorySegment bytes = tensor.elements().asSlice(type.bytes(from), type.bytes(count));
        return switch (type) {
            case F32 -> {
                int carry = 0;
                for (int value : bytes.toArray(ValueLayout.JAVA_INT_UNALIGNED)) {
                    // An exponent of all ones, and only that, carries into the sign bit.
                    carry |= (value & 0x7f800000) + 0x00800000;
                }
                yield carry >= 0;
            }
            case F16 -> areFinite(bytes.toArray(HALF), F16_EXPONENT);
            case BF16 -> areFinite(bytes.toArray(HALF), BF16_EXPONENT);
            default -> areFinite(scales(type, bytes), F16_EXPONENT);
        };
    }

    private static boolean areFinite(short[] halves, int exponent) {
        boolean finite = true;
        for (short half : halves) {
            finite &= (half & exponent) != exponent;
        }
        return finite;
    }

    /** The half-precision scales and minima of blocks. */
    private static short[] scales(ElementType type, MemorySegment blocks) {
        int[] places = switch (type) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL, IQ4_XS -> new int[] {0};
            case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
            case Q2_K -> new int[] {80, 82};
            case Q3_K -> new int[] {108};
            case Q6_K -> new int[] {208};
            default -> throw new IllegalArgumentException(type + " has no blocks");
        };
        int count = (int) (blocks.byteSize() / type.blockBytes());
        short[] scales = new short[count * places.length];
        for (int block = 0; block < count; block++) {
            for (int i = 0; i < places.length; i++) {
                scales[block * places.length + i] = blocks.get(HALF, (long) block * type.blockBytes() + places[i]);
            }
        }
        return scales;
    }
}
