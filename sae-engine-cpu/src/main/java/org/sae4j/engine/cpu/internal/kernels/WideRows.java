package org.sae4j.engine.cpu.internal.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Rows of stored weights on vectors of 512 bits: elements become floats in registers, to the bit as a tensor gives them.
 * One row after the other, so that each thread reads memory in one stream. Every type has small methods of its own: the compiler stops
 * inlining the Vector API in larger ones.
 */
final class WideRows {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_512;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_512;
    private static final VectorSpecies<Short> H = ShortVector.SPECIES_256;
    private static final VectorSpecies<Byte> B = ByteVector.SPECIES_128;
    private static final ByteOrder LE = ByteOrder.LITTLE_ENDIAN;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LE);
    private static final boolean AVAILABLE = FloatVector.SPECIES_PREFERRED == F;
    /** A half's bits, moved to those of a float, are its value times 2^-112, subnormal values too. */
    private static final float HALF = 0x1p112f;

    private static final FloatVector LOW8 = halves(8, false);
    private static final FloatVector HIGH8 = halves(8, true);
    private static final FloatVector LOW4 = halves(4, false);
    private static final FloatVector HIGH4 = halves(4, true);
    private static final FloatVector LOW2 = halves(2, false);
    private static final FloatVector HIGH2 = halves(2, true);
    private static final FloatVector LOW1 = halves(1, false);
    private static final FloatVector HIGH1 = halves(1, true);
    /** Where the products of a group are after folding: their numbers' bits are reversed. */
    private static final FloatVector ORDER = FloatVector.fromArray(F,
            new float[] {0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15}, 0);

    private WideRows() {}

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
     * Adds up the chains of products, sixteen products at a time: two vectors become one that holds halves of both.
     *
     * @return how many products were added up
     */
    static int fold(float[] sums, int products, float[] out, int at) {
        if (!AVAILABLE) {
            return 0;
        }
        int groups = products / 16;
        fold8(sums, groups * 8);
        fold4(sums, groups * 4);
        fold2(sums, groups * 2);
        fold1(sums, groups, out, at);
        return groups * 16;
    }

    /** Chains c and c + 16, then c and c + 8: product i and i + 8 of a group share a vector. */
    private static void fold8(float[] sums, int pairs) {
        for (int pair = 0; pair < pairs; pair++) {
            int o = (pair >> 3) * 512 + (pair & 7) * 32;
            FloatVector p = x(sums, o).add(x(sums, o + 16));
            FloatVector q = x(sums, o + 256).add(x(sums, o + 272));
            LOW8.selectFrom(p, q).add(HIGH8.selectFrom(p, q)).intoArray(sums, o);
        }
    }

    private static void fold4(float[] sums, int pairs) {
        for (int pair = 0; pair < pairs; pair++) {
            int o = (pair >> 2) * 512 + (pair & 3) * 32;
            FloatVector p = x(sums, o);
            FloatVector q = x(sums, o + 128);
            LOW4.selectFrom(p, q).add(HIGH4.selectFrom(p, q)).intoArray(sums, o);
        }
    }

    private static void fold2(float[] sums, int pairs) {
        for (int pair = 0; pair < pairs; pair++) {
            int o = (pair >> 1) * 512 + (pair & 1) * 32;
            FloatVector p = x(sums, o);
            FloatVector q = x(sums, o + 64);
            LOW2.selectFrom(p, q).add(HIGH2.selectFrom(p, q)).intoArray(sums, o);
        }
    }

    private static void fold1(float[] sums, int groups, float[] out, int at) {
        for (int group = 0; group < groups; group++) {
            FloatVector p = x(sums, group * 512);
            FloatVector q = x(sums, group * 512 + 32);
            FloatVector all = LOW1.selectFrom(p, q).add(HIGH1.selectFrom(p, q));
            ORDER.selectFrom(all).intoArray(out, at + group * 16);
        }
    }

    /** Which lanes of two vectors are the lower or upper halves of groups of {@code 2 * half} lanes. */
    private static FloatVector halves(int half, boolean upper) {
        float[] lanes = new float[16];
        for (int i = 0; i < 16; i++) {
            lanes[i] = i / half * 2 * half + (upper ? half : 0) + i % half;
        }
        return FloatVector.fromArray(F, lanes, 0);
    }

    private static FloatVector half(MemorySegment data, long at) {
        return FloatVector.broadcast(F, Float.float16ToFloat(data.get(SHORT, at)));
    }

    private static FloatVector x(float[] x, int at) {
        return FloatVector.fromArray(F, x, at);
    }

    private static void f32(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        long a = at;
        for (int r = 0; r < rows; r++) {
            FloatVector u = FloatVector.zero(F);
            FloatVector v = u;
            for (int k = 0; k < depth; k += 32, a += 128) {
                u = FloatVector.fromMemorySegment(F, data, a, LE).fma(x(x, xAt + k), u);
                v = FloatVector.fromMemorySegment(F, data, a + 64, LE).fma(x(x, xAt + k + 16), v);
            }
            u.intoArray(sums, r * 32);
            v.intoArray(sums, r * 32 + 16);
        }
    }

    private static FloatVector brain(MemorySegment data, long at) {
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(H, data, at, LE).castShape(I, 0);
        return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
    }

    private static void bf16(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        long a = at;
        for (int r = 0; r < rows; r++) {
            FloatVector u = FloatVector.zero(F);
            FloatVector v = u;
            for (int k = 0; k < depth; k += 32, a += 64) {
                u = brain(data, a).fma(x(x, xAt + k), u);
                v = brain(data, a + 32).fma(x(x, xAt + k + 16), v);
            }
            u.intoArray(sums, r * 32);
            v.intoArray(sums, r * 32 + 16);
        }
    }

    private static void bf16(MemorySegment data, long at, int count, float[] out, int to) {
        for (int k = 0; k < count; k += 16) {
            brain(data, at + 2L * k).intoArray(out, to + k);
        }
    }

    private static FloatVector ieee(MemorySegment data, long at) {
        IntVector bits = (IntVector) ShortVector.fromMemorySegment(H, data, at, LE).castShape(I, 0);
        return bits.lanewise(VectorOperators.LSHL, 13).and(0x8FFFE000).reinterpretAsFloats().mul(HALF);
    }

    private static void f16(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        long a = at;
        for (int r = 0; r < rows; r++) {
            FloatVector u = FloatVector.zero(F);
            FloatVector v = u;
            for (int k = 0; k < depth; k += 32, a += 64) {
                u = ieee(data, a).fma(x(x, xAt + k), u);
                v = ieee(data, a + 32).fma(x(x, xAt + k + 16), v);
            }
            u.intoArray(sums, r * 32);
            v.intoArray(sums, r * 32 + 16);
        }
    }

    private static void f16(MemorySegment data, long at, int count, float[] out, int to) {
        for (int k = 0; k < count; k += 16) {
            ieee(data, at + 2L * k).intoArray(out, to + k);
        }
    }

    private static FloatVector bytes(MemorySegment data, long at) {
        return (FloatVector) ByteVector.fromMemorySegment(B, data, at, LE).castShape(F, 0);
    }

    private static void q8(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        long a = at;
        for (int r = 0; r < rows; r++) {
            FloatVector u = FloatVector.zero(F);
            FloatVector v = u;
            for (int k = 0; k < depth; k += 32, a += 34) {
                FloatVector d = half(data, a);
                u = bytes(data, a + 2).mul(d).fma(x(x, xAt + k), u);
                v = bytes(data, a + 18).mul(d).fma(x(x, xAt + k + 16), v);
            }
            u.intoArray(sums, r * 32);
            v.intoArray(sums, r * 32 + 16);
        }
    }

    private static void q8(MemorySegment data, long at, int count, float[] out, int to) {
        long a = at;
        for (int k = 0; k < count; k += 32, a += 34) {
            FloatVector d = half(data, a);
            bytes(data, a + 2).mul(d).intoArray(out, to + k);
            bytes(data, a + 18).mul(d).intoArray(out, to + k + 16);
        }
    }

    private static FloatVector low(ByteVector q, int shift) {
        return (FloatVector) q.and((byte) 15).sub((byte) shift).castShape(F, 0);
    }

    private static FloatVector high(ByteVector q, int shift) {
        return (FloatVector) q.lanewise(VectorOperators.LSHR, 4).sub((byte) shift).castShape(F, 0);
    }

    private static void q40(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        long a = at;
        for (int r = 0; r < rows; r++) {
            FloatVector u = FloatVector.zero(F);
            FloatVector v = u;
            for (int k = 0; k < depth; k += 32, a += 18) {
                FloatVector d = half(data, a);
                ByteVector q = ByteVector.fromMemorySegment(B, data, a + 2, LE);
                u = low(q, 8).mul(d).fma(x(x, xAt + k), u);
                v = high(q, 8).mul(d).fma(x(x, xAt + k + 16), v);
            }
            u.intoArray(sums, r * 32);
            v.intoArray(sums, r * 32 + 16);
        }
    }

    private static void q40(MemorySegment data, long at, int count, float[] out, int to) {
        long a = at;
        for (int k = 0; k < count; k += 32, a += 18) {
            FloatVector d = half(data, a);
            ByteVector q = ByteVector.fromMemorySegment(B, data, a + 2, LE);
            low(q, 8).mul(d).intoArray(out, to + k);
            high(q, 8).mul(d).intoArray(out, to + k + 16);
        }
    }

    /** The products of scales and integers are exact, so one rounding is all that the definition's two operations make. */
    private static void q41(MemorySegment data, long at, int rows, int depth, float[] x, int xAt, float[] sums) {
        long a = at;
        for (int r = 0; r < rows; r++) {
            FloatVector u = FloatVector.zero(F);
            FloatVector v = u;
            for (int k = 0; k < depth; k += 32, a += 20) {
                FloatVector d = half(data, a);
                FloatVector m = half(data, a + 2);
                ByteVector q = ByteVector.fromMemorySegment(B, data, a + 4, LE);
                u = low(q, 0).fma(d, m).fma(x(x, xAt + k), u);
                v = high(q, 0).fma(d, m).fma(x(x, xAt + k + 16), v);
            }
            u.intoArray(sums, r * 32);
            v.intoArray(sums, r * 32 + 16);
        }
    }

    private static void q41(MemorySegment data, long at, int count, float[] out, int to) {
        long a = at;
        for (int k = 0; k < count; k += 32, a += 20) {
            FloatVector d = half(data, a);
            FloatVector m = half(data, a + 2);
            ByteVector q = ByteVector.fromMemorySegment(B, data, a + 4, LE);
            low(q, 0).fma(d, m).intoArray(out, to + k);
            high(q, 0).fma(d, m).intoArray(out, to + k + 16);
        }
    }
}
