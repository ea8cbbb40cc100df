package org.sae4j.engine.tornado.internal;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * Kernels over sparse rows: row b has {@code counts[b]} entries from {@code b * stride} on. What sums over rows owns a column each and goes
 * through its entries in the order of the rows, so sums are free of races and in a fixed order: {@code starts[i]} to {@code starts[i + 1]}
 * of {@code entries} are the positions of column i.
 */
final class SparseKernels {
    private SparseKernels() {}

    /** The position of a column among the ascending columns of a row, or -1. */
    private static int saeFind(IntArray columns, int from, int to, int column) {
        int low = from;
        int high = to;
        while (low < high) {
            int middle = low + (high - low) / 2;
            if (columns.get(middle) < column) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        int found = -1;
        if (low < to) {
            if (columns.get(low) == column) {
                found = low;
            }
        }
        return found;
    }

    /** One thread a column: the number of its entries. */
    public static void saeColumnCounts(KernelContext c, IntArray counts, IntArray columns, IntArray columnCounts, int rows, int stride,
            int cols) {
        int column = c.globalIdx;
        if (column < cols) {
            int n = 0;
            for (int row = 0; row < rows; row++) {
                int from = row * stride;
                int to = from + TornadoMath.min(counts.get(row), stride);
                if (saeFind(columns, from, to, column) >= 0) {
                    n++;
                }
            }
            columnCounts.set(column, n);
        }
    }

    /** One group: where each column starts. */
    public static void saeColumnStarts(KernelContext c, IntArray columnCounts, IntArray starts, int cols, int threads) {
        int t = c.localIdx;
        int[] sums = c.allocateIntLocalArray(threads);
        int run = (cols + threads - 1) / threads;
        int from = t * run;
        int to = TornadoMath.min(from + run, cols);
        int mine = 0;
        for (int i = from; i < to; i++) {
            mine += columnCounts.get(i);
        }
        sums[t] = mine;
        c.localBarrier();
        int at = 0;
        for (int before = 0; before < t; before++) {
            at += sums[before];
        }
        for (int i = from; i < to; i++) {
            starts.set(i, at);
            at += columnCounts.get(i);
        }
        if (t == threads - 1) {
            starts.set(cols, at);
        }
    }

    /** One thread a column: the positions of its entries, by ascending row. */
    public static void saeColumnEntries(KernelContext c, IntArray counts, IntArray columns, IntArray starts, IntArray entries, int rows,
            int stride, int cols) {
        int column = c.globalIdx;
        if (column < cols) {
            int at = starts.get(column);
            for (int row = 0; row < rows; row++) {
                int from = row * stride;
                int to = from + TornadoMath.min(counts.get(row), stride);
                int found = saeFind(columns, from, to, column);
                if (found >= 0) {
                    entries.set(at, found);
                    at++;
                }
            }
        }
    }

    /** One group: the largest count of entries that a row wants to hold. */
    public static void saeLargestCount(KernelContext c, IntArray counts, IntArray largest, int rows, int threads) {
        int t = c.localIdx;
        int[] s = c.allocateIntLocalArray(threads);
        int mine = 0;
        for (int row = t; row < rows; row += threads) {
            mine = TornadoMath.max(mine, counts.get(row));
        }
        s[t] = mine;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] = TornadoMath.max(s[t], s[t + stride]);
            }
        }
        c.localBarrier();
        if (t == 0) {
            largest.set(0, s[0]);
        }
    }

    public static void saeDecode(KernelContext c, IntArray counts, IntArray columns, FloatArray values, FloatArray w, FloatArray bias,
            FloatArray out, int d, int stride, int hasBias, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        int from = row * stride;
        int to = from + TornadoMath.min(counts.get(row), stride);
        for (int j = t; j < d; j += threads) {
            float sum = 0f;
            for (int e = from; e < to; e++) {
                sum += values.get(e) * w.get(columns.get(e) * d + j);
            }
            if (hasBias == 1) {
                sum += bias.get(j);
            }
            out.set(row * d + j, sum);
        }
    }

    /** The penalty is 0 for none, 1 for one per activation, 2 for one by the decoder row's norm. */
    public static void saeFeatureGradient(KernelContext c, IntArray counts, IntArray columns, FloatArray values, FloatArray g, FloatArray w,
            FloatArray norms, FloatArray hyper, FloatArray out, int d, int stride, int slot, int penalty, int exponential, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        int from = row * stride;
        int to = from + TornadoMath.min(counts.get(row), stride);
        for (int e = from + t; e < to; e += threads) {
            int column = columns.get(e);
            float sum = 0f;
            for (int j = 0; j < d; j++) {
                sum += g.get(row * d + j) * w.get(column * d + j);
            }
            if (penalty == 1) {
                sum += hyper.get(slot);
            }
            if (penalty == 2) {
                sum += hyper.get(slot) * norms.get(column);
            }
            if (exponential == 1) {
                sum *= values.get(e);
            }
            out.set(e, sum);
        }
    }

    public static void saeScaleColumns(KernelContext c, IntArray counts, IntArray columns, FloatArray values, FloatArray row,
            FloatArray out, int stride, int threads) {
        int b = c.groupIdx;
        int t = c.localIdx;
        int from = b * stride;
        int to = from + TornadoMath.min(counts.get(b), stride);
        for (int e = from + t; e < to; e += threads) {
            out.set(e, values.get(e) * row.get(columns.get(e)));
        }
    }

    public static void saeSparseOuter(KernelContext c, IntArray starts, IntArray entries, FloatArray values, FloatArray y, FloatArray out,
            int d, int stride, int accumulate, int threads) {
        int column = c.groupIdx;
        int t = c.localIdx;
        int from = starts.get(column);
        int to = starts.get(column + 1);
        for (int j = t; j < d; j += threads) {
            float sum = 0f;
            for (int e = from; e < to; e++) {
                int entry = entries.get(e);
                sum += values.get(entry) * y.get(entry / stride * d + j);
            }
            if (accumulate == 1) {
                sum += out.get(column * d + j);
            }
            out.set(column * d + j, sum);
        }
    }

    public static void saeSparseColumnSum(KernelContext c, IntArray starts, IntArray entries, FloatArray values, FloatArray out, int cols,
            int accumulate) {
        int column = c.globalIdx;
        if (column < cols) {
            double sum = 0.0;
            int to = starts.get(column + 1);
            for (int e = starts.get(column); e < to; e++) {
                sum += values.get(entries.get(e));
            }
            if (accumulate == 1) {
                sum += out.get(column);
            }
            out.set(column, (float) sum);
        }
    }

    /** One group a row: sums of |s| and of |s| times the decoder row's norm. */
    public static void saeSparsityRows(KernelContext c, IntArray counts, IntArray columns, FloatArray values, FloatArray norms,
            FloatArray sums, FloatArray weighted, int stride, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        double[] s = c.allocateDoubleLocalArray(threads);
        double[] u = c.allocateDoubleLocalArray(threads);
        int from = row * stride;
        int to = from + TornadoMath.min(counts.get(row), stride);
        double sum = 0.0;
        double weightedSum = 0.0;
        for (int e = from + t; e < to; e += threads) {
            double size = TornadoMath.abs(values.get(e));
            sum += size;
            weightedSum += size * norms.get(columns.get(e));
        }
        s[t] = sum;
        u[t] = weightedSum;
        for (int reach = threads / 2; reach > 0; reach >>= 1) {
            c.localBarrier();
            if (t < reach) {
                s[t] += s[t + reach];
                u[t] += u[t + reach];
            }
        }
        c.localBarrier();
        if (t == 0) {
            sums.set(row, (float) s[0]);
            weighted.set(row, (float) u[0]);
        }
    }

    /** One group: the three sums over all rows. */
    public static void saeSparsityTotal(KernelContext c, IntArray counts, FloatArray sums, FloatArray weighted, FloatArray out, int rows,
            int threads) {
        int t = c.localIdx;
        double[] n = c.allocateDoubleLocalArray(threads);
        double[] s = c.allocateDoubleLocalArray(threads);
        double[] u = c.allocateDoubleLocalArray(threads);
        double entries = 0.0;
        double sum = 0.0;
        double weightedSum = 0.0;
        for (int row = t; row < rows; row += threads) {
            entries += counts.get(row);
            sum += sums.get(row);
            weightedSum += weighted.get(row);
        }
        n[t] = entries;
        s[t] = sum;
        u[t] = weightedSum;
        for (int reach = threads / 2; reach > 0; reach >>= 1) {
            c.localBarrier();
            if (t < reach) {
                n[t] += n[t + reach];
                s[t] += s[t + reach];
                u[t] += u[t + reach];
            }
        }
        c.localBarrier();
        if (t == 0) {
            out.set(0, (float) n[0]);
            out.set(1, (float) s[0]);
            out.set(2, (float) u[0]);
        }
    }

    /** One group a column; each thread adds up the column's activations for itself. */
    public static void saeDecoderNormGradient(KernelContext c, IntArray starts, IntArray entries, FloatArray values, FloatArray w,
            FloatArray norms, FloatArray hyper, FloatArray gradient, int d, int slot, int threads) {
        int column = c.groupIdx;
        int t = c.localIdx;
        double sum = 0.0;
        int to = starts.get(column + 1);
        for (int e = starts.get(column); e < to; e++) {
            sum += TornadoMath.abs(values.get(entries.get(e)));
        }
        float norm = norms.get(column);
        float factor = 0f;
        if (norm > 0f) {
            factor = (float) (hyper.get(slot) * sum / norm);
        }
        for (int j = t; j < d; j += threads) {
            int at = column * d + j;
            gradient.set(at, gradient.get(at) + factor * w.get(at));
        }
    }

    public static void saeTrackFiring(KernelContext c, IntArray starts, FloatArray since, int cols, int rows) {
        int column = c.globalIdx;
        if (column < cols) {
            float age = 0f;
            if (starts.get(column + 1) == starts.get(column)) {
                age = since.get(column) + rows;
            }
            since.set(column, age);
        }
    }
}
