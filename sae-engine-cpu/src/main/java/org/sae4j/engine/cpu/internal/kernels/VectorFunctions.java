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

    /** {@code Q(a)} of {@code 0 <= a <= TAIL_MAX}. */
    private static FloatVector tail(FloatVector a, FloatVector gaussian) {
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
        return gaussian.mul(p).mul(plus.mul(inverse));
    }

    private static FloatVector gelu(FloatVector x, FloatVector gaussian) {
        FloatVector a = x.abs().min(FloatMath.TAIL_MAX);
        return a.neg().fma(tail(a, gaussian), x.max(0));
    }

    private static FloatVector geluSlope(FloatVector x, FloatVector gaussian) {
        FloatVector a = x.abs().min(FloatMath.TAIL_MAX);
        FloatVector tail = a.mul(FloatMath.PHI_0).fma(gaussian, tail(a, gaussian).neg());
        return tail.add(1).blend(tail.neg(), x.compare(LT, 0));
    }

    private static FloatVector geluTanhSlope(FloatVector x) {
        FloatVector a = x.min(FloatMath.SLOPE_MAX).max(-FloatMath.SLOPE_MAX);
        FloatVector square = a.mul(a);
        FloatVector u = a.mul(square.fma(all(FloatMath.TANH_3), all(FloatMath.TANH_1)));
        FloatVector e = exp(u.abs().neg());
        FloatVector inverse = all(1).div(e.add(1));
        FloatVector s = all(1).blend(e, u.compare(LT, 0)).mul(inverse);
        return a.mul(square.fma(all(3 * FloatMath.TANH_3), all(FloatMath.TANH_1))).fma(e.mul(inverse).mul(inverse), s);
    }

    private static FloatVector siluSlope(FloatVector x) {
        FloatVector a = x.min(FloatMath.SILU_MAX).max(-FloatMath.SILU_MAX);
        FloatVector e = exp(a.abs().neg());
        FloatVector inverse = all(1).div(e.add(1));
        return a.fma(e.mul(inverse).mul(inverse), all(1).blend(e, a.compare(LT, 0)).mul(inverse));
    }

    private static FloatVector tanhSlope(FloatVector x) {
        FloatVector e = exp(x.abs().mul(-2));
        FloatVector inverse = all(1).div(e.add(1));
        return e.mul(4).mul(inverse).mul(inverse);
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

    static void geluTanhSlope(float[] x, int xAt, float[] g, int gAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            geluTanhSlope(FloatVector.fromArray(S, x, xAt + i)).mul(FloatVector.fromArray(S, g, gAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = FloatMath.geluTanhSlope(x[xAt + i]) * g[gAt + i];
        }
    }

    static void siluSlope(float[] x, int xAt, float[] g, int gAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            siluSlope(FloatVector.fromArray(S, x, xAt + i)).mul(FloatVector.fromArray(S, g, gAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = FloatMath.siluSlope(x[xAt + i]) * g[gAt + i];
        }
    }

    static void tanhSlope(float[] x, int xAt, float[] g, int gAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            tanhSlope(FloatVector.fromArray(S, x, xAt + i)).mul(FloatVector.fromArray(S, g, gAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = FloatMath.tanhSlope(x[xAt + i]) * g[gAt + i];
        }
    }

    /** In two passes, as {@link #gelu(float[], int, float[], int, int)}. */
    static void geluSlope(float[] x, int xAt, float[] g, int gAt, float[] out, int outAt, int n) {
        float[] gaussians = new float[Math.min(n, CHUNK)];
        for (int from = 0; from < n; from += CHUNK) {
            int length = Math.min(CHUNK, n - from);
            gaussians(x, xAt + from, gaussians, length);
            geluSlope(x, xAt + from, gaussians, g, gAt + from, out, outAt + from, length);
        }
    }

    private static void geluSlope(float[] x, int xAt, float[] gaussians, float[] g, int gAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            geluSlope(FloatVector.fromArray(S, x, xAt + i), FloatVector.fromArray(S, gaussians, i))
                    .mul(FloatVector.fromArray(S, g, gAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = FloatMath.geluSlope(x[xAt + i]) * g[gAt + i];
        }
    }

    static void softmaxGradient(float[] y, int yAt, float[] g, int gAt, float mean, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector.fromArray(S, g, gAt + i).sub(mean).mul(FloatVector.fromArray(S, y, yAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = (g[gAt + i] - mean) * y[yAt + i];
        }
    }

    static void logSoftmaxGradient(float[] y, int yAt, float[] g, int gAt, float sum, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            exp(FloatVector.fromArray(S, y, yAt + i)).fma(all(-sum), FloatVector.fromArray(S, g, gAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = Math.fma(FloatMath.exp(y[yAt + i]), -sum, g[gAt + i]);
        }
    }
}
