package org.sae4j.engine.tornado.internal;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Kernels of one thread an element, and the scalar functions that all kernels share.
 *
 * <p>Kernels must be public, and their names must differ from what the device's language defines: hence the prefix. Two rules of all
 * kernels come from the compiler. Comparisons for order may be turned round, and then take NaN for smaller or larger: where NaN matters, a
 * comparison for equality comes first, of a number with itself. A local array must not be passed to another method, so reductions are
 * written out in each kernel.
 */
@SuppressWarnings("IdentityBinaryExpression")
final class ElementKernels {
    private static final float HALF_ROOT = 0.70710678118654752f;
    private static final float ROOT_TWO_OVER_PI = 0.79788456080286536f;

    private ElementKernels() {}

    /** A positive number itself, and 0 for all others and NaN. */
    static float saePositive(float x) {
        float y = 0f;
        if (x == x) {
            if (x > 0f) {
                y = x;
            }
        }
        return y;
    }

    /** An elementwise function by its ordinal. */
    static float saeApply(float x, int function) {
        float y = x;
        if (function == 1) {
            y = saePositive(x);
            if (x != x) {
                y = x;
            }
        } else if (function == 2) {
            y = x * saeNormal(x);
        } else if (function == 3) {
            float inner = ROOT_TWO_OVER_PI * (x + 0.044715f * x * x * x);
            y = 0.5f * x * (1f + TornadoMath.tanh(inner));
        }
        return y;
    }

    /**
     * The normal distribution's Phi(x), by the complement of the error function (Abramowitz and Stegun 7.1.26), exact in the lower
     * tail.
     */
    static float saeNormal(float x) {
        float z = TornadoMath.abs(x) * HALF_ROOT;
        float t = 1f / (1f + 0.3275911f * z);
        float polynomial = (((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f;
        float tail = 0.5f * polynomial * t * TornadoMath.exp(-z * z);
        float phi = 1f - tail;
        if (x < 0f) {
            phi = tail;
        }
        return phi;
    }

    public static void saeGather(KernelContext c, IntArray indices, FloatArray table, FloatArray out, int cols, int count) {
        int i = c.globalIdx;
        if (i < count) {
            int row = i / cols;
            out.set(i, table.get(indices.get(row) * cols + i - row * cols));
        }
    }

    public static void saeAdd(KernelContext c, FloatArray a, FloatArray b, float scale, FloatArray out, int cols, int broadcast,
            int count) {
        int i = c.globalIdx;
        if (i < count) {
            int at = i;
            if (broadcast == 1) {
                at = i - i / cols * cols;
            }
            out.set(i, a.get(i) + scale * b.get(at));
        }
    }

    public static void saeAddInPlace(KernelContext c, FloatArray a, FloatArray b, float scale, int cols, int broadcast, int count) {
        int i = c.globalIdx;
        if (i < count) {
            int at = i;
            if (broadcast == 1) {
                at = i - i / cols * cols;
            }
            a.set(i, a.get(i) + scale * b.get(at));
        }
    }

    public static void saeMap(KernelContext c, FloatArray x, FloatArray out, int function, int count) {
        int i = c.globalIdx;
        if (i < count) {
            out.set(i, saeApply(x.get(i), function));
        }
    }

    public static void saeMapInPlace(KernelContext c, FloatArray x, int function, int count) {
        int i = c.globalIdx;
        if (i < count) {
            x.set(i, saeApply(x.get(i), function));
        }
    }

    public static void saeExp(KernelContext c, FloatArray x, FloatArray out, int count) {
        int i = c.globalIdx;
        if (i < count) {
            out.set(i, TornadoMath.exp(x.get(i)));
        }
    }

    public static void saeScale(KernelContext c, FloatArray x, float factor, FloatArray out, int count) {
        int i = c.globalIdx;
        if (i < count) {
            out.set(i, factor * x.get(i));
        }
    }

    public static void saeMultiply(KernelContext c, FloatArray a, FloatArray b, FloatArray out, int count) {
        int i = c.globalIdx;
        if (i < count) {
            out.set(i, a.get(i) * b.get(i));
        }
    }

    public static void saeExceeds(KernelContext c, FloatArray x, float limit, FloatArray out, int count) {
        int i = c.globalIdx;
        if (i < count) {
            float v = x.get(i);
            float y = 0f;
            if (v == v) {
                if (v > limit) {
                    y = 1f;
                }
            }
            out.set(i, y);
        }
    }

    public static void saePatch(KernelContext c, FloatArray target, IntArray rows, FloatArray values, int cols, int add, int count) {
        int i = c.globalIdx;
        if (i < count) {
            int entry = i / cols;
            int row = rows.get(entry);
            if (row >= 0) {
                int at = row * cols + i - entry * cols;
                float v = values.get(i);
                if (add == 1) {
                    v += target.get(at);
                }
                target.set(at, v);
            }
        }
    }

    /** One thread a score: {@code count = batch * heads * t * t}. */
    public static void saeScores(KernelContext c, FloatArray q, FloatArray k, FloatArray out, int heads, int t, int dHead, float scale,
            int count) {
        int at = c.globalIdx;
        if (at < count) {
            int row = at / t;
            int j = at - row * t;
            int sequenceHead = row / t;
            int i = row - sequenceHead * t;
            int sequence = sequenceHead / heads;
            int first = (sequenceHead - sequence * heads) * dHead;
            int cols = heads * dHead;
            float score = Float.NEGATIVE_INFINITY;
            if (j <= i) {
                float sum = 0f;
                int qAt = (sequence * t + i) * cols + first;
                int kAt = (sequence * t + j) * cols + first;
                for (int e = 0; e < dHead; e++) {
                    sum += q.get(qAt + e) * k.get(kAt + e);
                }
                score = sum * scale;
            }
            out.set(at, score);
        }
    }

    /** One thread an element of the output: {@code count = batch * t * heads * dHead}. */
    public static void saeMix(KernelContext c, FloatArray pattern, FloatArray v, FloatArray out, int heads, int t, int dHead, int count) {
        int at = c.globalIdx;
        if (at < count) {
            int cols = heads * dHead;
            int row = at / cols;
            int column = at - row * cols;
            int sequence = row / t;
            int patternAt = ((sequence * heads + column / dHead) * t + row - sequence * t) * t;
            float sum = 0f;
            for (int j = 0; j < t; j++) {
                sum += pattern.get(patternAt + j) * v.get((sequence * t + j) * cols + column);
            }
            out.set(at, sum);
        }
    }

    /** What Adam's step needs once: the learning rate over the first bias correction, and one over the root of the second. */
    public static void saeAdamScales(KernelContext c, FloatArray hyper, FloatArray scales) {
        int i = c.globalIdx;
        if (i < 1) {
            double beta1 = hyper.get(1);
            double beta2 = hyper.get(2);
            double adamStep = hyper.get(4);
            double first = 1.0 - TornadoMath.pow(beta1, adamStep);
            double second = 1.0 - TornadoMath.pow(beta2, adamStep);
            scales.set(0, (float) (hyper.get(0) / first));
            scales.set(1, (float) (1.0 / TornadoMath.sqrt(second)));
        }
    }

    public static void saeAdam(KernelContext c, FloatArray w, FloatArray gradient, FloatArray m, FloatArray v, FloatArray hyper,
            FloatArray scales, int count) {
        int i = c.globalIdx;
        if (i < count) {
            float beta1 = hyper.get(1);
            float beta2 = hyper.get(2);
            float g = gradient.get(i);
            float mean = beta1 * m.get(i) + (1f - beta1) * g;
            float square = beta2 * v.get(i) + (1f - beta2) * g * g;
            m.set(i, mean);
            v.set(i, square);
            w.set(i, w.get(i) - scales.get(0) * mean / (TornadoMath.sqrt(square) * scales.get(1) + hyper.get(3)));
        }
    }

    /** Answers with the number of the run: shows that the device still works. */
    public static void saeHeartbeat(KernelContext c, IntArray tick, IntArray status) {
        int i = c.globalIdx;
        if (i < 1) {
            status.set(0, tick.get(0));
        }
    }
}
