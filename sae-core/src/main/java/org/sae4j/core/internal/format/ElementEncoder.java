package org.sae4j.core.internal.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.sae4j.api.ElementType;
import org.sae4j.core.format.FormatException;

/** Writes floats as little-endian elements, to the nearest value and to the even one in between. */
public final class ElementEncoder {
    private static final int INFINITY = 0x7f80;

    private ElementEncoder() {}

    /**
     * Encodes a run of floats.
     *
     * @param type F32, F16 or BF16
     * @param values where the floats are
     * @param from index of the first
     * @param count how many
     * @param out receives {@code count * type.bytes()} bytes at its position, which moves on
     * @param where what the floats are, for messages
     * @throws FormatException if a value is NaN, infinite, or beyond the largest of the type
     */
    public static void encode(ElementType type, float[] values, int from, int count, ByteBuffer out, String where) {
        // 0 * x is 0 for whatever is finite; a sum of such products finds the others without a branch for each.
        float check = 0;
        for (int i = from; i < from + count; i++) {
            check += 0 * values[i];
        }
        if (check != 0) {
            throw unfit(type, values, from, count, where);
        }
        out.order(ByteOrder.LITTLE_ENDIAN);
        switch (type) {
            case F32 -> {
                out.asFloatBuffer().put(values, from, count);
                out.position(out.position() + count * Float.BYTES);
            }
            case F16, BF16 -> {
                short[] bits = new short[count];
                boolean fits = true;
                for (int i = 0; i < count; i++) {
                    bits[i] = type == ElementType.F16 ? Float.floatToFloat16(values[from + i]) : brainFloat(values[from + i]);
                    fits &= isFinite(type, bits[i]);
                }
                if (!fits) {
                    throw unfit(type, values, from, count, where);
                }
                out.asShortBuffer().put(bits);
                out.position(out.position() + count * Short.BYTES);
            }
            default -> throw new IllegalArgumentException("floats are not stored as " + type);
        }
    }

    /** The upper half of a finite float, rounded. */
    private static short brainFloat(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16);
    }

    private static boolean isFinite(ElementType type, short bits) {
        int exponent = type == ElementType.F16 ? 0x7c00 : INFINITY;
        return (bits & exponent) != exponent;
    }

    private static FormatException unfit(ElementType type, float[] values, int from, int count, String where) {
        for (int i = from; i < from + count; i++) {
            if (!Float.isFinite(values[i])) {
                return new FormatException("a value is " + values[i], where, "find out where the model's numbers stop being finite");
            }
            if (type == ElementType.F16 && !isFinite(type, Float.floatToFloat16(values[i]))
                    || type == ElementType.BF16 && !isFinite(type, brainFloat(values[i]))) {
                return new FormatException("the value " + values[i] + " is beyond the largest of " + type, where, "store it as F32");
            }
        }
        throw new AssertionError("all values fit");
    }
}
