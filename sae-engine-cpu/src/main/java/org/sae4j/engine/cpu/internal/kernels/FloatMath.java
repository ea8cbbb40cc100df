package org.sae4j.engine.cpu.internal.kernels;

/**
 * Elementary functions in single precision, and the coefficients that the vector kernels share. Every step is a single rounded operation
 * or a fused multiply-add, so that the vector kernels, which take the same steps, give the same bits.
 */
final class FloatMath {
    static final float LOG2E = 1.44269504f;
    static final float LN2_HIGH = 0.693359375f;
    static final float LN2_LOW = -2.12194440e-4f;
    /** Below, exp is 0: the result would be subnormal. */
    static final float EXP_MIN = -87.33f;
    /** Adding it rounds a float to an integer that can be read from the low bits. */
    static final float ROUND = 12582912f;

    /** Polynomial for {@code exp(r) = 1 + r + r^2 (E0 + E1 r + ...)}, |r| <= ln(2)/2 (Cephes, expf). */
    static final float E0 = 5.0000001201e-1f;
    static final float E1 = 1.6666665459e-1f;
    static final float E2 = 4.1665795894e-2f;
    static final float E3 = 8.3334519073e-3f;
    static final float E4 = 1.3981999507e-3f;
    static final float E5 = 1.9875691500e-4f;

    /** No normal upper tail of the Gaussian lies beyond. */
    static final float TAIL_MAX = 14f;
    static final float SQRT_HALF = 0.70710678f;

    /**
     * Minimax polynomial (relative error 1.5e-8) for {@code (1 + 2z) exp(z^2) erfc(z) / 2} in {@code t = (z - 2) / (z + 2)}, z from 0
     * to 10.5. The form is that of M. M. Shepherd and J. G. Laframboise, Mathematics of Computation 36 (1981), 249-253.
     */
    static final float T0 = 0.6384891867637634f;
    static final float T1 = -0.04638199880719185f;
    static final float T2 = -0.08301578462123871f;
    static final float T3 = 0.08202783018350601f;
    static final float T4 = -0.027101311832666397f;
    static final float T5 = -0.004030444193631411f;
    static final float T6 = 0.0043126787059009075f;
    static final float T7 = 0.0006562854978255928f;
    static final float T8 = -0.000611170893535018f;
    static final float T9 = -0.00019805363263003528f;

    /** {@code 2 sqrt(2/pi)} and that times 0.044715: the argument of the logistic form of the tanh approximation. */
    static final float TANH_1 = 1.5957691216f;
    static final float TANH_3 = 0.0713548163f;

    /** Where the polynomial of tanh ends, and its coefficients: {@code tanh(x) = x + x^3 (H0 + H1 x^2 + ...)} (Cephes, tanhf). */
    static final float TANH_NEAR = 0.625f;
    static final float H0 = -3.33332819422e-1f;
    static final float H1 = 1.33314422036e-1f;
    static final float H2 = -5.37397155531e-2f;
    static final float H3 = 2.06390887954e-2f;
    static final float H4 = -5.70498872745e-3f;

    /** The Gaussian density at 0. */
    static final float PHI_0 = 0.3989422804f;
    /** Beyond, the slopes of GELU's tanh form and of SILU are 0 or 1; their parts would overflow. */
    static final float SLOPE_MAX = 30f;
    static final float SILU_MAX = 100f;

    private FloatMath() {}

    /** exp for x <= 88; 0 where the result would be subnormal. */
    static float exp(float x) {
        if (x < EXP_MIN) {
            return 0;
        }
        float shifted = Math.fma(x, LOG2E, ROUND);
        float n = shifted - ROUND;
        float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
        float p = Math.fma(r, E5, E4);
        p = Math.fma(p, r, E3);
        p = Math.fma(p, r, E2);
        p = Math.fma(p, r, E1);
        p = Math.fma(p, r, E0);
        p = Math.fma(p, r * r, r) + 1;
        return p * Float.intBitsToFloat(Float.floatToRawIntBits(shifted) + 127 << 23);
    }

    /**
     * {@code x Phi(x) = max(x, 0) - |x| Q(|x|)}, where the tail Q is {@code exp(-x^2/2)} times a smooth function, so that the result is
     * accurate relative to itself where it is tiny too.
     */
    static float gelu(float x) {
        float a = Math.min(Math.abs(x), TAIL_MAX);
        float z = a * SQRT_HALF;
        float plus = z + 2;
        float twice = Math.fma(z, 2, 1);
        // One division for both quotients.
        float inverse = 1 / (plus * twice);
        float t = (z - 2) * (twice * inverse);
        float p = Math.fma(t, T9, T8);
        p = Math.fma(p, t, T7);
        p = Math.fma(p, t, T6);
        p = Math.fma(p, t, T5);
        p = Math.fma(p, t, T4);
        p = Math.fma(p, t, T3);
        p = Math.fma(p, t, T2);
        p = Math.fma(p, t, T1);
        p = Math.fma(p, t, T0);
        float square = a * a;
        // The rounding error of the square, which the exponential would magnify.
        float lost = Math.fma(a, a, -square);
        float e = exp(square * -0.5f);
        e = Math.fma(e, lost * -0.5f, e);
        float tail = e * p * (plus * inverse);
        return Math.fma(-a, tail, Math.max(x, 0));
    }

    /** {@code x/2 (1 + tanh(u)) = x / (1 + exp(-2u))}. */
    static float geluTanh(float x) {
        float u = x * Math.fma(x * x, TANH_3, TANH_1);
        // exp(-|2u|) cannot overflow; the two branches are the same function.
        float e = exp(-Math.abs(u));
        return x * (u < 0 ? e : 1) / (1 + e);
    }

    /** {@code x / (1 + exp(-x))}. */
    static float silu(float x) {
        float e = exp(-Math.abs(x));
        return x * (x < 0 ? e : 1) / (1 + e);
    }

    /** {@code (1 - exp(-2|x|)) / (1 + exp(-2|x|))} with the sign of x; near 0, where that loses digits, a polynomial (Cephes, tanhf). */
    static float tanh(float x) {
        float a = Math.abs(x);
        if (a < TANH_NEAR) {
            float s = x * x;
            float p = Math.fma(s, H4, H3);
            p = Math.fma(p, s, H2);
            p = Math.fma(p, s, H1);
            p = Math.fma(p, s, H0);
            return Math.fma(p * s, x, x);
        }
        float e = exp(a * -2);
        return Math.copySign((1 - e) / (1 + e), x);
    }

    /** {@code Phi(x) + x phi(x)}, of the upper tail Q(|x|) as {@link #gelu} has it. */
    static float geluSlope(float x) {
        float a = Math.min(Math.abs(x), TAIL_MAX);
        float z = a * SQRT_HALF;
        float plus = z + 2;
        float twice = Math.fma(z, 2, 1);
        float inverse = 1 / (plus * twice);
        float t = (z - 2) * (twice * inverse);
        float p = Math.fma(t, T9, T8);
        p = Math.fma(p, t, T7);
        p = Math.fma(p, t, T6);
        p = Math.fma(p, t, T5);
        p = Math.fma(p, t, T4);
        p = Math.fma(p, t, T3);
        p = Math.fma(p, t, T2);
        p = Math.fma(p, t, T1);
        p = Math.fma(p, t, T0);
        float square = a * a;
        float lost = Math.fma(a, a, -square);
        float e = exp(square * -0.5f);
        e = Math.fma(e, lost * -0.5f, e);
        // The slope at -x is 1 less the slope at x.
        float tail = Math.fma(a * PHI_0, e, -(e * p * (plus * inverse)));
        return x < 0 ? -tail : 1 + tail;
    }

    /** {@code s + x s (1 - s) (2u)'} for the logistic function s of 2u. */
    static float geluTanhSlope(float x) {
        float a = Math.max(Math.min(x, SLOPE_MAX), -SLOPE_MAX);
        float square = a * a;
        float u = a * Math.fma(square, TANH_3, TANH_1);
        float e = exp(-Math.abs(u));
        float inverse = 1 / (1 + e);
        float s = (u < 0 ? e : 1) * inverse;
        return Math.fma(a * Math.fma(square, 3 * TANH_3, TANH_1), e * inverse * inverse, s);
    }

    /** {@code s + x s (1 - s)} for the logistic function s of x. */
    static float siluSlope(float x) {
        float a = Math.max(Math.min(x, SILU_MAX), -SILU_MAX);
        float e = exp(-Math.abs(a));
        float inverse = 1 / (1 + e);
        return Math.fma(a, e * inverse * inverse, (a < 0 ? e : 1) * inverse);
    }

    /** {@code 1 - tanh(x)^2 = 4 e / (1 + e)^2} with {@code e = exp(-2|x|)}. */
    static float tanhSlope(float x) {
        float e = exp(Math.abs(x) * -2);
        float inverse = 1 / (1 + e);
        return 4 * e * inverse * inverse;
    }

    /** The slope of a function; that of RELU at 0 is 0. */
    static float slope(org.sae4j.api.engine.Op.Function f, float x) {
        return switch (f) {
            case IDENTITY -> 1;
            case RELU -> x <= 0 ? 0 : 1;
            case GELU -> geluSlope(x);
            case GELU_TANH -> geluTanhSlope(x);
            case SILU -> siluSlope(x);
            case TANH -> tanhSlope(x);
        };
    }

    static float apply(org.sae4j.api.engine.Op.Function f, float x) {
        return switch (f) {
            case IDENTITY -> x;
            case RELU -> Math.max(x, 0);
            case GELU -> gelu(x);
            case GELU_TANH -> geluTanh(x);
            case SILU -> silu(x);
            case TANH -> tanh(x);
        };
    }
}
