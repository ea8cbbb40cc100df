package org.sae4j.engine.tornado.internal;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** The dense matrix product. */
final class MatMulKernels {
    /** Rows and columns of the output that one group computes. */
    static final int TILE = 64;
    /** Threads of a group along each axis; each computes a square of 4 by 4. */
    static final int SIDE = 16;

    private MatMulKernels() {}

    /**
     * {@code out = function(a' b' + bias)} in tiles of 64 by 64 by 16 in local memory and 4 by 4 in registers. The scalars are constants
     * when the kernel is compiled, so their branches vanish.
     */
    public static void saeMatMul(KernelContext c, FloatArray a, FloatArray b, FloatArray bias, FloatArray out, int m, int n, int k,
            int transposeA, int transposeB, int hasBias, int function) {
        int tx = c.localIdx;
        int ty = c.localIdy;
        int thread = ty * 16 + tx;
        int row0 = c.groupIdy * 64;
        int col0 = c.groupIdx * 64;
        float[] tileA = c.allocateFloatLocalArray(1024);
        float[] tileB = c.allocateFloatLocalArray(1024);
        float s00 = 0f;
        float s01 = 0f;
        float s02 = 0f;
        float s03 = 0f;
        float s10 = 0f;
        float s11 = 0f;
        float s12 = 0f;
        float s13 = 0f;
        float s20 = 0f;
        float s21 = 0f;
        float s22 = 0f;
        float s23 = 0f;
        float s30 = 0f;
        float s31 = 0f;
        float s32 = 0f;
        float s33 = 0f;
        int tiles = (k + 15) / 16;
        for (int tile = 0; tile < tiles; tile++) {
            int k0 = tile * 16;
            for (int part = 0; part < 4; part++) {
                int e = thread + part * 256;
                int shortA = e & 15;
                int longA = e / 16;
                if (transposeA == 1) {
                    longA = e & 63;
                    shortA = e / 64;
                }
                int aRow = row0 + longA;
                int aK = k0 + shortA;
                float va = 0f;
                if (aRow < m && aK < k) {
                    if (transposeA == 1) {
                        va = a.get(aK * m + aRow);
                    } else {
                        va = a.get(aRow * k + aK);
                    }
                }
                tileA[shortA * 64 + longA] = va;
                int shortB = e / 64;
                int longB = e & 63;
                if (transposeB == 1) {
                    longB = e / 16;
                    shortB = e & 15;
                }
                int bCol = col0 + longB;
                int bK = k0 + shortB;
                float vb = 0f;
                if (bCol < n && bK < k) {
                    if (transposeB == 1) {
                        vb = b.get(bCol * k + bK);
                    } else {
                        vb = b.get(bK * n + bCol);
                    }
                }
                tileB[shortB * 64 + longB] = vb;
            }
            c.localBarrier();
            for (int kk = 0; kk < 16; kk++) {
                float x0 = tileA[kk * 64 + ty * 4];
                float x1 = tileA[kk * 64 + ty * 4 + 1];
                float x2 = tileA[kk * 64 + ty * 4 + 2];
                float x3 = tileA[kk * 64 + ty * 4 + 3];
                float y0 = tileB[kk * 64 + tx * 4];
                float y1 = tileB[kk * 64 + tx * 4 + 1];
                float y2 = tileB[kk * 64 + tx * 4 + 2];
                float y3 = tileB[kk * 64 + tx * 4 + 3];
                s00 += x0 * y0;
                s01 += x0 * y1;
                s02 += x0 * y2;
                s03 += x0 * y3;
                s10 += x1 * y0;
                s11 += x1 * y1;
                s12 += x1 * y2;
                s13 += x1 * y3;
                s20 += x2 * y0;
                s21 += x2 * y1;
                s22 += x2 * y2;
                s23 += x2 * y3;
                s30 += x3 * y0;
                s31 += x3 * y1;
                s32 += x3 * y2;
                s33 += x3 * y3;
            }
            c.localBarrier();
        }
        int r = row0 + ty * 4;
        int q = col0 + tx * 4;
        saeStore(out, bias, r, q, m, n, hasBias, function, s00);
        saeStore(out, bias, r, q + 1, m, n, hasBias, function, s01);
        saeStore(out, bias, r, q + 2, m, n, hasBias, function, s02);
        saeStore(out, bias, r, q + 3, m, n, hasBias, function, s03);
        saeStore(out, bias, r + 1, q, m, n, hasBias, function, s10);
        saeStore(out, bias, r + 1, q + 1, m, n, hasBias, function, s11);
        saeStore(out, bias, r + 1, q + 2, m, n, hasBias, function, s12);
        saeStore(out, bias, r + 1, q + 3, m, n, hasBias, function, s13);
        saeStore(out, bias, r + 2, q, m, n, hasBias, function, s20);
        saeStore(out, bias, r + 2, q + 1, m, n, hasBias, function, s21);
        saeStore(out, bias, r + 2, q + 2, m, n, hasBias, function, s22);
        saeStore(out, bias, r + 2, q + 3, m, n, hasBias, function, s23);
        saeStore(out, bias, r + 3, q, m, n, hasBias, function, s30);
        saeStore(out, bias, r + 3, q + 1, m, n, hasBias, function, s31);
        saeStore(out, bias, r + 3, q + 2, m, n, hasBias, function, s32);
        saeStore(out, bias, r + 3, q + 3, m, n, hasBias, function, s33);
    }

    private static void saeStore(FloatArray out, FloatArray bias, int row, int col, int m, int n, int hasBias, int function, float sum) {
        if (row < m && col < n) {
            float v = sum;
            if (hasBias == 1) {
                v += bias.get(col);
            }
            out.set(row * n + col, ElementKernels.saeApply(v, function));
        }
    }
}
