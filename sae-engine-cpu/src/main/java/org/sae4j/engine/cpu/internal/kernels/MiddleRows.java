package org.sae4j.engine.cpu.internal.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of stored weights on vectors of 256 bits, as {@link WideRows} on 512: the 32 chains of a product are four vectors. Two vectors
 * cannot be shuffled into one by an instruction here, so products are added up by turns within vectors and blends.
 */
final class MiddleRows {
    static final boolean AVAILABLE = FloatVector.SPECIES_PREFERRED == FloatVector.SPECIES_256;

    private static final VectorSpecies<Float> F = FloatVector.SPECIES_256;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_256;
    private static final VectorSpecies<Short> H = ShortVector.SPECIES_128;
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_64;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);
    /** A half's bits, moved to those of a float, are its value times 2^-112, subnormal values too. */
    private static final float HALF = 0x1p112f;

    private static final VectorShuffle<Float> TURN4 = VectorShuffle.fromValues(F, 4, 5, 6, 7, 0, 1, 2, 3);
    private static final VectorShuffle<Float> TURN2 = VectorShuffle.fromValues(F, 2, 3, 0, 1, 6, 7, 4, 5);
    private static final VectorShuffle<Float> TURN1 = VectorShuffle.fromValues(F, 1, 0, 3, 2, 5, 4, 7, 6);
    private static final VectorMask<Float> UPPER4 = VectorMask.fromLong(F, 0b11110000);
    private static final VectorMask<Float> UPPER2 = VectorMask.fromLong(F, 0b11001100);
    private static final VectorMask<Float> UPPER1 = VectorMask.fromLong(F, 0b10101010);

    private MiddleRows() {}

    /** Whether rows can be read here: from memory outside the heap, and whole steps of all chains long. */
    private static boolean canRead(StoredRows w) {
        return AVAILABLE && w.elements().isNative() && w.depth() % RowKernels.CHAINS == 0;
    }

    /** {@return whether the chains of some rows were computed, one product's behind the other's} */
    static boolean chains(StoredRows w, int from, int to, float[] x, int xAt, float[] sums) {
        if (!canRead(w)) {
            return false;
        }
        MemorySegment data = w.elements();
        long at = from * w.rowBytes();
        int rows = to - from;
        int depth = w.depth();
        switch (w.type()) {
            case F32 -> f32(data, at, rows, depth, x, xAt, sums);
            case BF16 -> bf16(data, at, rows, depth, x, xAt, sums);
            case F16 -> f16(data, at, rows, depth, x, xAt, sums);
            case Q8_0 -> q8(data, at, rows, depth, x, xAt, sums);
            case Q4_0 -> q40(data, at, rows, depth, x, xAt, sums);
            case Q4_1 -> q41(data, at, rows, depth, x, xAt, sums);
            default -> {
                return false;
            }
        }
        return true;
    }

    /** {@return whether a row was written as floats} */
    static boolean unpack(StoredRows w, int row, float[] out, int to) {
        if (!canRead(w)) {
            return false;
        }
        MemorySegment data = w.elements();
        long at = row * w.rowBytes();
        int count = w.depth();
        switch (w.type()) {
            case BF16 -> bf16(data, at, count, out, to);
            case F16 -> f16(data, at, count, out, to);
            case Q8_0 -> q8(data, at, count, out, to);
            case Q4_0 -> q40(data, at, count, out, to);
            case Q4_1 -> q41(data, at, count, out, to);
            default -> {
                return false;
            }
        }
        return true;
    }

    /**
     * Adds up the chains of products, eight products at a time: two vectors become one that holds halves of both.
     *
     * @return how many products were added up
     */
    static int fold(float[] sums, int products, float[] out, int at) {
        if (!AVAILABLE) {
            return 0;
        }
        int groups = products / 8;
        fold8(sums, groups * 8);
        fold4(sums, groups * 4);
        fold2(sums, groups * 2);
        fold1(sums, groups, out, at);
        return groups * 8;
    }

    /** Chains c and c + 16, then c and c + 8, of every product. */
    private static void fold8(float[] sums, int products) {
        for (int i = 0; i < products; i++) {
            int o = i * 32;
            x(sums, o).add(x(sums, o + 16)).add(x(sums, o + 8).add(x(sums, o + 24))).intoArray(sums, o);
        }
    }

    /** Chains c and c + 4: product i and i + 4 of a group share a vector. */
    private static void fold4(float[] sums, int pairs) {
        for (int pair = 0; pair < pairs; pair++) {
            int o = (pair >> 2) * 256 + (pair & 3) * 32;
            FloatVector p = x(sums, o);
            FloatVector q = x(sums, o + 128);
            p.blend(q.rearrange(TURN4), UPPER4).add(p.rearrange(TURN4).blend(q, UPPER4)).intoArray(sums, o);
        }
    }

    private static void fold2(float[] sums, int pairs) {
        for (int pair = 0; pair < pairs; pair++) {
            int o = (pair >> 1) * 256 + (pair & 1) * 32;
            FloatVector p = x(sums, o);
            FloatVector q = x(sums, o + 64);
            p.blend(q.rearrange(TURN2), UPPER2).add(p.rearrange(TURN2).blend(q, UPPER2)).intoArray(sums, o);
        }
    }

    private static void fold1(float[] sums, int groups, float[] out, int at) {
        for (int group = 0; group < groups; group++) {
            FloatVector p = x(sums, group * 256);
            FloatVector q = x(sums, group * 256 + 32);
            p.blend(q.rearrange(TURN1), UPPER1).add(p.rearrange(TURN1).blend(q, UPPER1)).intoArray(out, at + group * 8);
        }
    }

    private static FloatVector half(MemorySegment data, long at) {
        return FloatVector.broadcast(F, Float.float16ToFloat(data.get(SHORT, at)));
    }

    private static FloatVector x(float[] x, int at) {
        return FloatVector.fromArray(F, x, at);
    }

    private static FloatVector f(MemorySegment data, long at) {
        return FloatVector.fromMemorySegment(F, data, at, LE);
    }

    private static void f32(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        int blocks = depth / 32;
        for (int r = 0; r < rows; r++) {
            long a = at + r * 128L * blocks;
            FloatVector s = FloatVector.zero(F);
            FloatVector t = s;
            FloatVector u = s;
            FloatVector v = s;
            for (int b = 0; b < blocks; b++) {
                long o = a + 128L * b;
                int k = xAt + 32 * b;
                s = f(data, o).fma(x(x, k), s);
                t = f(data, o + 32).fma(x(x, k + 8), t);
                u = f(data, o + 64).fma(x(x, k + 16), u);
                v = f(data, o + 96).fma(x(x, k + 24), v);
            }
            s.intoArray(sums, r * 32);
            t.intoArray(sums, r * 32 + 8);
            u.intoArray(sums, r * 32 + 16);
            v.intoArray(sums, r * 32 + 24);
        }
    }

    private static FloatVector brain(MemorySegment data, long at) {
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(H, data, at, LE).castShape(I, 0);
        return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static void bf16(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        int blocks = depth / 32;
        for (int r = 0; r < rows; r++) {
            long a = at + r * 64L * blocks;
            FloatVector s = FloatVector.zero(F);
            FloatVector t = s;
            FloatVector u = s;
            FloatVector v = s;
            for (int b = 0; b < blocks; b++) {
                long o = a + 64L * b;
                int k = xAt + 32 * b;
                s = brain(data, o).fma(x(x, k), s);
                t = brain(data, o + 16).fma(x(x, k + 8), t);
                u = brain(data, o + 32).fma(x(x, k + 16), u);
                v = brain(data, o + 48).fma(x(x, k + 24), v);
            }
            s.intoArray(sums, r * 32);
            t.intoArray(sums, r * 32 + 8);
            u.intoArray(sums, r * 32 + 16);
            v.intoArray(sums, r * 32 + 24);
        }
    }

    private static void bf16(MemorySegment data, long at, int count, float[] out, int to) {
        for (int k = 0; k < count; k += 8) {
            brain(data, at + 2L * k).intoArray(out, to + k);
        }
    }

    private static FloatVector ieee(MemorySegment data, long at) {
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(H, data, at, LE).castShape(I, 0);
        return bits.lanewise(VectorOperators.LSHL, 13).and(0x8FFFE000).reinterpretAsFloats().mul(HALF);
    }

    private static void f16(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        int blocks = depth / 32;
        for (int r = 0; r < rows; r++) {
            long a = at + r * 64L * blocks;
            FloatVector s = FloatVector.zero(F);
            FloatVector t = s;
            FloatVector u = s;
            FloatVector v = s;
            for (int b = 0; b < blocks; b++) {
                long o = a + 64L * b;
                int k = xAt + 32 * b;
                s = ieee(data, o).fma(x(x, k), s);
                t = ieee(data, o + 16).fma(x(x, k + 8), t);
                u = ieee(data, o + 32).fma(x(x, k + 16), u);
                v = ieee(data, o + 48).fma(x(x, k + 24), v);
            }
            s.intoArray(sums, r * 32);
            t.intoArray(sums, r * 32 + 8);
            u.intoArray(sums, r * 32 + 16);
            v.intoArray(sums, r * 32 + 24);
        }
    }

    private static void f16(MemorySegment data, long at, int count, float[] out, int to) {
        for (int k = 0; k < count; k += 8) {
            ieee(data, at + 2L * k).intoArray(out, to + k);
        }
    }

    private static FloatVector bytes(MemorySegment data, long at) {
        return (FloatVector) ByteVector.fromMemorySegment(B, data, at, LE).castShape(F, 0);
    }

    private static void q8(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        int blocks = depth / 32;
        for (int r = 0; r < rows; r++) {
            long a = at + r * 34L * blocks;
            FloatVector s = FloatVector.zero(F);
            FloatVector t = s;
            FloatVector u = s;
            FloatVector v = s;
            for (int b = 0; b < blocks; b++) {
                long o = a + 34L * b;
                int k = xAt + 32 * b;
                FloatVector d = half(data, o);
                s = bytes(data, o + 2).mul(d).fma(x(x, k), s);
                t = bytes(data, o + 10).mul(d).fma(x(x, k + 8), t);
                u = bytes(data, o + 18).mul(d).fma(x(x, k + 16), u);
                v = bytes(data, o + 26).mul(d).fma(x(x, k + 24), v);
            }
            s.intoArray(sums, r * 32);
            t.intoArray(sums, r * 32 + 8);
            u.intoArray(sums, r * 32 + 16);
            v.intoArray(sums, r * 32 + 24);
        }
    }

    private static void q8(MemorySegment data, long at, int count, float[] out, int to) {
        long a = at;
        for (int k = to; k < to + count; k += 32, a += 34) {
            FloatVector d = half(data, a);
            bytes(data, a + 2).mul(d).intoArray(out, k);
            bytes(data, a + 10).mul(d).intoArray(out, k + 8);
            bytes(data, a + 18).mul(d).intoArray(out, k + 16);
            bytes(data, a + 26).mul(d).intoArray(out, k + 24);
        }
    }

    /** Eight bytes, each in an int: bits 0 to 3 are an element, bits 4 to 7 the one 16 behind it. */
    private static IntVector pairs(MemorySegment data, long at) {
        return (IntVector) ByteVector.fromMemorySegment(B, data, at, LE).castShape(I, 0);
    }

    private static FloatVector floats(IntVector q) {
        return (FloatVector) q.castShape(F, 0);
    }

    private static FloatVector low(IntVector q) {
        return floats(q.and(15));
    }

    private static FloatVector high(IntVector q) {
        return floats(q.lanewise(VectorOperators.LSHR, 4).and(15));
    }

    private static void q40(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        int blocks = depth / 32;
        for (int r = 0; r < rows; r++) {
            long a = at + r * 18L * blocks;
            FloatVector s = FloatVector.zero(F);
            FloatVector t = s;
            FloatVector u = s;
            FloatVector v = s;
            for (int b = 0; b < blocks; b++) {
                long o = a + 18L * b;
                int k = xAt + 32 * b;
                FloatVector d = half(data, o);
                // Exact, as the product of scale and integer is.
                FloatVector m = d.mul(-8);
                IntVector p = pairs(data, o + 2);
                IntVector q = pairs(data, o + 10);
                s = low(p).fma(d, m).fma(x(x, k), s);
                t = low(q).fma(d, m).fma(x(x, k + 8), t);
                u = high(p).fma(d, m).fma(x(x, k + 16), u);
                v = high(q).fma(d, m).fma(x(x, k + 24), v);
            }
            s.intoArray(sums, r * 32);
            t.intoArray(sums, r * 32 + 8);
            u.intoArray(sums, r * 32 + 16);
            v.intoArray(sums, r * 32 + 24);
        }
    }

    private static void q40(MemorySegment data, long at, int count, float[] out, int to) {
        long a = at;
        for (int k = to; k < to + count; k += 32, a += 18) {
            FloatVector d = half(data, a);
            FloatVector m = d.mul(-8);
            IntVector p = pairs(data, a + 2);
            IntVector q = pairs(data, a + 10);
            low(p).fma(d, m).intoArray(out, k);
            low(q).fma(d, m).intoArray(out, k + 8);
            high(p).fma(d, m).intoArray(out, k + 16);
            high(q).fma(d, m).intoArray(out, k + 24);
        }
    }

    /** The products of scales and integers are exact, so one rounding is all that the definition's two operations make. */
    private static void q41(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        int blocks = depth / 32;
        for (int r = 0; r < rows; r++) {
            long a = at + r * 20L * blocks;
            FloatVector s = FloatVector.zero(F);
            FloatVector t = s;
            FloatVector u = s;
            FloatVector v = s;
            for (int b = 0; b < blocks; b++) {
                long o = a + 20L * b;
                int k = xAt + 32 * b;
                FloatVector d = half(data, o);
                FloatVector m = half(data, o + 2);
                IntVector p = pairs(data, o + 4);
                IntVector q = pairs(data, o + 12);
                s = low(p).fma(d, m).fma(x(x, k), s);
                t = low(q).fma(d, m).fma(x(x, k + 8), t);
                u = high(p).fma(d, m).fma(x(x, k + 16), u);
                v = high(q).fma(d, m).fma(x(x, k + 24), v);
            }
            s.intoArray(sums, r * 32);
            t.intoArray(sums, r * 32 + 8);
            u.intoArray(sums, r * 32 + 16);
            v.intoArray(sums, r * 32 + 24);
        }
    }

    private static void q41(MemorySegment data, long at, int count, float[] out, int to) {
        long a = at;
        for (int k = to; k < to + count; k += 32, a += 20) {
            FloatVector d = half(data, a);
            FloatVector m = half(data, a + 2);
            IntVector p = pairs(data, a + 4);
            IntVector q = pairs(data, a + 12);
            low(p).fma(d, m).intoArray(out, k);
            low(q).fma(d, m).intoArray(out, k + 8);
            high(p).fma(d, m).intoArray(out, k + 16);
            high(q).fma(d, m).intoArray(out, k + 24);
        }
    }

    /** The chains of two rows of floats. */
    static void chains(float[] x, int xAt, float[] y, int yAt, int depth, float[] sums, int at) {
        FloatVector s = FloatVector.zero(F);
        FloatVector t = s;
        FloatVector u = s;
        FloatVector v = s;
        for (int k = 0; k < depth; k += 32) {
            s = x(x, xAt + k).fma(x(y, yAt + k), s);
            t = x(x, xAt + k + 8).fma(x(y, yAt + k + 8), t);
            u = x(x, xAt + k + 16).fma(x(y, yAt + k + 16), u);
            v = x(x, xAt + k + 24).fma(x(y, yAt + k + 24), v);
        }
        s.intoArray(sums, at);
        t.intoArray(sums, at + 8);
        u.intoArray(sums, at + 16);
        v.intoArray(sums, at + 24);
    }

    /**
     * Three rows of a tile of {@link RowKernels#tile}: twelve sums and four operands are the sixteen registers that there are.
     *
     * @param row the first row, 0 or 3
     */
    static void tile(int steps, float[] a, int row, float[] b, float[] sums, int to) {
        int at = to + row * 4 * 32;
        FloatVector s00 = x(sums, at);
        FloatVector s01 = x(sums, at + 32);
        FloatVector s02 = x(sums, at + 64);
        FloatVector s03 = x(sums, at + 96);
        FloatVector s10 = x(sums, at + 128);
        FloatVector s11 = x(sums, at + 160);
        FloatVector s12 = x(sums, at + 192);
        FloatVector s13 = x(sums, at + 224);
        FloatVector s20 = x(sums, at + 256);
        FloatVector s21 = x(sums, at + 288);
        FloatVector s22 = x(sums, at + 320);
        FloatVector s23 = x(sums, at + 352);
        int left = row * 8;
        for (int right = 0; right < steps * 32; right += 32, left += 48) {
            FloatVector x0 = x(a, left);
            FloatVector x1 = x(a, left + 8);
            FloatVector x2 = x(a, left + 16);
            FloatVector y = x(b, right);
            s00 = x0.fma(y, s00);
            s10 = x1.fma(y, s10);
            s20 = x2.fma(y, s20);
            y = x(b, right + 8);
            s01 = x0.fma(y, s01);
            s11 = x1.fma(y, s11);
            s21 = x2.fma(y, s21);
            y = x(b, right + 16);
            s02 = x0.fma(y, s02);
            s12 = x1.fma(y, s12);
            s22 = x2.fma(y, s22);
            y = x(b, right + 24);
            s03 = x0.fma(y, s03);
            s13 = x1.fma(y, s13);
            s23 = x2.fma(y, s23);
        }
        s00.intoArray(sums, at);
        s01.intoArray(sums, at + 32);
        s02.intoArray(sums, at + 64);
        s03.intoArray(sums, at + 96);
        s10.intoArray(sums, at + 128);
        s11.intoArray(sums, at + 160);
        s12.intoArray(sums, at + 192);
        s13.intoArray(sums, at + 224);
        s20.intoArray(sums, at + 256);
        s21.intoArray(sums, at + 288);
        s22.intoArray(sums, at + 320);
        s23.intoArray(sums, at + 352);
    }
}
