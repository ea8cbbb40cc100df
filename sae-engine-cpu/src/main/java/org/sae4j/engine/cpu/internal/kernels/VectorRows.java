package org.sae4j.engine.cpu.internal.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** The chains of {@link RowKernels} in the lanes of vectors of the processor's preferred width. */
final class VectorRows implements RowKernels {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int W = S.length();
    /** What holds 8 chains, or the half of them. */
    private static final VectorSpecies<Float> S8 = W >= 8 ? FloatVector.SPECIES_256 : FloatVector.SPECIES_128;
    private static final VectorSpecies<Float> S4 = FloatVector.SPECIES_128;

    @Override
    public int width() {
        return W;
    }

    @Override
    public void chains(StoredRows w, int from, int to, float[] x, int xAt, float[] room) {
        if (!WideRows.chains(w, from, to, x, xAt, room) && !MiddleRows.chains(w, from, to, x, xAt, room)) {
            int depth = RowKernels.padded(w.depth());
            int row = MOST_ROWS * CHAINS;
            for (int r = from; r < to; r++) {
                unpack(w, r, room, row);
                chains(x, xAt, room, row, depth, room, (r - from) * CHAINS);
            }
        }
    }

    private static void chains(float[] x, int xAt, float[] y, int yAt, int depth, float[] sums, int at) {
        if (MiddleRows.AVAILABLE) {
            MiddleRows.chains(x, xAt, y, yAt, depth, sums, at);
            return;
        }
        for (int c = 0; c < CHAINS; c += W) {
            FloatVector s = FloatVector.zero(S);
            for (int k = c; k < depth; k += CHAINS) {
                s = FloatVector.fromArray(S, x, xAt + k).fma(FloatVector.fromArray(S, y, yAt + k), s);
            }
            s.intoArray(sums, at + c);
        }
    }

    @Override
    public void unpack(StoredRows w, int row, float[] out, int at) {
        if (!WideRows.unpack(w, row, out, at) && !MiddleRows.unpack(w, row, out, at)) {
            w.copy(row, out, at, RowKernels.padded(w.depth()));
        }
    }

    @Override
    public void scatter(float[] from, int at, float[] to, int toAt, int stride, int steps) {
        for (int step = 0; step < steps; step++) {
            FloatVector.fromArray(S, from, at + step * CHAINS).intoArray(to, toAt + step * stride);
        }
    }

    @Override
    public void fold(float[] sums, int products, float[] out, int at) {
        int together = MiddleRows.AVAILABLE ? MiddleRows.fold(sums, products, out, at) : WideRows.fold(sums, products, out, at);
        for (int i = together; i < products; i++) {
            int o = i * CHAINS;
            for (int c = o; c < o + 16; c += W) {
                FloatVector.fromArray(S, sums, c).add(FloatVector.fromArray(S, sums, c + 16)).intoArray(sums, c);
            }
            for (int c = o; c < o + 8; c += S8.length()) {
                FloatVector.fromArray(S8, sums, c).add(FloatVector.fromArray(S8, sums, c + 8)).intoArray(sums, c);
            }
            FloatVector.fromArray(S4, sums, o).add(FloatVector.fromArray(S4, sums, o + 4)).intoArray(sums, o);
            out[at + i] = (sums[o] + sums[o + 2]) + (sums[o + 1] + sums[o + 3]);
        }
    }

    @Override
    public void tile(int steps, float[] a, float[] b, float[] sums, int at) {
        if (MiddleRows.AVAILABLE) {
            MiddleRows.tile(steps, a, 0, b, sums, at);
            MiddleRows.tile(steps, a, 3, b, sums, at);
        } else {
            wholeTile(steps, a, b, sums, at);
        }
    }

    private static void wholeTile(int steps, float[] a, float[] b, float[] sums, int at) {
        FloatVector s00 = FloatVector.fromArray(S, sums, at);
        FloatVector s01 = FloatVector.fromArray(S, sums, at + 1 * CHAINS);
        FloatVector s02 = FloatVector.fromArray(S, sums, at + 2 * CHAINS);
        FloatVector s03 = FloatVector.fromArray(S, sums, at + 3 * CHAINS);
        FloatVector s10 = FloatVector.fromArray(S, sums, at + 4 * CHAINS);
        FloatVector s11 = FloatVector.fromArray(S, sums, at + 5 * CHAINS);
        FloatVector s12 = FloatVector.fromArray(S, sums, at + 6 * CHAINS);
        FloatVector s13 = FloatVector.fromArray(S, sums, at + 7 * CHAINS);
        FloatVector s20 = FloatVector.fromArray(S, sums, at + 8 * CHAINS);
        FloatVector s21 = FloatVector.fromArray(S, sums, at + 9 * CHAINS);
        FloatVector s22 = FloatVector.fromArray(S, sums, at + 10 * CHAINS);
        FloatVector s23 = FloatVector.fromArray(S, sums, at + 11 * CHAINS);
        FloatVector s30 = FloatVector.fromArray(S, sums, at + 12 * CHAINS);
        FloatVector s31 = FloatVector.fromArray(S, sums, at + 13 * CHAINS);
        FloatVector s32 = FloatVector.fromArray(S, sums, at + 14 * CHAINS);
        FloatVector s33 = FloatVector.fromArray(S, sums, at + 15 * CHAINS);
        FloatVector s40 = FloatVector.fromArray(S, sums, at + 16 * CHAINS);
        FloatVector s41 = FloatVector.fromArray(S, sums, at + 17 * CHAINS);
        FloatVector s42 = FloatVector.fromArray(S, sums, at + 18 * CHAINS);
        FloatVector s43 = FloatVector.fromArray(S, sums, at + 19 * CHAINS);
        FloatVector s50 = FloatVector.fromArray(S, sums, at + 20 * CHAINS);
        FloatVector s51 = FloatVector.fromArray(S, sums, at + 21 * CHAINS);
        FloatVector s52 = FloatVector.fromArray(S, sums, at + 22 * CHAINS);
        FloatVector s53 = FloatVector.fromArray(S, sums, at + 23 * CHAINS);
        for (int k = 0; k < steps; k++) {
            FloatVector y0 = FloatVector.fromArray(S, b, k * 4 * W);
            FloatVector y1 = FloatVector.fromArray(S, b, k * 4 * W + W);
            FloatVector y2 = FloatVector.fromArray(S, b, k * 4 * W + 2 * W);
            FloatVector y3 = FloatVector.fromArray(S, b, k * 4 * W + 3 * W);
            FloatVector x = FloatVector.fromArray(S, a, k * 6 * W);
            s00 = x.fma(y0, s00);
            s01 = x.fma(y1, s01);
            s02 = x.fma(y2, s02);
            s03 = x.fma(y3, s03);
            x = FloatVector.fromArray(S, a, k * 6 * W + W);
            s10 = x.fma(y0, s10);
            s11 = x.fma(y1, s11);
            s12 = x.fma(y2, s12);
            s13 = x.fma(y3, s13);
            x = FloatVector.fromArray(S, a, k * 6 * W + 2 * W);
            s20 = x.fma(y0, s20);
            s21 = x.fma(y1, s21);
            s22 = x.fma(y2, s22);
            s23 = x.fma(y3, s23);
            x = FloatVector.fromArray(S, a, k * 6 * W + 3 * W);
            s30 = x.fma(y0, s30);
            s31 = x.fma(y1, s31);
            s32 = x.fma(y2, s32);
            s33 = x.fma(y3, s33);
            x = FloatVector.fromArray(S, a, k * 6 * W + 4 * W);
            s40 = x.fma(y0, s40);
            s41 = x.fma(y1, s41);
            s42 = x.fma(y2, s42);
            s43 = x.fma(y3, s43);
            x = FloatVector.fromArray(S, a, k * 6 * W + 5 * W);
            s50 = x.fma(y0, s50);
            s51 = x.fma(y1, s51);
            s52 = x.fma(y2, s52);
            s53 = x.fma(y3, s53);
        }
        s00.intoArray(sums, at);
        s01.intoArray(sums, at + 1 * CHAINS);
        s02.intoArray(sums, at + 2 * CHAINS);
        s03.intoArray(sums, at + 3 * CHAINS);
        s10.intoArray(sums, at + 4 * CHAINS);
        s11.intoArray(sums, at + 5 * CHAINS);
        s12.intoArray(sums, at + 6 * CHAINS);
        s13.intoArray(sums, at + 7 * CHAINS);
        s20.intoArray(sums, at + 8 * CHAINS);
        s21.intoArray(sums, at + 9 * CHAINS);
        s22.intoArray(sums, at + 10 * CHAINS);
        s23.intoArray(sums, at + 11 * CHAINS);
        s30.intoArray(sums, at + 12 * CHAINS);
        s31.intoArray(sums, at + 13 * CHAINS);
        s32.intoArray(sums, at + 14 * CHAINS);
        s33.intoArray(sums, at + 15 * CHAINS);
        s40.intoArray(sums, at + 16 * CHAINS);
        s41.intoArray(sums, at + 17 * CHAINS);
        s42.intoArray(sums, at + 18 * CHAINS);
        s43.intoArray(sums, at + 19 * CHAINS);
        s50.intoArray(sums, at + 20 * CHAINS);
        s51.intoArray(sums, at + 21 * CHAINS);
        s52.intoArray(sums, at + 22 * CHAINS);
        s53.intoArray(sums, at + 23 * CHAINS);
    }
}
