package org.sae4j.engine.tornado.internal;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** Squared errors and their gradients. */
@SuppressWarnings("IdentityBinaryExpression")
final class LossKernels {
    private LossKernels() {}

    /** One group a row: the summed squared error, and the norm of x. */
    public static void saeErrorRows(KernelContext c, FloatArray xHat, FloatArray x, FloatArray errors, FloatArray norms, int cols,
            int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double[] u = c.allocateDoubleLocalArray(threads);
        double errorPart = 0.0;
        double squarePart = 0.0;
        for (int i = t; i < cols; i += threads) {
            double value = x.get(row * cols + i);
            double error = xHat.get(row * cols + i) - value;
            errorPart += error * error;
            squarePart += value * value;
        }
        s[t] = errorPart;
        u[t] = squarePart;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
                u[t] += u[t + stride];
            }
        }
        c.localBarrier();
        if (t == 0) {
            errors.set(row, (float) s[0]);
            norms.set(row, (float) TornadoMath.sqrt(u[0]));
        }
    }

    /** One group a row: the summed squared distance from the mean. */
    public static void saeSpreadRows(KernelContext c, FloatArray x, FloatArray means, FloatArray spreads, int cols, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double part = 0.0;
        for (int i = t; i < cols; i += threads) {
            double distance = (double) x.get(row * cols + i) - means.get(i);
            part += distance * distance;
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
            spreads.set(row, (float) s[0]);
        }
    }

    /** One group: the loss, and the factor of the gradient. The reduction is its ordinal. */
    public static void saeErrorLoss(KernelContext c, FloatArray errors, FloatArray norms, FloatArray spreads, FloatArray loss,
            FloatArray factor, int rows, int cols, int reduction, float coefficient, int threads) {
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double[] u = c.allocateDoubleLocalArray(threads);
        double errorPart = 0.0;
        double spreadPart = 0.0;
        for (int i = t; i < rows; i += threads) {
            double error = errors.get(i);
            if (reduction == 2) {
                error = error / norms.get(i);
            }
            errorPart += error;
            spreadPart += spreads.get(i);
        }
        s[t] = errorPart;
        u[t] = spreadPart;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
                u[t] += u[t + stride];
            }
        }
        c.localBarrier();
        if (t == 0) {
            double divisor = (double) rows * cols;
            if (reduction == 0) {
                divisor = rows;
            }
            if (reduction == 3) {
                divisor = u[0];
            }
            float value = (float) (coefficient * s[0] / divisor);
            float weight = (float) (coefficient / divisor);
            int finite = 0;
            if (value == value) {
                if (TornadoMath.abs(value) <= Float.MAX_VALUE) {
                    finite = 1;
                }
            }
            if (reduction == 3 && finite == 0) {
                value = 0f;
                weight = 0f;
            }
            loss.set(0, value);
            factor.set(0, weight);
        }
    }

    public static void saeErrorGradient(KernelContext c, FloatArray xHat, FloatArray x, FloatArray norms, FloatArray factor,
            FloatArray gradient, int cols, int overNorm, int count) {
        int i = c.globalIdx;
        if (i < count) {
            float weight = 2f * factor.get(0);
            if (overNorm == 1) {
                weight = weight / norms.get(i / cols);
            }
            float slope = 0f;
            if (factor.get(0) != 0f) {
                slope = weight * (xHat.get(i) - x.get(i));
            }
            gradient.set(i, slope);
        }
    }

    /** One group a row: gradient of the ghost loss, and the row's part of the loss. */
    public static void saeGhostRows(KernelContext c, FloatArray ghost, FloatArray residual, FloatArray x, FloatArray gradient,
            FloatArray losses, int cols, int overNorm, float count, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double[] u = c.allocateDoubleLocalArray(threads);
        double[] v = c.allocateDoubleLocalArray(threads);
        double ghostPart = 0.0;
        double residualPart = 0.0;
        double inputPart = 0.0;
        for (int i = t; i < cols; i += threads) {
            double g = ghost.get(row * cols + i);
            double r = residual.get(row * cols + i);
            double z = x.get(row * cols + i);
            ghostPart += g * g;
            residualPart += r * r;
            inputPart += z * z;
        }
        s[t] = ghostPart;
        u[t] = residualPart;
        v[t] = inputPart;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
                u[t] += u[t + stride];
                v[t] += v[t + stride];
            }
        }
        c.localBarrier();
        double scale = TornadoMath.sqrt(u[0]) / (2.0 * TornadoMath.sqrt(s[0]) + 1e-6);
        double normalizer = 1.0;
        if (overNorm == 1) {
            normalizer = TornadoMath.sqrt(v[0]);
        }
        c.localBarrier();
        double lossPart = 0.0;
        for (int i = t; i < cols; i += threads) {
            double r = residual.get(row * cols + i);
            double error = ghost.get(row * cols + i) * scale - r;
            double factor = r * r / normalizer / (error * error + 1e-6);
            lossPart += factor * error * error;
            gradient.set(row * cols + i, (float) (2.0 * factor * error * scale / count));
        }
        s[t] = lossPart;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
            }
        }
        c.localBarrier();
        if (t == 0) {
            losses.set(row, (float) (s[0] / count));
        }
    }

    /** One group: the sum of x. */
    public static void saeTotal(KernelContext c, FloatArray x, FloatArray out, int count, int threads) {
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double part = 0.0;
        for (int i = t; i < count; i += threads) {
            part += x.get(i);
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
            out.set(0, (float) s[0]);
        }
    }
}
