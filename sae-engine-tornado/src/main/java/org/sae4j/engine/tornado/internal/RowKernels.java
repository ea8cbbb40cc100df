package org.sae4j.engine.tornado.internal;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Kernels of one group a row, that reduce in double precision in a fixed order. */
final class RowKernels {
    private RowKernels() {}

    public static void saeLayerNorm(KernelContext c, FloatArray x, FloatArray weight, FloatArray bias, FloatArray out, FloatArray scale,
            int cols, float eps, int hasScale, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double part = 0.0;
        for (int i = t; i < cols; i += threads) {
            part += x.get(row * cols + i);
        }
        s[t] = part;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
            }
        }
        c.localBarrier();
        double mean = s[0] / cols;
        c.localBarrier();
        double squares = 0.0;
        for (int i = t; i < cols; i += threads) {
            double z = x.get(row * cols + i) - mean;
            squares += z * z;
        }
        s[t] = squares;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
            }
        }
        c.localBarrier();
        double deviation = TornadoMath.sqrt(s[0] / cols + eps);
        if (hasScale == 1 && t == 0) {
            scale.set(row, (float) deviation);
        }
        for (int i = t; i < cols; i += threads) {
            float z = (float) ((x.get(row * cols + i) - mean) / deviation);
            out.set(row * cols + i, z * weight.get(i) + bias.get(i));
        }
    }

    public static void saeSoftmax(KernelContext c, FloatArray x, FloatArray out, int cols, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double max = -3.4e38;
        for (int i = t; i < cols; i += threads) {
            max = TornadoMath.max(max, (double) x.get(row * cols + i));
        }
        s[t] = max;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] = TornadoMath.max(s[t], s[t + stride]);
            }
        }
        c.localBarrier();
        float top = (float) s[0];
        c.localBarrier();
        double sum = 0.0;
        for (int i = t; i < cols; i += threads) {
            sum += TornadoMath.exp(x.get(row * cols + i) - top);
        }
        s[t] = sum;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
            }
        }
        c.localBarrier();
        double total = s[0];
        for (int i = t; i < cols; i += threads) {
            out.set(row * cols + i, (float) (TornadoMath.exp(x.get(row * cols + i) - top) / total));
        }
    }

    /**
     * One group a query: scores and probabilities stay in local memory. The first {@code past} of {@code keys} positions are read from
     * pastK and pastV, where those of the next sequence come {@code pastStride} elements later.
     */
    public static void saeAttention(KernelContext c, FloatArray q, FloatArray k, FloatArray v, FloatArray pastK, FloatArray pastV,
            FloatArray out, int heads, int keys, int past, int pastStride, int dHead, float scale, int threads) {
        attend(c, q, k, v, pastK, pastV, out, heads, keys, keys - past, past, pastStride, dHead, scale, threads);
    }

    /** As {@link #saeAttention}, where the number of earlier positions, at most {@code room}, comes with the run. */
    public static void saeAttentionAfter(KernelContext c, FloatArray q, FloatArray k, FloatArray v, FloatArray pastK, FloatArray pastV,
            IntArray earlier, FloatArray out, int heads, int keys, int room, int pastStride, int dHead, float scale, int threads) {
        attend(c, q, k, v, pastK, pastV, out, heads, keys, keys - room, earlier.get(0), pastStride, dHead, scale, threads);
    }

    private static void attend(KernelContext c, FloatArray q, FloatArray k, FloatArray v, FloatArray pastK, FloatArray pastV,
            FloatArray out, int heads, int keys, int length, int past, int pastStride, int dHead, float scale, int threads) {
        int t = c.localIdx;
        int sequenceHead = c.groupIdx / length;
        int i = c.groupIdx - sequenceHead * length;
        int sequence = sequenceHead / heads;
        int first = (sequenceHead - sequence * heads) * dHead;
        int cols = heads * dHead;
        int qAt = (sequence * length + i) * cols + first;
        int base = sequence * length * cols + first;
        int pastBase = sequence * pastStride + first;
        float[] p = c.allocateFloatLocalArray(keys);
        double[] s = c.allocateDoubleLocalArray(threads);
        double max = -3.4e38;
        for (int j = t; j < past; j += threads) {
            float dot = 0f;
            for (int e = 0; e < dHead; e++) {
                dot += q.get(qAt + e) * pastK.get(pastBase + j * cols + e);
            }
            p[j] = dot * scale;
            max = TornadoMath.max(max, (double) (dot * scale));
        }
        for (int j = t; j <= i; j += threads) {
            float dot = 0f;
            for (int e = 0; e < dHead; e++) {
                dot += q.get(qAt + e) * k.get(base + j * cols + e);
            }
            p[past + j] = dot * scale;
            max = TornadoMath.max(max, (double) (dot * scale));
        }
        s[t] = max;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] = TornadoMath.max(s[t], s[t + stride]);
            }
        }
        c.localBarrier();
        float top = (float) s[0];
        c.localBarrier();
        double sum = 0.0;
        for (int j = t; j <= past + i; j += threads) {
            float e = TornadoMath.exp(p[j] - top);
            p[j] = e;
            sum += e;
        }
        s[t] = sum;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
            }
        }
        c.localBarrier();
        double total = s[0];
        for (int e = t; e < dHead; e += threads) {
            float mixed = 0f;
            for (int j = 0; j < past; j++) {
                mixed += p[j] * pastV.get(pastBase + j * cols + e);
            }
            for (int j = 0; j <= i; j++) {
                mixed += p[past + j] * v.get(base + j * cols + e);
            }
            out.set(qAt + e, (float) (mixed / total));
        }
    }

    public static void saeRowNorms(KernelContext c, FloatArray x, FloatArray norms, int cols, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double part = 0.0;
        for (int i = t; i < cols; i += threads) {
            double value = x.get(row * cols + i);
            part += value * value;
        }
        s[t] = part;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
            }
        }
        c.localBarrier();
        if (t == 0) {
            norms.set(row, (float) TornadoMath.sqrt(s[0]));
        }
    }

    public static void saeProjectRows(KernelContext c, FloatArray gradient, FloatArray w, int cols, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double[] u = c.allocateDoubleLocalArray(threads);
        double dot = 0.0;
        double square = 0.0;
        for (int i = t; i < cols; i += threads) {
            double value = w.get(row * cols + i);
            dot += value * gradient.get(row * cols + i);
            square += value * value;
        }
        s[t] = dot;
        u[t] = square;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
                u[t] += u[t + stride];
            }
        }
        c.localBarrier();
        double factor = 0.0;
        if (u[0] > 0.0) {
            factor = s[0] / u[0];
        }
        for (int i = t; i < cols; i += threads) {
            int at = row * cols + i;
            gradient.set(at, (float) (gradient.get(at) - factor * w.get(at)));
        }
    }

    public static void saeNormalizeRows(KernelContext c, FloatArray w, int cols, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double part = 0.0;
        for (int i = t; i < cols; i += threads) {
            double value = w.get(row * cols + i);
            part += value * value;
        }
        s[t] = part;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
            }
        }
        c.localBarrier();
        double factor = 1.0;
        if (s[0] > 0.0) {
            factor = 1.0 / TornadoMath.sqrt(s[0]);
        }
        for (int i = t; i < cols; i += threads) {
            int at = row * cols + i;
            w.set(at, (float) (w.get(at) * factor));
        }
    }

    public static void saeColumnSum(KernelContext c, FloatArray x, FloatArray out, int rows, int cols, float divisor) {
        int column = c.globalIdx;
        if (column < cols) {
            double sum = 0.0;
            for (int row = 0; row < rows; row++) {
                sum += x.get(row * cols + column);
            }
            out.set(column, (float) (sum / divisor));
        }
    }

    /** One group: {@code total = previous + sum of squares of x}, where there is a previous. */
    public static void saeSumOfSquares(KernelContext c, FloatArray norms, FloatArray previous, FloatArray total, int rows, int hasPrevious,
            int threads) {
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double part = 0.0;
        for (int i = t; i < rows; i += threads) {
            double norm = norms.get(i);
            part += norm * norm;
        }
        s[t] = part;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
            }
        }
        c.localBarrier();
        if (t == 0) {
            double sum = s[0];
            if (hasPrevious == 1) {
                sum += previous.get(0);
            }
            total.set(0, (float) sum);
        }
    }

    public static void saeClip(KernelContext c, FloatArray gradient, FloatArray squares, float limit, int count) {
        int i = c.globalIdx;
        if (i < count) {
            float factor = TornadoMath.min(1f, limit / (TornadoMath.sqrt(squares.get(0)) + 1e-6f));
            gradient.set(i, gradient.get(i) * factor);
        }
    }
}
