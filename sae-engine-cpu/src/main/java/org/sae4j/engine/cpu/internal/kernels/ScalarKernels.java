package org.sae4j.engine.cpu.internal.kernels;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;

/** Plain loops, for a JVM without the Vector API. */
public final class ScalarKernels implements Kernels {
    private static final int WIDTH = 16;

    /** Where a thread adds up a block of a reduction: an array of its own in every call would be all that a training step allocates. */
    private final ThreadLocal<float[]> room = ThreadLocal.withInitial(() -> new float[WIDTH]);

    private float[] room(int n) {
        float[] sums = room.get();
        if (sums.length < n) {
            sums = new float[n];
            room.set(sums);
        }
        return sums;
    }

    @Override
    public String description() {
        return "scalar";
    }

    @Override
    public RowKernels rows() {
        return new ScalarRows();
    }

    @Override
    public int panelWidth() {
        return WIDTH;
    }

    @Override
    public int groupRows() {
        return 4;
    }

    @Override
    public void tile(int rows, int depth, float[] a, float[] b, float[] c, int at, int stride, int mode) {
        float[] sums = room(WIDTH);
        for (int r = 0; r < rows; r++) {
            if (mode == CONTINUE) {
                System.arraycopy(c, at + r * stride, sums, 0, WIDTH);
            } else {
                Arrays.fill(sums, 0, WIDTH, 0);
            }
            for (int k = 0; k < depth; k++) {
                float x = a[k * rows + r];
                for (int j = 0; j < WIDTH; j++) {
                    sums[j] = Math.fma(x, b[k * WIDTH + j], sums[j]);
                }
            }
            addOrSet(sums, WIDTH, c, at + r * stride, mode == ADD);
        }
    }

    @Override
    public void row(int depth, float[] a, float[] b0, float[] b1, float[] b2, float[] b3, float[] c, int at, int mode) {
        tile(1, depth, a, b0, c, at, 0, mode);
        tile(1, depth, a, b1, c, at + WIDTH, 0, mode);
        tile(1, depth, a, b2, c, at + 2 * WIDTH, 0, mode);
        tile(1, depth, a, b3, c, at + 3 * WIDTH, 0, mode);
    }

    @Override
    public void apply(Op.Function f, float[] x, int xAt, float[] out, int outAt, int n) {
        for (int i = 0; i < n; i++) {
            out[outAt + i] = FloatMath.apply(f, x[xAt + i]);
        }
    }

    @Override
    public void slope(Op.Function f, float[] x, int xAt, float[] g, int gAt, float[] out, int outAt, int n) {
        for (int i = 0; i < n; i++) {
            out[outAt + i] = FloatMath.slope(f, x[xAt + i]) * g[gAt + i];
        }
    }

    @Override
    public void softmaxGradient(float[] y, int yAt, float[] g, int gAt, float mean, float[] out, int outAt, int n) {
        for (int i = 0; i < n; i++) {
            out[outAt + i] = (g[gAt + i] - mean) * y[yAt + i];
        }
    }

    @Override
    public void logSoftmaxGradient(float[] y, int yAt, float[] g, int gAt, float sum, float[] out, int outAt, int n) {
        for (int i = 0; i < n; i++) {
            out[outAt + i] = Math.fma(FloatMath.exp(y[yAt + i]), -sum, g[gAt + i]);
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
        for (int i = 0; i < n; i++) {
            out[outAt + i] = Math.fma(b[bAt + i], scale, a[aAt + i]);
        }
    }

    @Override
    public void multiply(float[] a, int aAt, float[] b, int bAt, float[] out, int outAt, int n) {
        for (int i = 0; i < n; i++) {
            out[outAt + i] = a[aAt + i] * b[bAt + i];
        }
    }

    @Override
    public void scale(float[] x, int at, float factor, int n) {
        for (int i = at; i < at + n; i++) {
            x[i] *= factor;
        }
    }

    @Override
    public void exceeds(float[] x, int xAt, float limit, float[] out, int outAt, int n) {
        for (int i = 0; i < n; i++) {
            out[outAt + i] = x[xAt + i] > limit ? 1 : 0;
        }
    }

    @Override
    public double sum(float[] x, int at, int n) {
        double sum = 0;
        for (int i = at; i < at + n; i++) {
            sum += x[i];
        }
        return sum;
    }

    @Override
    public double dot(float[] a, int aAt, float[] b, int bAt, int n) {
        double sum = 0;
        for (int i = 0; i < n; i++) {
            sum += (double) a[aAt + i] * b[bAt + i];
        }
        return sum;
    }

    @Override
    public double deviation(float[] x, int at, double mean, int n) {
        double sum = 0;
        for (int i = at; i < at + n; i++) {
            double d = x[i] - mean;
            sum += d * d;
        }
        return sum;
    }

    @Override
    public float product(float[] a, int aAt, float[] b, int bAt, int n) {
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        int i = 0;
        for (; i + 3 < n; i += 4) {
            s0 = Math.fma(a[aAt + i], b[bAt + i], s0);
            s1 = Math.fma(a[aAt + i + 1], b[bAt + i + 1], s1);
            s2 = Math.fma(a[aAt + i + 2], b[bAt + i + 2], s2);
            s3 = Math.fma(a[aAt + i + 3], b[bAt + i + 3], s3);
        }
        for (; i < n; i++) {
            s0 = Math.fma(a[aAt + i], b[bAt + i], s0);
        }
        return (s0 + s1) + (s2 + s3);
    }

    @Override
    public void normalize(float[] x, int xAt, double mean, double deviation, float[] weight, float[] bias, float[] out, int outAt,
            int n) {
        double inverse = 1 / deviation;
        for (int i = 0; i < n; i++) {
            out[outAt + i] = Math.fma((float) ((x[xAt + i] - mean) * inverse), weight[i], bias[i]);
        }
    }

    @Override
    public void softmax(float[] x, int xAt, float[] out, int outAt, int n) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = xAt; i < xAt + n; i++) {
            max = Math.max(max, x[i]);
        }
        double sum = 0;
        for (int i = 0; i < n; i++) {
            float e = FloatMath.exp(x[xAt + i] - max);
            out[outAt + i] = e;
            sum += e;
        }
        scale(out, outAt, (float) (1 / sum), n);
    }

    @Override
    public void weightedSum(float[] values, int[] rows, int from, int to, float[] table, int stride, int column, float[] out, int at,
            int width, boolean accumulate) {
        float[] sums = room(width);
        boolean add = accumulate;
        int e = from;
        do {
            Arrays.fill(sums, 0, width, 0);
            int end = e < to ? (Reduction.blockOf(rows[e]) + 1) * Reduction.DEPTH : 0;
            for (; e < to && rows[e] < end; e++) {
                float value = values[e];
                int row = rows[e] * stride + column;
                for (int i = 0; i < width; i++) {
                    sums[i] = Math.fma(value, table[row + i], sums[i]);
                }
            }
            addOrSet(sums, width, out, at, add);
            add = true;
        } while (e < to);
    }

    private static void addOrSet(float[] sums, int n, float[] out, int at, boolean add) {
        if (add) {
            for (int i = 0; i < n; i++) {
                out[at + i] += sums[i];
            }
        } else {
            System.arraycopy(sums, 0, out, at, n);
        }
    }

    @Override
    public int above(float[] x, int at, int n, float floor, int[] columns, float[] values, int to) {
        int next = to;
        for (int i = 0; i < n; i++) {
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
        for (int i = 0; i < n; i++) {
            adam(w, m, v, at + i, g[gAt + i], f);
        }
    }

    /** One element; the vector kernels use it for the rest that fills no vector. */
    static void adam(float[] w, float[] m, float[] v, int i, float g, AdamFactors f) {
        float first = Math.fma(f.gain1, g - m[i], m[i]);
        float second = Math.fma(g * f.gain2, g, v[i] * f.beta2);
        m[i] = first;
        v[i] = second;
        float denominator = Math.fma((float) Math.sqrt(second), f.inverseRoot, f.epsilon);
        w[i] = Math.fma(first / denominator, -f.stepSize, w[i]);
    }
}
