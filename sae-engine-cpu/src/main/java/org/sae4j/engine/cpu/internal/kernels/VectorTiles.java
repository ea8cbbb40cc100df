package org.sae4j.engine.cpu.internal.kernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Products of packed panels, two vectors wide. All sums stay in registers: 24 of 32 for twelve rows of 512 bits, 8 of 16 for four rows.
 * The panels are arrays addressed from 0, which is what lets the compiler remove the range checks from the loops.
 */
final class VectorTiles {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int W = S.length();

    private VectorTiles() {}

    static void tile(int rows, int depth, float[] a, float[] b, float[] c, int at, int stride, int mode) {
        switch (rows) {
            case 12 -> tile12(depth, a, b, c, at, stride, mode);
            case 4 -> tile4(depth, a, b, c, at, stride, mode);
            case 1 -> tile1(depth, a, b, c, at, mode);
            default -> throw new IllegalArgumentException("no kernel of " + rows + " rows");
        }
    }

    private static void tile12(int depth, float[] a, float[] b, float[] c, int at, int stride, int mode) {
        FloatVector z = FloatVector.zero(S);
        FloatVector p0 = z;
        FloatVector q0 = z;
        FloatVector p1 = z;
        FloatVector q1 = z;
        FloatVector p2 = z;
        FloatVector q2 = z;
        FloatVector p3 = z;
        FloatVector q3 = z;
        FloatVector p4 = z;
        FloatVector q4 = z;
        FloatVector p5 = z;
        FloatVector q5 = z;
        FloatVector p6 = z;
        FloatVector q6 = z;
        FloatVector p7 = z;
        FloatVector q7 = z;
        FloatVector p8 = z;
        FloatVector q8 = z;
        FloatVector p9 = z;
        FloatVector q9 = z;
        FloatVector p10 = z;
        FloatVector q10 = z;
        FloatVector p11 = z;
        FloatVector q11 = z;
        if (mode == Kernels.CONTINUE) {
            int o = at;
            p0 = FloatVector.fromArray(S, c, o);
            q0 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p1 = FloatVector.fromArray(S, c, o);
            q1 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p2 = FloatVector.fromArray(S, c, o);
            q2 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p3 = FloatVector.fromArray(S, c, o);
            q3 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p4 = FloatVector.fromArray(S, c, o);
            q4 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p5 = FloatVector.fromArray(S, c, o);
            q5 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p6 = FloatVector.fromArray(S, c, o);
            q6 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p7 = FloatVector.fromArray(S, c, o);
            q7 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p8 = FloatVector.fromArray(S, c, o);
            q8 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p9 = FloatVector.fromArray(S, c, o);
            q9 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p10 = FloatVector.fromArray(S, c, o);
            q10 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p11 = FloatVector.fromArray(S, c, o);
            q11 = FloatVector.fromArray(S, c, o + W);
        }
        for (int k = 0; k < depth; k++) {
            int i = k * 12;
            FloatVector b0 = FloatVector.fromArray(S, b, k * 2 * W);
            FloatVector b1 = FloatVector.fromArray(S, b, k * 2 * W + W);
            FloatVector x = FloatVector.broadcast(S, a[i]);
            p0 = x.fma(b0, p0);
            q0 = x.fma(b1, q0);
            x = FloatVector.broadcast(S, a[i + 1]);
            p1 = x.fma(b0, p1);
            q1 = x.fma(b1, q1);
            x = FloatVector.broadcast(S, a[i + 2]);
            p2 = x.fma(b0, p2);
            q2 = x.fma(b1, q2);
            x = FloatVector.broadcast(S, a[i + 3]);
            p3 = x.fma(b0, p3);
            q3 = x.fma(b1, q3);
            x = FloatVector.broadcast(S, a[i + 4]);
            p4 = x.fma(b0, p4);
            q4 = x.fma(b1, q4);
            x = FloatVector.broadcast(S, a[i + 5]);
            p5 = x.fma(b0, p5);
            q5 = x.fma(b1, q5);
            x = FloatVector.broadcast(S, a[i + 6]);
            p6 = x.fma(b0, p6);
            q6 = x.fma(b1, q6);
            x = FloatVector.broadcast(S, a[i + 7]);
            p7 = x.fma(b0, p7);
            q7 = x.fma(b1, q7);
            x = FloatVector.broadcast(S, a[i + 8]);
            p8 = x.fma(b0, p8);
            q8 = x.fma(b1, q8);
            x = FloatVector.broadcast(S, a[i + 9]);
            p9 = x.fma(b0, p9);
            q9 = x.fma(b1, q9);
            x = FloatVector.broadcast(S, a[i + 10]);
            p10 = x.fma(b0, p10);
            q10 = x.fma(b1, q10);
            x = FloatVector.broadcast(S, a[i + 11]);
            p11 = x.fma(b0, p11);
            q11 = x.fma(b1, q11);
        }
        if (mode == Kernels.ADD) {
            int o = at;
            p0 = p0.add(FloatVector.fromArray(S, c, o));
            q0 = q0.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p1 = p1.add(FloatVector.fromArray(S, c, o));
            q1 = q1.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p2 = p2.add(FloatVector.fromArray(S, c, o));
            q2 = q2.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p3 = p3.add(FloatVector.fromArray(S, c, o));
            q3 = q3.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p4 = p4.add(FloatVector.fromArray(S, c, o));
            q4 = q4.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p5 = p5.add(FloatVector.fromArray(S, c, o));
            q5 = q5.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p6 = p6.add(FloatVector.fromArray(S, c, o));
            q6 = q6.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p7 = p7.add(FloatVector.fromArray(S, c, o));
            q7 = q7.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p8 = p8.add(FloatVector.fromArray(S, c, o));
            q8 = q8.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p9 = p9.add(FloatVector.fromArray(S, c, o));
            q9 = q9.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p10 = p10.add(FloatVector.fromArray(S, c, o));
            q10 = q10.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p11 = p11.add(FloatVector.fromArray(S, c, o));
            q11 = q11.add(FloatVector.fromArray(S, c, o + W));
        }
        int o = at;
        p0.intoArray(c, o);
        q0.intoArray(c, o + W);
        o += stride;
        p1.intoArray(c, o);
        q1.intoArray(c, o + W);
        o += stride;
        p2.intoArray(c, o);
        q2.intoArray(c, o + W);
        o += stride;
        p3.intoArray(c, o);
        q3.intoArray(c, o + W);
        o += stride;
        p4.intoArray(c, o);
        q4.intoArray(c, o + W);
        o += stride;
        p5.intoArray(c, o);
        q5.intoArray(c, o + W);
        o += stride;
        p6.intoArray(c, o);
        q6.intoArray(c, o + W);
        o += stride;
        p7.intoArray(c, o);
        q7.intoArray(c, o + W);
        o += stride;
        p8.intoArray(c, o);
        q8.intoArray(c, o + W);
        o += stride;
        p9.intoArray(c, o);
        q9.intoArray(c, o + W);
        o += stride;
        p10.intoArray(c, o);
        q10.intoArray(c, o + W);
        o += stride;
        p11.intoArray(c, o);
        q11.intoArray(c, o + W);
    }

    private static void tile4(int depth, float[] a, float[] b, float[] c, int at, int stride, int mode) {
        FloatVector z = FloatVector.zero(S);
        FloatVector p0 = z;
        FloatVector q0 = z;
        FloatVector p1 = z;
        FloatVector q1 = z;
        FloatVector p2 = z;
        FloatVector q2 = z;
        FloatVector p3 = z;
        FloatVector q3 = z;
        if (mode == Kernels.CONTINUE) {
            int o = at;
            p0 = FloatVector.fromArray(S, c, o);
            q0 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p1 = FloatVector.fromArray(S, c, o);
            q1 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p2 = FloatVector.fromArray(S, c, o);
            q2 = FloatVector.fromArray(S, c, o + W);
            o += stride;
            p3 = FloatVector.fromArray(S, c, o);
            q3 = FloatVector.fromArray(S, c, o + W);
        }
        for (int k = 0; k < depth; k++) {
            int i = k * 4;
            FloatVector b0 = FloatVector.fromArray(S, b, k * 2 * W);
            FloatVector b1 = FloatVector.fromArray(S, b, k * 2 * W + W);
            FloatVector x = FloatVector.broadcast(S, a[i]);
            p0 = x.fma(b0, p0);
            q0 = x.fma(b1, q0);
            x = FloatVector.broadcast(S, a[i + 1]);
            p1 = x.fma(b0, p1);
            q1 = x.fma(b1, q1);
            x = FloatVector.broadcast(S, a[i + 2]);
            p2 = x.fma(b0, p2);
            q2 = x.fma(b1, q2);
            x = FloatVector.broadcast(S, a[i + 3]);
            p3 = x.fma(b0, p3);
            q3 = x.fma(b1, q3);
        }
        if (mode == Kernels.ADD) {
            int o = at;
            p0 = p0.add(FloatVector.fromArray(S, c, o));
            q0 = q0.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p1 = p1.add(FloatVector.fromArray(S, c, o));
            q1 = q1.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p2 = p2.add(FloatVector.fromArray(S, c, o));
            q2 = q2.add(FloatVector.fromArray(S, c, o + W));
            o += stride;
            p3 = p3.add(FloatVector.fromArray(S, c, o));
            q3 = q3.add(FloatVector.fromArray(S, c, o + W));
        }
        int o = at;
        p0.intoArray(c, o);
        q0.intoArray(c, o + W);
        o += stride;
        p1.intoArray(c, o);
        q1.intoArray(c, o + W);
        o += stride;
        p2.intoArray(c, o);
        q2.intoArray(c, o + W);
        o += stride;
        p3.intoArray(c, o);
        q3.intoArray(c, o + W);
    }

    private static void tile1(int depth, float[] a, float[] b, float[] c, int at, int mode) {
        FloatVector z = FloatVector.zero(S);
        FloatVector p0 = z;
        FloatVector q0 = z;
        if (mode == Kernels.CONTINUE) {
            int o = at;
            p0 = FloatVector.fromArray(S, c, o);
            q0 = FloatVector.fromArray(S, c, o + W);
        }
        for (int k = 0; k < depth; k++) {
            int i = k;
            FloatVector b0 = FloatVector.fromArray(S, b, k * 2 * W);
            FloatVector b1 = FloatVector.fromArray(S, b, k * 2 * W + W);
            FloatVector x = FloatVector.broadcast(S, a[i]);
            p0 = x.fma(b0, p0);
            q0 = x.fma(b1, q0);
        }
        if (mode == Kernels.ADD) {
            int o = at;
            p0 = p0.add(FloatVector.fromArray(S, c, o));
            q0 = q0.add(FloatVector.fromArray(S, c, o + W));
        }
        int o = at;
        p0.intoArray(c, o);
        q0.intoArray(c, o + W);
    }

    static void row(int depth, float[] a, float[] b0, float[] b1, float[] b2, float[] b3, float[] c, int at, int mode) {
        FloatVector z = FloatVector.zero(S);
        FloatVector p0 = z;
        FloatVector q0 = z;
        FloatVector p1 = z;
        FloatVector q1 = z;
        FloatVector p2 = z;
        FloatVector q2 = z;
        FloatVector p3 = z;
        FloatVector q3 = z;
        if (mode == Kernels.CONTINUE) {
            p0 = FloatVector.fromArray(S, c, at);
            q0 = FloatVector.fromArray(S, c, at + 1 * W);
            p1 = FloatVector.fromArray(S, c, at + 2 * W);
            q1 = FloatVector.fromArray(S, c, at + 3 * W);
            p2 = FloatVector.fromArray(S, c, at + 4 * W);
            q2 = FloatVector.fromArray(S, c, at + 5 * W);
            p3 = FloatVector.fromArray(S, c, at + 6 * W);
            q3 = FloatVector.fromArray(S, c, at + 7 * W);
        }
        for (int k = 0; k < depth; k++) {
            FloatVector x = FloatVector.broadcast(S, a[k]);
            int o = k * 2 * W;
            p0 = x.fma(FloatVector.fromArray(S, b0, o), p0);
            q0 = x.fma(FloatVector.fromArray(S, b0, o + W), q0);
            p1 = x.fma(FloatVector.fromArray(S, b1, o), p1);
            q1 = x.fma(FloatVector.fromArray(S, b1, o + W), q1);
            p2 = x.fma(FloatVector.fromArray(S, b2, o), p2);
            q2 = x.fma(FloatVector.fromArray(S, b2, o + W), q2);
            p3 = x.fma(FloatVector.fromArray(S, b3, o), p3);
            q3 = x.fma(FloatVector.fromArray(S, b3, o + W), q3);
        }
        if (mode == Kernels.ADD) {
            p0 = p0.add(FloatVector.fromArray(S, c, at));
            q0 = q0.add(FloatVector.fromArray(S, c, at + 1 * W));
            p1 = p1.add(FloatVector.fromArray(S, c, at + 2 * W));
            q1 = q1.add(FloatVector.fromArray(S, c, at + 3 * W));
            p2 = p2.add(FloatVector.fromArray(S, c, at + 4 * W));
            q2 = q2.add(FloatVector.fromArray(S, c, at + 5 * W));
            p3 = p3.add(FloatVector.fromArray(S, c, at + 6 * W));
            q3 = q3.add(FloatVector.fromArray(S, c, at + 7 * W));
        }
        p0.intoArray(c, at);
        q0.intoArray(c, at + 1 * W);
        p1.intoArray(c, at + 2 * W);
        q1.intoArray(c, at + 3 * W);
        p2.intoArray(c, at + 4 * W);
        q2.intoArray(c, at + 5 * W);
        p3.intoArray(c, at + 6 * W);
        q3.intoArray(c, at + 7 * W);
    }
}
