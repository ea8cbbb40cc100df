package org.sae4j.api;

/**
 * Values of elements that lie in blocks, to the bit those of ggml's definitions: float32, scales first, then the integer, then the minimum.
 * Offsets are those of a block's first byte and of its first value.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c">the definitions, dequantize_row_*</a>
 */
final class Blocks {
    /** The values that the 4 bits of IQ4 types choose from. */
    private static final int[] IQ4 = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private Blocks() {}

    /**
     * The values of one block.
     *
     * @param type a block type
     * @param b holds the block from {@code o} on
     * @param out receives the values from {@code at} on
     */
    static void decode(ElementType type, byte[] b, int o, float[] out, int at) {
        switch (type) {
            case Q4_0 -> q4(b, o + 2, half(b, o), -8, 0, out, at);
            case Q4_1 -> q4(b, o + 4, half(b, o), 0, half(b, o + 2), out, at);
            case Q5_0 -> q5(b, o + 2, half(b, o), -16, 0, out, at);
            case Q5_1 -> q5(b, o + 4, half(b, o), 0, half(b, o + 2), out, at);
            case Q8_0 -> q8(b, o, out, at);
            case Q2_K -> q2k(b, o, out, at);
            case Q3_K -> q3k(b, o, out, at);
            case Q4_K -> q4k(b, o, out, at);
            case Q5_K -> q5k(b, o, out, at);
            case Q6_K -> q6k(b, o, out, at);
            case IQ4_NL -> iq4(b, o + 2, half(b, o), out, at);
            case IQ4_XS -> iq4xs(b, o, out, at);
            default -> throw new IllegalArgumentException(type + " has no blocks");
        }
    }

    private static float half(byte[] b, int o) {
        return Float.float16ToFloat((short) (b[o] & 0xff | b[o + 1] << 8));
    }

    /** The low halves of 16 bytes, then the high ones. Types with a shift have no minimum: adding 0 would change the sign of a zero. */
    private static void q4(byte[] b, int q, float d, int shift, float m, float[] out, int at) {
        for (int i = 0; i < 16; i++) {
            float low = d * ((b[q + i] & 15) + shift);
            float high = d * ((b[q + i] >> 4 & 15) + shift);
            out[at + i] = shift != 0 ? low : low + m;
            out[at + 16 + i] = shift != 0 ? high : high + m;
        }
    }

    /** As {@link #q4} with a fifth bit of each element in the 4 bytes before. */
    private static void q5(byte[] b, int o, float d, int shift, float m, float[] out, int at) {
        int h = b[o] & 0xff | (b[o + 1] & 0xff) << 8 | (b[o + 2] & 0xff) << 16 | b[o + 3] << 24;
        for (int i = 0; i < 32; i++) {
            float value = d * ((b[o + 4 + i % 16] >> i / 16 * 4 & 15 | (h >> i & 1) << 4) + shift);
            out[at + i] = shift != 0 ? value : value + m;
        }
    }

    private static void q8(byte[] b, int o, float[] out, int at) {
        float d = half(b, o);
        for (int i = 0; i < 32; i++) {
            out[at + i] = d * b[o + 2 + i];
        }
    }

    /** 16 scales and minima in 4 bits each, 64 bytes of 2 bits, d, dmin. */
    private static void q2k(byte[] b, int o, float[] out, int at) {
        float d = half(b, o + 80);
        float least = half(b, o + 82);
        for (int j = 0; j < 16; j++) {
            float scale = d * (b[o + j] & 15);
            float minimum = least * (b[o + j] >> 4 & 15);
            int q = o + 16 + 32 * (j / 8) + 16 * (j % 2);
            int shift = j / 2 % 4 * 2;
            for (int i = 0; i < 16; i++) {
                out[at + 16 * j + i] = scale * (b[q + i] >> shift & 3) - minimum;
            }
        }
    }

    /** 32 bytes of third bits, 64 bytes of 2 bits, 16 scales of 6 bits in 12 bytes, d. */
    private static void q3k(byte[] b, int o, float[] out, int at) {
        float d = half(b, o + 108);
        for (int j = 0; j < 16; j++) {
            int s = o + 96;
            float scale = d * ((b[s + j % 8] >> j / 8 * 4 & 15 | (b[s + 8 + j % 4] >> j / 4 * 2 & 3) << 4) - 32);
            int h = o + 16 * (j % 2);
            int q = o + 32 + 32 * (j / 8) + 16 * (j % 2);
            int shift = j / 2 % 4 * 2;
            for (int i = 0; i < 16; i++) {
                out[at + 16 * j + i] = scale * ((b[q + i] >> shift & 3) - (b[h + i] >> j / 2 & 1 ^ 1) * 4);
            }
        }
    }

    /** One of 8 scales of 6 bits; they lie in 12 bytes together with 8 minima. */
    private static int scale(byte[] b, int s, int j) {
        return j < 4 ? b[s + j] & 63 : b[s + 4 + j] & 15 | (b[s + j - 4] >> 6 & 3) << 4;
    }

    private static int minimum(byte[] b, int s, int j) {
        return j < 4 ? b[s + 4 + j] & 63 : b[s + 4 + j] >> 4 & 15 | (b[s + j] >> 6 & 3) << 4;
    }

    /** d, dmin, scales and minima, 128 bytes of 4 bits. */
    private static void q4k(byte[] b, int o, float[] out, int at) {
        float d = half(b, o);
        float least = half(b, o + 2);
        for (int j = 0; j < 8; j++) {
            float scale = d * scale(b, o + 4, j);
            float minimum = least * minimum(b, o + 4, j);
            int q = o + 16 + 32 * (j / 2);
            int shift = j % 2 * 4;
            for (int i = 0; i < 32; i++) {
                out[at + 32 * j + i] = scale * (b[q + i] >> shift & 15) - minimum;
            }
        }
    }

    /** d, dmin, scales and minima, 32 bytes of fifth bits, 128 bytes of 4 bits. */
    private static void q5k(byte[] b, int o, float[] out, int at) {
        float d = half(b, o);
        float least = half(b, o + 2);
        for (int j = 0; j < 8; j++) {
            float scale = d * scale(b, o + 4, j);
            float minimum = least * minimum(b, o + 4, j);
            int h = o + 16;
            int q = o + 48 + 32 * (j / 2);
            int shift = j % 2 * 4;
            for (int i = 0; i < 32; i++) {
                out[at + 32 * j + i] = scale * (b[q + i] >> shift & 15 | (b[h + i] >> j & 1) << 4) - minimum;
            }
        }
    }

    /** 128 bytes of 4 bits, 64 bytes of 2 higher bits, 16 signed scales, d. */
    private static void q6k(byte[] b, int o, float[] out, int at) {
        float d = half(b, o + 208);
        for (int j = 0; j < 16; j++) {
            float scale = d * b[o + 192 + j];
            int part = j / 2 % 4;
            int low = o + 64 * (j / 8) + 32 * (part % 2) + 16 * (j % 2);
            int high = o + 128 + 32 * (j / 8) + 16 * (j % 2);
            for (int i = 0; i < 16; i++) {
                out[at + 16 * j + i] = scale * ((b[low + i] >> part / 2 * 4 & 15 | (b[high + i] >> part * 2 & 3) << 4) - 32);
            }
        }
    }

    private static void iq4(byte[] b, int q, float scale, float[] out, int at) {
        for (int i = 0; i < 16; i++) {
            out[at + i] = scale * IQ4[b[q + i] & 15];
            out[at + 16 + i] = scale * IQ4[b[q + i] >> 4 & 15];
        }
    }

    /** d, 16 bits of high scale bits, 4 bytes of low scale bits, 128 bytes of 4 bits. */
    private static void iq4xs(byte[] b, int o, float[] out, int at) {
        float d = half(b, o);
        int high = b[o + 2] & 0xff | (b[o + 3] & 0xff) << 8;
        for (int j = 0; j < 8; j++) {
            int scale = (b[o + 4 + j / 2] >> j % 2 * 4 & 15 | (high >> 2 * j & 3) << 4) - 32;
            iq4(b, o + 8 + 16 * j, d * scale, out, at + 32 * j);
        }
    }
}
