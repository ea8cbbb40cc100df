package org.sae4j.engine.cpu.internal.kernels;

import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The functions of {@link FloatMath} on vectors, step by step the same. */
final class VectorFunctions {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int W = S.length();

    /** Elements of a pass: a multiple of every vector length. */
    private static final int CHUNK = 256;

    private VectorFunctions() {}

    private static FloatVector all(float x) {
        return FloatVector.broadcast(S, x);
    }

    static FloatVector exp(FloatVector x) {
        FloatVector shifted = x.fma(all(FloatMath.LOG2E), all(FloatMath.ROUND));
        FloatVector n = shifted.sub(FloatMath.ROUND);
        FloatVector r = n.fma(all(-FloatMath.LN2_LOW), n.fma(all(-FloatMath.LN2_HIGH), x));
        FloatVector p = r.fma(all(FloatMath.E5), all(FloatMath.E4));
        p = p.fma(r, all(FloatMath.E3));
        p = p.fma(r, all(FloatMath.E2));
        p = p.fma(r, all(FloatMath.E1));
        p = p.fma(r, all(FloatMath.E0));
        p = p.fma(r.mul(r), r).add(1);
        IntVector power = shifted.reinterpretAsInts().add(127).lanewise(LSHL, 23);
        return p.mul(power.reinterpretAsFloats()).blend(0, x.compare(LT, FloatMath.EXP_MIN));
    }

    /** {@code exp(-x^2/2)}, with the rounding error of the square made good. */
    private static FloatVector gaussian(FloatVector x) {
        FloatVector a = x.abs().min(FloatMath.TAIL_MAX);
        FloatVector square = a.mul(a);
        FloatVector lost = a.fma(a, square.neg());
        FloatVector e = exp(square.mul(-0.5f));
        return e.fma(lost.mul(-0.5f), e);
    }

    private static FloatVector gelu(FloatVector x, FloatVector gaussian) {
        FloatVector a = x.abs().min(FloatMath.TAIL_MAX);
        FloatVector z = a.mul(FloatMath.SQRT_HALF);
        FloatVector plus = z.add(2);
        FloatVector twice = z.fma(all(2), all(1));
        FloatVector inverse = all(1).div(plus.mul(twice));
        FloatVector t = z.sub(2).mul(twice.mul(inverse));
        FloatVector p = t.fma(all(FloatMath.T9), all(FloatMath.T8));
        p = p.fma(t, all(FloatMath.T7));
        p = p.fma(t, all(FloatMath.T6));
        p = p.fma(t, all(FloatMath.T5));
        p = p.fma(t, all(FloatMath.T4));
        p = p.fma(t, all(FloatMath.T3));
        p = p.fma(t, all(FloatMath.T2));
        p = p.fma(t, all(FloatMath.T1));
        p = p.fma(t, all(FloatMath.T0));
        FloatVector tail = gaussian.mul(p).mul(plus.mul(inverse));
        return a.neg().fma(tail, x.max(0));
    }

    private static FloatVector geluTanh(FloatVector x) {
        FloatVector u = x.mul(x.mul(x).fma(all(FloatMath.TANH_3), all(FloatMath.TANH_1)));
        FloatVector e = exp(u.abs().neg());
        return x.mul(all(1).blend(e, u.compare(LT, 0))).div(e.add(1));
    }

    private static FloatVector silu(FloatVector x) {
        FloatVector e = exp(x.abs().neg());
        return x.mul(all(1).blend(e, x.compare(LT, 0))).div(e.add(1));
    }

    private static FloatVector tanh(FloatVector x) {
        FloatVector a = x.abs();
        FloatVector s = x.mul(x);
        FloatVector p = s.fma(all(FloatMath.H4), all(FloatMath.H3));
        p = p.fma(s, all(FloatMath.H2));
        p = p.fma(s, all(FloatMath.H1));
        p = p.fma(s, all(FloatMath.H0));
        FloatVector near = p.mul(s).fma(x, x);
        FloatVector e = exp(a.mul(-2));
        FloatVector far = all(1).sub(e).div(e.add(1));
        // NaN is not far, so it stays.
        return near.blend(far.blend(far.neg(), x.compare(LT, 0)), a.compare(GE, FloatMath.TANH_NEAR));
    }

    static void silu(float[] x, int xAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            silu(FloatVector.fromArray(S, x, xAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = FloatMath.silu(x[xAt + i]);
        }
    }

    static void tanh(float[] x, int xAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            tanh(FloatVector.fromArray(S, x, xAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = FloatMath.tanh(x[xAt + i]);
        }
    }

    /** In two passes: as one, the loop exceeds what the compiler is willing to inline, and becomes several times slower. */
    static void gelu(float[] x, int xAt, float[] out, int outAt, int n) {
        float[] gaussians = new float[Math.min(n, CHUNK)];
        for (int from = 0; from < n; from += CHUNK) {
            int length = Math.min(CHUNK, n - from);
            gaussians(x, xAt + from, gaussians, length);
            gelu(x, xAt + from, gaussians, out, outAt + from, length);
        }
    }

    private static void gaussians(float[] x, int at, float[] out, int n) {
        for (int i = 0; i <= n - W; i += W) {
            gaussian(FloatVector.fromArray(S, x, at + i)).intoArray(out, i);
        }
    }

    private static void gelu(float[] x, int xAt, float[] gaussians, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            gelu(FloatVector.fromArray(S, x, xAt + i), FloatVector.fromArray(S, gaussians, i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = FloatMath.gelu(x[xAt + i]);
        }
    }

    static void geluTanh(float[] x, int xAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            geluTanh(FloatVector.fromArray(S, x, xAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = FloatMath.geluTanh(x[xAt + i]);
        }
    }
}
