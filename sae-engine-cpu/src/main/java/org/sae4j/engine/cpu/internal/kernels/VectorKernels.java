package org.sae4j.engine.cpu.internal.kernels;

import static jdk.incubator.vector.VectorOperators.F2D;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.MAX;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;

/** The inner loops on the Vector API, in the processor's preferred width. */
final class VectorKernels implements Kernels {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int W = S.length();
    /** Half as wide: what one vector of doubles holds. */
    private static final VectorSpecies<Float> H = VectorSpecies.of(float.class, VectorShape.forBitSize(S.vectorBitSize() / 2));
    private static final VectorSpecies<Double> D = VectorSpecies.of(double.class, S.vectorShape());
    private static final int HW = H.length();
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final IntVector IOTA = IntVector.zero(I).addIndex(1);
    /** Narrower instruction sets have no instruction that moves the chosen lanes together. */
    private static final boolean COMPRESS = S.vectorBitSize() == 512;
    private static final VectorShuffle<Float> F8 = VectorShuffle.fromOp(S, i -> (i ^ 8) % W);
    private static final VectorShuffle<Float> F4 = VectorShuffle.fromOp(S, i -> (i ^ 4) % W);
    private static final VectorShuffle<Float> F2 = VectorShuffle.fromOp(S, i -> (i ^ 2) % W);
    private static final VectorShuffle<Float> F1 = VectorShuffle.fromOp(S, i -> (i ^ 1) % W);
    private static final VectorShuffle<Double> D4 = VectorShuffle.fromOp(D, i -> (i ^ 4) % HW);
    private static final VectorShuffle<Double> D2 = VectorShuffle.fromOp(D, i -> (i ^ 2) % HW);
    private static final VectorShuffle<Double> D1 = VectorShuffle.fromOp(D, i -> (i ^ 1) % HW);

    @Override
    public String description() {
        return "Vector API, " + S.vectorBitSize() + " bit";
    }

    @Override
    public RowKernels rows() {
        return new VectorRows();
    }

    @Override
    public int panelWidth() {
        return 2 * W;
    }

    @Override
    public int groupRows() {
        // Twelve rows need 24 sums, which only an instruction set with 32 registers of 512 bits surely holds.
        return S.vectorBitSize() >= 512 ? 12 : 4;
    }

    @Override
    public void tile(int rows, int depth, float[] a, float[] b, float[] c, int at, int stride, int mode) {
        VectorTiles.tile(rows, depth, a, b, c, at, stride, mode);
    }

    @Override
    public void row(int depth, float[] a, float[] b0, float[] b1, float[] b2, float[] b3, float[] c, int at, int mode) {
        VectorTiles.row(depth, a, b0, b1, b2, b3, c, at, mode);
    }

    @Override
    public void apply(Op.Function f, float[] x, int xAt, float[] out, int outAt, int n) {
        switch (f) {
            case IDENTITY -> System.arraycopy(x, xAt, out, outAt, n);
            case RELU -> relu(x, xAt, out, outAt, n);
            case GELU -> VectorFunctions.gelu(x, xAt, out, outAt, n);
            case GELU_TANH -> VectorFunctions.geluTanh(x, xAt, out, outAt, n);
            case SILU -> VectorFunctions.silu(x, xAt, out, outAt, n);
            case TANH -> VectorFunctions.tanh(x, xAt, out, outAt, n);
        }
    }

    @Override
    public void slope(Op.Function f, float[] x, int xAt, float[] g, int gAt, float[] out, int outAt, int n) {
        switch (f) {
            case IDENTITY -> System.arraycopy(g, gAt, out, outAt, n);
            case RELU -> {
                for (int i = 0; i < n; i++) {
                    out[outAt + i] = x[xAt + i] <= 0 ? 0 : g[gAt + i];
                }
            }
            case GELU -> VectorFunctions.geluSlope(x, xAt, g, gAt, out, outAt, n);
            case GELU_TANH -> VectorFunctions.geluTanhSlope(x, xAt, g, gAt, out, outAt, n);
            case SILU -> VectorFunctions.siluSlope(x, xAt, g, gAt, out, outAt, n);
            case TANH -> VectorFunctions.tanhSlope(x, xAt, g, gAt, out, outAt, n);
        }
    }

    @Override
    public void softmaxGradient(float[] y, int yAt, float[] g, int gAt, float mean, float[] out, int outAt, int n) {
        VectorFunctions.softmaxGradient(y, yAt, g, gAt, mean, out, outAt, n);
    }

    @Override
    public void logSoftmaxGradient(float[] y, int yAt, float[] g, int gAt, float sum, float[] out, int outAt, int n) {
        VectorFunctions.logSoftmaxGradient(y, yAt, g, gAt, sum, out, outAt, n);
    }

    private static void relu(float[] x, int xAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector.fromArray(S, x, xAt + i).max(0).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = Math.max(x[xAt + i], 0);
        }
    }

    @Override
    public void finish(Op.Function f, float[] c, int at, float @Nullable [] bias, int biasAt, int n) {
        if (bias != null) {
            add(c, at, bias, biasAt, 1, c, at, n);
        }
        if (f != Op.Function.IDENTITY) {
            apply(f, c, at, c, at, n);
        }
    }

    @Override
    public void add(float[] a, int aAt, float[] b, int bAt, float scale, float[] out, int outAt, int n) {
        FloatVector factor = FloatVector.broadcast(S, scale);
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector.fromArray(S, b, bAt + i).fma(factor, FloatVector.fromArray(S, a, aAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = Math.fma(b[bAt + i], scale, a[aAt + i]);
        }
    }

    @Override
    public void multiply(float[] a, int aAt, float[] b, int bAt, float[] out, int outAt, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector.fromArray(S, a, aAt + i).mul(FloatVector.fromArray(S, b, bAt + i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = a[aAt + i] * b[bAt + i];
        }
    }

    @Override
    public void scale(float[] x, int at, float factor, int n) {
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector.fromArray(S, x, at + i).mul(factor).intoArray(x, at + i);
        }
        for (; i < n; i++) {
            x[at + i] *= factor;
        }
    }

    @Override
    public void exceeds(float[] x, int xAt, float limit, float[] out, int outAt, int n) {
        FloatVector zero = FloatVector.zero(S);
        int i = 0;
        for (; i <= n - W; i += W) {
            zero.blend(1, FloatVector.fromArray(S, x, xAt + i).compare(GT, limit)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = x[xAt + i] > limit ? 1 : 0;
        }
    }

    /** The sum of the lanes in a fixed order; that of reduceLanes changes when the code is compiled. */
    private static float total(FloatVector v) {
        FloatVector s = v;
        if (W > 8) {
            s = s.add(s.rearrange(F8));
        }
        if (W > 4) {
            s = s.add(s.rearrange(F4));
        }
        s = s.add(s.rearrange(F2));
        return s.add(s.rearrange(F1)).lane(0);
    }

    private static double total(DoubleVector v) {
        DoubleVector s = v;
        if (HW > 4) {
            s = s.add(s.rearrange(D4));
        }
        if (HW > 2) {
            s = s.add(s.rearrange(D2));
        }
        return s.add(s.rearrange(D1)).lane(0);
    }

    private static DoubleVector doubles(float[] x, int at) {
        return (DoubleVector) FloatVector.fromArray(H, x, at).convertShape(F2D, D, 0);
    }

    @Override
    public double sum(float[] x, int at, int n) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        int i = 0;
        for (; i <= n - W; i += W) {
            s0 = s0.add(doubles(x, at + i));
            s1 = s1.add(doubles(x, at + i + HW));
        }
        double sum = total(s0.add(s1));
        for (; i < n; i++) {
            sum += x[at + i];
        }
        return sum;
    }

    @Override
    public double dot(float[] a, int aAt, float[] b, int bAt, int n) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        int i = 0;
        for (; i <= n - W; i += W) {
            s0 = doubles(a, aAt + i).fma(doubles(b, bAt + i), s0);
            s1 = doubles(a, aAt + i + HW).fma(doubles(b, bAt + i + HW), s1);
        }
        double sum = total(s0.add(s1));
        for (; i < n; i++) {
            sum += (double) a[aAt + i] * b[bAt + i];
        }
        return sum;
    }

    @Override
    public double deviation(float[] x, int at, double mean, int n) {
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        int i = 0;
        for (; i <= n - W; i += W) {
            DoubleVector d0 = doubles(x, at + i).sub(mean);
            DoubleVector d1 = doubles(x, at + i + HW).sub(mean);
            s0 = d0.fma(d0, s0);
            s1 = d1.fma(d1, s1);
        }
        double sum = total(s0.add(s1));
        for (; i < n; i++) {
            double d = x[at + i] - mean;
            sum += d * d;
        }
        return sum;
    }

    @Override
    public float product(float[] a, int aAt, float[] b, int bAt, int n) {
        FloatVector s0 = FloatVector.zero(S);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int i = 0;
        for (; i <= n - 4 * W; i += 4 * W) {
            s0 = FloatVector.fromArray(S, a, aAt + i).fma(FloatVector.fromArray(S, b, bAt + i), s0);
            s1 = FloatVector.fromArray(S, a, aAt + i + W).fma(FloatVector.fromArray(S, b, bAt + i + W), s1);
            s2 = FloatVector.fromArray(S, a, aAt + i + 2 * W).fma(FloatVector.fromArray(S, b, bAt + i + 2 * W), s2);
            s3 = FloatVector.fromArray(S, a, aAt + i + 3 * W).fma(FloatVector.fromArray(S, b, bAt + i + 3 * W), s3);
        }
        for (; i <= n - W; i += W) {
            s0 = FloatVector.fromArray(S, a, aAt + i).fma(FloatVector.fromArray(S, b, bAt + i), s0);
        }
        float sum = total(s0.add(s1).add(s2.add(s3)));
        for (; i < n; i++) {
            sum = Math.fma(a[aAt + i], b[bAt + i], sum);
        }
        return sum;
    }

    @Override
    public void normalize(float[] x, int xAt, double mean, double deviation, float[] weight, float[] bias, float[] out, int outAt,
            int n) {
        float high = (float) mean;
        float low = (float) (mean - high);
        float inverse = (float) (1 / deviation);
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector.fromArray(S, x, xAt + i).sub(high).sub(low).mul(inverse)
                    .fma(FloatVector.fromArray(S, weight, i), FloatVector.fromArray(S, bias, i)).intoArray(out, outAt + i);
        }
        for (; i < n; i++) {
            out[outAt + i] = Math.fma((x[xAt + i] - high - low) * inverse, weight[i], bias[i]);
        }
    }

    @Override
    public void softmax(float[] x, int xAt, float[] out, int outAt, int n) {
        FloatVector top = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
        int whole = S.loopBound(n);
        for (int i = 0; i < whole; i += W) {
            top = top.max(FloatVector.fromArray(S, x, xAt + i));
        }
        float max = top.reduceLanes(MAX);
        for (int i = whole; i < n; i++) {
            max = Math.max(max, x[xAt + i]);
        }
        DoubleVector s0 = DoubleVector.zero(D);
        DoubleVector s1 = s0;
        for (int i = 0; i < whole; i += W) {
            VectorFunctions.exp(FloatVector.fromArray(S, x, xAt + i).sub(max)).intoArray(out, outAt + i);
            s0 = s0.add(doubles(out, outAt + i));
            s1 = s1.add(doubles(out, outAt + i + HW));
        }
        if (whole < n) {
            // The rest takes the lanes it would have in a longer row, so that a longer masked row has the same sum.
            float[] padded = new float[W];
            for (int i = whole; i < n; i++) {
                padded[i - whole] = FloatMath.exp(x[xAt + i] - max);
                out[outAt + i] = padded[i - whole];
            }
            s0 = s0.add(doubles(padded, 0));
            s1 = s1.add(doubles(padded, HW));
        }
        scale(out, outAt, (float) (1 / total(s0.add(s1))), n);
    }

    @Override
    public void weightedSum(float[] values, int[] rows, int from, int to, float[] table, int stride, int column, float[] out, int at,
            int width, boolean accumulate) {
        int i = 0;
        for (; i <= width - 8 * W; i += 8 * W) {
            weightedSum8(values, rows, from, to, table, stride, column + i, out, at + i, accumulate);
        }
        for (; i <= width - W; i += W) {
            FloatVector total = accumulate ? FloatVector.fromArray(S, out, at + i) : FloatVector.zero(S);
            for (int e = from; e < to;) {
                int end = (Reduction.blockOf(rows[e]) + 1) * Reduction.DEPTH;
                FloatVector s = FloatVector.zero(S);
                for (; e < to && rows[e] < end; e++) {
                    s = FloatVector.broadcast(S, values[e]).fma(FloatVector.fromArray(S, table, rows[e] * stride + column + i), s);
                }
                total = total.add(s);
            }
            total.intoArray(out, at + i);
        }
        for (; i < width; i++) {
            float total = accumulate ? out[at + i] : 0;
            for (int e = from; e < to;) {
                int end = (Reduction.blockOf(rows[e]) + 1) * Reduction.DEPTH;
                float s = 0;
                for (; e < to && rows[e] < end; e++) {
                    s = Math.fma(values[e], table[rows[e] * stride + column + i], s);
                }
                total += s;
            }
            out[at + i] = total;
        }
    }

    /** The sums of a block stay in registers; their total is in the first-level cache. */
    private static void weightedSum8(float[] values, int[] rows, int from, int to, float[] table, int stride, int column, float[] out,
            int at, boolean accumulate) {
        FloatVector zero = FloatVector.zero(S);
        boolean add = accumulate;
        int e = from;
        do {
            FloatVector s0 = zero;
            FloatVector s1 = zero;
            FloatVector s2 = zero;
            FloatVector s3 = zero;
            FloatVector s4 = zero;
            FloatVector s5 = zero;
            FloatVector s6 = zero;
            FloatVector s7 = zero;
            int end = e < to ? (Reduction.blockOf(rows[e]) + 1) * Reduction.DEPTH : 0;
            for (; e < to && rows[e] < end; e++) {
                FloatVector value = FloatVector.broadcast(S, values[e]);
                int o = rows[e] * stride + column;
                s0 = value.fma(FloatVector.fromArray(S, table, o), s0);
                s1 = value.fma(FloatVector.fromArray(S, table, o + W), s1);
                s2 = value.fma(FloatVector.fromArray(S, table, o + 2 * W), s2);
                s3 = value.fma(FloatVector.fromArray(S, table, o + 3 * W), s3);
                s4 = value.fma(FloatVector.fromArray(S, table, o + 4 * W), s4);
                s5 = value.fma(FloatVector.fromArray(S, table, o + 5 * W), s5);
                s6 = value.fma(FloatVector.fromArray(S, table, o + 6 * W), s6);
                s7 = value.fma(FloatVector.fromArray(S, table, o + 7 * W), s7);
            }
            if (add) {
                s0 = s0.add(FloatVector.fromArray(S, out, at));
                s1 = s1.add(FloatVector.fromArray(S, out, at + W));
                s2 = s2.add(FloatVector.fromArray(S, out, at + 2 * W));
                s3 = s3.add(FloatVector.fromArray(S, out, at + 3 * W));
                s4 = s4.add(FloatVector.fromArray(S, out, at + 4 * W));
                s5 = s5.add(FloatVector.fromArray(S, out, at + 5 * W));
                s6 = s6.add(FloatVector.fromArray(S, out, at + 6 * W));
                s7 = s7.add(FloatVector.fromArray(S, out, at + 7 * W));
            }
            s0.intoArray(out, at);
            s1.intoArray(out, at + W);
            s2.intoArray(out, at + 2 * W);
            s3.intoArray(out, at + 3 * W);
            s4.intoArray(out, at + 4 * W);
            s5.intoArray(out, at + 5 * W);
            s6.intoArray(out, at + 6 * W);
            s7.intoArray(out, at + 7 * W);
            add = true;
        } while (e < to);
    }

    @Override
    public int above(float[] x, int at, int n, float floor, int[] columns, float[] values, int to) {
        int next = to;
        int i = 0;
        for (; COMPRESS && i <= n - W; i += W) {
            FloatVector v = FloatVector.fromArray(S, x, at + i);
            VectorMask<Float> greater = v.compare(GT, floor);
            int found = greater.trueCount();
            if (found > 0) {
                IOTA.add(i).compress(greater.cast(I)).intoArray(columns, next);
                v.compress(greater).intoArray(values, next);
                next += found;
            }
        }
        for (; i <= n - W; i += W) {
            long found = FloatVector.fromArray(S, x, at + i).compare(GT, floor).toLong();
            while (found != 0) {
                int column = i + Long.numberOfTrailingZeros(found);
                columns[next] = column;
                values[next++] = x[at + column];
                found &= found - 1;
            }
        }
        for (; i < n; i++) {
            float value = x[at + i];
            if (value > floor) {
                columns[next] = i;
                values[next++] = value;
            }
        }
        return next;
    }

    @Override
    public void adam(float[] w, float[] m, float[] v, int at, float[] g, int gAt, int n, AdamFactors f) {
        FloatVector gain1 = FloatVector.broadcast(S, f.gain1);
        FloatVector gain2 = FloatVector.broadcast(S, f.gain2);
        FloatVector beta2 = FloatVector.broadcast(S, f.beta2);
        FloatVector root = FloatVector.broadcast(S, f.inverseRoot);
        FloatVector epsilon = FloatVector.broadcast(S, f.epsilon);
        FloatVector step = FloatVector.broadcast(S, -f.stepSize);
        int i = 0;
        for (; i <= n - W; i += W) {
            FloatVector gradient = FloatVector.fromArray(S, g, gAt + i);
            FloatVector old = FloatVector.fromArray(S, m, at + i);
            FloatVector first = gain1.fma(gradient.sub(old), old);
            FloatVector second = gradient.mul(gain2).fma(gradient, FloatVector.fromArray(S, v, at + i).mul(beta2));
            first.intoArray(m, at + i);
            second.intoArray(v, at + i);
            FloatVector denominator = second.sqrt().fma(root, epsilon);
            first.div(denominator).fma(step, FloatVector.fromArray(S, w, at + i)).intoArray(w, at + i);
        }
        for (; i < n; i++) {
            ScalarKernels.adam(w, m, v, at + i, g[gAt + i], f);
        }
    }
}
