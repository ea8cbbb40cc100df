package org.sae4j.engine.tornado.internal;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.math.TornadoMath;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * From dense rows to sparse rows. One group writes the entries of one row: each of its threads counts what it keeps of its own run of
 * columns, and then writes it behind what the threads before it keep. So columns ascend, and nothing depends on the order of execution.
 *
 * <p>A row has room for {@code stride} entries. A row that keeps more writes none beyond, but says in {@code counts} how many there are.
 */
@SuppressWarnings("IdentityBinaryExpression")
final class SelectKernels {
    private SelectKernels() {}

    /** The ordinals of the rules that look at one entry alone. */
    static final int RELU = 0;
    static final int JUMP_RELU = 3;
    static final int WINDOW = 4;
    static final int EXP = 5;

    private static int saeKept(float v, float threshold, float width, int rule) {
        int kept = 0;
        if (rule == 5) {
            kept = 1;
        } else if (rule == 4) {
            double distance = (double) v - (double) threshold;
            if (distance < 0.0) {
                distance = -distance;
            }
            if (distance == distance) {
                if (distance < 0.5 * width) {
                    kept = 1;
                }
            }
        } else if (ElementKernels.saePositive(v) > 0f) {
            kept = 1;
            if (rule == 3 && v <= threshold) {
                kept = 0;
            }
        }
        return kept;
    }

    public static void saeKeep(KernelContext c, FloatArray pre, FloatArray threshold, FloatArray mask, IntArray counts, IntArray columns,
            FloatArray values, int cols, int stride, int rule, float width, int hasMask, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        int[] kept = c.allocateIntLocalArray(threads);
        int run = (cols + threads - 1) / threads;
        int from = t * run;
        int to = TornadoMath.min(from + run, cols);
        int mine = 0;
        for (int i = from; i < to; i++) {
            int keep = 1;
            if (hasMask == 1 && mask.get(i) == 0f) {
                keep = 0;
            }
            float limit = 0f;
            if (rule == 3 || rule == 4) {
                limit = threshold.get(i);
            }
            if (keep == 1) {
                mine += saeKept(pre.get(row * cols + i), limit, width, rule);
            }
        }
        kept[t] = mine;
        c.localBarrier();
        int at = 0;
        for (int before = 0; before < t; before++) {
            at += kept[before];
        }
        for (int i = from; i < to; i++) {
            int keep = 1;
            if (hasMask == 1 && mask.get(i) == 0f) {
                keep = 0;
            }
            float limit = 0f;
            if (rule == 3 || rule == 4) {
                limit = threshold.get(i);
            }
            float v = pre.get(row * cols + i);
            if (keep == 1 && saeKept(v, limit, width, rule) == 1) {
                if (at < stride) {
                    columns.set(row * stride + at, i);
                    if (rule == 5) {
                        v = TornadoMath.exp(v);
                    }
                    values.set(row * stride + at, v);
                }
                at++;
            }
        }
        if (t == threads - 1) {
            counts.set(row, at);
        }
    }

    public static void saeKeepGated(KernelContext c, FloatArray pre, FloatArray bGate, FloatArray rMag, FloatArray bMag, IntArray counts,
            IntArray columns, FloatArray values, int cols, int stride, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        int[] kept = c.allocateIntLocalArray(threads);
        int run = (cols + threads - 1) / threads;
        int from = t * run;
        int to = TornadoMath.min(from + run, cols);
        int mine = 0;
        for (int i = from; i < to; i++) {
            float v = pre.get(row * cols + i);
            float magnitude = (v - bGate.get(i)) * TornadoMath.exp(rMag.get(i)) + bMag.get(i);
            if (ElementKernels.saePositive(v) > 0f && ElementKernels.saePositive(magnitude) > 0f) {
                mine++;
            }
        }
        kept[t] = mine;
        c.localBarrier();
        int at = 0;
        for (int before = 0; before < t; before++) {
            at += kept[before];
        }
        for (int i = from; i < to; i++) {
            float v = pre.get(row * cols + i);
            float magnitude = (v - bGate.get(i)) * TornadoMath.exp(rMag.get(i)) + bMag.get(i);
            if (ElementKernels.saePositive(v) > 0f && ElementKernels.saePositive(magnitude) > 0f) {
                if (at < stride) {
                    columns.set(row * stride + at, i);
                    values.set(row * stride + at, magnitude);
                }
                at++;
            }
        }
        if (t == threads - 1) {
            counts.set(row, at);
        }
    }

    /** An eligible positive entry itself; 0 for others. */
    private static float saeKey(FloatArray pre, FloatArray mask, int at, int column, int hasMask) {
        float key = ElementKernels.saePositive(pre.get(at));
        if (hasMask == 1 && mask.get(column) == 0f) {
            key = 0f;
        }
        return key;
    }

    /**
     * For each row the limit that its k largest entries exceed, and how many entries equal to the limit belong to them too: bisection from
     * the largest entry down, until exactly k entries are above, or no number lies between the bounds.
     */
    public static void saeRowLimits(KernelContext c, FloatArray pre, FloatArray mask, FloatArray limits, IntArray quotas, int cols, int k,
            int hasMask, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        int[] s = c.allocateIntLocalArray(threads);
        float[] largest = c.allocateFloatLocalArray(threads);
        int mine = 0;
        float most = 0f;
        for (int i = t; i < cols; i += threads) {
            float key = saeKey(pre, mask, row * cols + i, i, hasMask);
            if (key > 0f) {
                mine++;
            }
            if (key > most) {
                most = key;
            }
        }
        s[t] = mine;
        largest[t] = most;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
                if (largest[t + stride] > largest[t]) {
                    largest[t] = largest[t + stride];
                }
            }
        }
        c.localBarrier();
        int positive = s[0];
        float low = 0f;
        float high = largest[0];
        c.localBarrier();
        int highCount = 0;
        float limit = 0f;
        int quota = 0;
        int searching = 0;
        if (positive > k) {
            searching = 1;
        }
        while (searching == 1) {
            float middle = low + 0.5f * (high - low);
            if (high > Float.MAX_VALUE && low < Float.MAX_VALUE) {
                middle = Float.MAX_VALUE;
            }
            int above = 0;
            for (int i = t; i < cols; i += threads) {
                if (saeKey(pre, mask, row * cols + i, i, hasMask) > middle) {
                    above++;
                }
            }
            s[t] = above;
            for (int stride = threads / 2; stride > 0; stride >>= 1) {
                c.localBarrier();
                if (t < stride) {
                    s[t] += s[t + stride];
                }
            }
            c.localBarrier();
            int count = s[0];
            c.localBarrier();
            int between = 1;
            if (middle == low || middle == high) {
                between = 0;
            }
            if (between == 1) {
                if (count > k) {
                    low = middle;
                } else {
                    high = middle;
                    highCount = count;
                }
            }
            if (between == 0 || count == k) {
                searching = 0;
                limit = high;
                quota = k - highCount;
            }
        }
        if (t == 0) {
            limits.set(row, limit);
            quotas.set(row, quota);
        }
    }

    /** Keeps the entries above the row's limit, and the first of those equal to it. */
    public static void saeKeepTop(KernelContext c, FloatArray pre, FloatArray mask, FloatArray limits, IntArray quotas, IntArray counts,
            IntArray columns, FloatArray values, int cols, int stride, int hasMask, int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        int[] kept = c.allocateIntLocalArray(threads);
        int[] equal = c.allocateIntLocalArray(threads);
        float limit = limits.get(row);
        int quota = quotas.get(row);
        int run = (cols + threads - 1) / threads;
        int from = t * run;
        int to = TornadoMath.min(from + run, cols);
        int above = 0;
        int ties = 0;
        for (int i = from; i < to; i++) {
            float key = saeKey(pre, mask, row * cols + i, i, hasMask);
            if (key > limit) {
                above++;
            }
            if (key == limit && key > 0f) {
                ties++;
            }
        }
        kept[t] = above;
        equal[t] = ties;
        c.localBarrier();
        int aboveBefore = 0;
        int tiesBefore = 0;
        for (int before = 0; before < t; before++) {
            aboveBefore += kept[before];
            tiesBefore += equal[before];
        }
        int at = aboveBefore + TornadoMath.min(tiesBefore, quota);
        int tie = tiesBefore;
        for (int i = from; i < to; i++) {
            float key = saeKey(pre, mask, row * cols + i, i, hasMask);
            int keep = 0;
            if (key > limit) {
                keep = 1;
            }
            if (key == limit && key > 0f) {
                if (tie < quota) {
                    keep = 1;
                }
                tie++;
            }
            if (keep == 1) {
                if (at < stride) {
                    columns.set(row * stride + at, i);
                    values.set(row * stride + at, pre.get(row * cols + i));
                }
                at++;
            }
        }
        if (t == threads - 1) {
            counts.set(row, at);
        }
    }

    /**
     * Counts, for each thread apart, the entries within bounds by the digit they have there. The first digit is the exponent:
     * {@code powers} holds the least number of each. Later ones divide {@code bounds}, a number and the distance to the next, into equal
     * parts; all of it is exact, since the parts are powers of two.
     */
    public static void saeBatchHistogram(KernelContext c, FloatArray pre, FloatArray mask, FloatArray powers, FloatArray bounds,
            IntArray histogram, int cols, int count, int allThreads, int digits, int first, int hasMask) {
        int g = c.globalIdx;
        if (g < allThreads) {
            float low = 0f;
            float width = 0f;
            if (first == 0) {
                low = bounds.get(0);
                width = bounds.get(1);
            }
            for (int digit = 0; digit < digits; digit++) {
                histogram.set(g * digits + digit, 0);
            }
            for (int i = g; i < count; i += allThreads) {
                float key = saeKey(pre, mask, i, i - i / cols * cols, hasMask);
                int digit = -1;
                if (first == 1) {
                    if (key > 0f) {
                        int below = 0;
                        int above = digits;
                        while (above - below > 1) {
                            int middle = (below + above) / 2;
                            if (powers.get(middle) <= key) {
                                below = middle;
                            } else {
                                above = middle;
                            }
                        }
                        digit = below;
                    }
                } else if (key > 0f && key == low) {
                    digit = 0;
                } else if (key > 0f && key >= low && key < low + width) {
                    digit = (int) (((double) key - (double) low) / ((double) width / (double) digits));
                }
                if (digit >= 0) {
                    int at = g * digits + digit;
                    histogram.set(at, histogram.get(at) + 1);
                }
            }
        }
    }

    /**
     * One group of a thread for each digit: picks the digit in which the last wanted entry lies. {@code bounds} become those of the digit,
     * and {@code state} how many entries within them are wanted, and whether everything is kept since there are not more than wanted.
     */
    public static void saeBatchPick(KernelContext c, FloatArray powers, IntArray histogram, FloatArray bounds, IntArray state,
            int allThreads, int digits, int first, int wanted) {
        int t = c.localIdx;
        int[] sums = c.allocateIntLocalArray(digits);
        int sum = 0;
        for (int g = 0; g < allThreads; g++) {
            sum += histogram.get(g * digits + t);
        }
        sums[t] = sum;
        c.localBarrier();
        if (t == 0) {
            int remaining = wanted;
            int everything = 0;
            if (first == 0) {
                remaining = state.get(0);
                everything = state.get(1);
            }
            int picked = -1;
            for (int digit = digits - 1; digit >= 0; digit--) {
                if (picked < 0) {
                    if (sums[digit] >= remaining) {
                        picked = digit;
                    } else {
                        remaining -= sums[digit];
                    }
                }
            }
            if (picked < 0) {
                everything = 1;
                picked = 0;
            }
            float low = powers.get(picked);
            float width = low;
            if (first == 1) {
                if (picked == 0) {
                    width = powers.get(1);
                }
                // Infinity has no next number.
                if (low > Float.MAX_VALUE) {
                    width = 0f;
                }
            } else {
                width = bounds.get(1) / digits;
                low = bounds.get(0) + picked * width;
            }
            bounds.set(0, low);
            bounds.set(1, width);
            state.set(0, remaining);
            state.set(1, everything);
        }
    }

    /** One group a row: how many entries equal the limit of the batch. */
    public static void saeRowTies(KernelContext c, FloatArray pre, FloatArray mask, FloatArray bounds, IntArray ties, int cols, int hasMask,
            int threads) {
        int row = c.groupIdx;
        int t = c.localIdx;
        int[] s = c.allocateIntLocalArray(threads);
        float limit = bounds.get(0);
        int mine = 0;
        for (int i = t; i < cols; i += threads) {
            if (saeKey(pre, mask, row * cols + i, i, hasMask) == limit) {
                mine++;
            }
        }
        s[t] = mine;
        for (int stride = threads / 2; stride > 0; stride >>= 1) {
            c.localBarrier();
            if (t < stride) {
                s[t] += s[t + stride];
            }
        }
        c.localBarrier();
        if (t == 0) {
            ties.set(row, s[0]);
        }
    }

    /** One thread: gives the batch's ties to the first rows. */
    public static void saeBatchQuotas(KernelContext c, IntArray ties, FloatArray bounds, IntArray state, FloatArray limits, IntArray quotas,
            int rows) {
        int i = c.globalIdx;
        if (i < 1) {
            float limit = bounds.get(0);
            int remaining = state.get(0);
            if (state.get(1) == 1) {
                limit = 0f;
                remaining = 0;
            }
            for (int row = 0; row < rows; row++) {
                int quota = TornadoMath.min(ties.get(row), remaining);
                remaining -= quota;
                limits.set(row, limit);
                quotas.set(row, quota);
            }
        }
    }
}
