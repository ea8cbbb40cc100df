package org.sae4j.engine.cpu.internal;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorSpecies;

/** The functions of {@link FloatMath} on vectors, step by step the same. */
final class VectorFunctions {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int W = S.length();

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

    private static FloatVector gelu(FloatVector x) {
        FloatVector a = x.abs().min(FloatMath.TAIL_MAX);
        FloatVector z = a.mul(FloatMath.SQRT_HALF);
        FloatVector t = z.sub(2).div(z.add(2));
        FloatVector p = t.fma(all(FloatMath.T9), all(FloatMath.T8));
        p = p.fma(t, all(FloatMath.T7));
        p = p.fma(t, all(FloatMath.T6));
        p = p.fma(t, all(FloatMath.T5));
        p = p.fma(t, all(FloatMath.T4));
        p = p.fma(t, all(FloatMath.T3));
        p = p.fma(t, all(FloatMath.T2));
        p = p.fma(t, all(FloatMath.T1));
        p = p.fma(t, all(FloatMath.T0));
        FloatVector square = a.mul(a);
        FloatVector lost = a.fma(a, square.neg());
        FloatVector e = exp(square.mul(-0.5f));
        e = e.fma(lost.mul(-0.5f), e);
        FloatVector tail = e.mul(p).div(z.fma(all(2), all(1)));
        return a.neg().fma(tail, x.max(0));
    }

    private static FloatVector geluTanh(FloatVector x) {
        FloatVector u = x.mul(x.mul(x).fma(all(FloatMath.TANH_3), all(FloatMath.TANH_1)));
        FloatVector e = exp(u.abs().neg());
        return x.mul(all(1).blend(e, u.compare(LT, 0))).div(e.add(1));
    }

    static void gelu(float[] x, int xAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            gelu(FloatVector.fromArray(S, x, xAt + i)).intoArray(out, outAt + i);
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
