package org.sae4j.engine.cpu.internal.kernels;

import java.util.Arrays;

/** Plain loops, for a JVM without the Vector API. */
final class ScalarRows implements RowKernels {
    @Override
    public int width() {
        return CHAINS;
    }

    @Override
    public void chains(StoredRows w, int from, int to, float[] x, int xAt, float[] room) {
        int row = MOST_ROWS * CHAINS;
        Arrays.fill(room, 0, (to - from) * CHAINS, 0);
        for (int r = from; r < to; r++) {
            unpack(w, r, room, row);
            for (int k = 0; k < RowKernels.padded(w.depth()); k += CHAINS) {
                step(x, xAt + k, room, row + k, room, (r - from) * CHAINS);
            }
        }
    }

    @Override
    public void unpack(StoredRows w, int row, float[] out, int at) {
        w.copy(row, out, at, RowKernels.padded(w.depth()));
    }

    @Override
    public void tile(int steps, float[] a, float[] b, float[] sums, int at) {
        for (int step = 0; step < steps; step++) {
            for (int i = 0; i < TILE_ROWS; i++) {
                for (int j = 0; j < TILE_COLUMNS; j++) {
                    step(a, (step * TILE_ROWS + i) * CHAINS, b, (step * TILE_COLUMNS + j) * CHAINS, sums,
                            at + (i * TILE_COLUMNS + j) * CHAINS);
                }
            }
        }
    }

    private static void step(float[] x, int xAt, float[] y, int yAt, float[] sums, int at) {
        for (int c = 0; c < CHAINS; c++) {
            sums[at + c] = Math.fma(x[xAt + c], y[yAt + c], sums[at + c]);
        }
    }

    @Override
    public void scatter(float[] from, int at, float[] to, int toAt, int stride, int steps) {
        for (int step = 0; step < steps; step++) {
            System.arraycopy(from, at + step * CHAINS, to, toAt + step * stride, CHAINS);
        }
    }

    @Override
    public void fold(float[] sums, int products, float[] out, int at) {
        for (int i = 0; i < products; i++) {
            int o = i * CHAINS;
            for (int half = CHAINS / 2; half >= 1; half /= 2) {
                for (int c = o; c < o + half; c++) {
                    sums[c] += sums[c + half];
                }
            }
            out[at + i] = sums[o];
        }
    }
}
