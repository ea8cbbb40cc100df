package org.sae4j.engine.cpu.internal.kernels;

import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;

/**
 * The inner loops. Arguments are arrays with the position of the first element; nothing is checked beyond Java's own range checks.
 *
 * <p>Products ({@link #tile}, {@link #row}, {@link #weightedSum}) are fused multiply-adds in ascending order of the reduction index, one
 * accumulator for each result and {@linkplain Reduction#DEPTH block of the reduction}, which begins at zero and is then added, in every
 * implementation: their bits depend on nothing but the operands, and rounding errors grow with the block, not with the reduction. Other
 * reductions may use as many accumulators as an implementation likes, but fixed ones.
 */
public interface Kernels {
    /** A product replaces the result. */
    int SET = 0;
    /** A product, begun at zero, is added to the result. */
    int ADD = 1;
    /** The result is where a product begins: a chain goes on that another call began. */
    int CONTINUE = 2;

    /** Entries that {@link #above} may overwrite behind its result. */
    int ROOM = 16;

    /** {@return what is used, for people} */
    String description();

    /** {@return the loops over rows of weights that are read where they lie} */
    RowKernels rows();

    /** {@return columns of a packed panel of the right operand} */
    int panelWidth();

    /** {@return rows of a full packed panel of the left operand: 12 or 4} */
    int groupRows();

    /**
     * {@code c = a b} or {@code c += a b} for one packed panel of each operand, at most a block of the reduction long.
     *
     * @param rows 12, 4 or 1
     * @param depth length of the reduction
     * @param a {@code a[k * rows + r]}
     * @param b {@code b[k * panelWidth + j]}
     * @param c result, rows of panelWidth elements
     * @param at first element of c
     * @param stride distance of rows in c
     * @param mode {@link #SET}, {@link #ADD} or {@link #CONTINUE}
     */
    void tile(int rows, int depth, float[] a, float[] b, float[] c, int at, int stride, int mode);

    /** As {@link #tile} for one row and four neighbouring panels: one row by one panel has too few sums to fill the pipelines. */
    void row(int depth, float[] a, float[] b0, float[] b1, float[] b2, float[] b3, float[] c, int at, int mode);

    /** {@code out = f(x)}. */
    void apply(Op.Function f, float[] x, int xAt, float[] out, int outAt, int n);

    /** {@code out = f'(x) g}; {@code out} may be {@code g}. */
    void slope(Op.Function f, float[] x, int xAt, float[] g, int gAt, float[] out, int outAt, int n);

    /** {@code out = (g - mean) y}; {@code out} may be {@code g}. */
    void softmaxGradient(float[] y, int yAt, float[] g, int gAt, float mean, float[] out, int outAt, int n);

    /** {@code out = g - exp(y) sum}; {@code out} may be {@code g}. */
    void logSoftmaxGradient(float[] y, int yAt, float[] g, int gAt, float sum, float[] out, int outAt, int n);

    /** {@code c = f(c + bias)}; no bias if null. */
    void finish(Op.Function f, float[] c, int at, float @Nullable [] bias, int biasAt, int n);

    /** {@code out = a + scale b}. */
    void add(float[] a, int aAt, float[] b, int bAt, float scale, float[] out, int outAt, int n);

    /** {@code out = a * b}. */
    void multiply(float[] a, int aAt, float[] b, int bAt, float[] out, int outAt, int n);

    /** {@code x *= factor}. */
    void scale(float[] x, int at, float factor, int n);

    /** {@code out = x > limit ? 1 : 0}. */
    void exceeds(float[] x, int xAt, float limit, float[] out, int outAt, int n);

    /** {@return the sum, in double precision} */
    double sum(float[] x, int at, int n);

    /** {@return the inner product, in double precision} */
    double dot(float[] a, int aAt, float[] b, int bAt, int n);

    /** {@return the sum of {@code (x - mean)^2}, in double precision} */
    double deviation(float[] x, int at, double mean, int n);

    /** {@return the inner product, in single precision with at least 4 accumulators} */
    float product(float[] a, int aAt, float[] b, int bAt, int n);

    /** {@code out = (x - mean) / deviation * weight + bias}. */
    void normalize(float[] x, int xAt, double mean, double deviation, float[] weight, float[] bias, float[] out, int outAt, int n);

    /**
     * {@code out = softmax(x)}. Appending -infinity to x changes no bit of the other results. A row without a finite maximum becomes NaN.
     */
    void softmax(float[] x, int xAt, float[] out, int outAt, int n);

    /**
     * {@code out = (accumulate ? out : 0) + sum of values[e] * table[rows[e]]} over e from {@code from} to
     * {@code to - 1}, by ascending e. The rows, ascending, are the reduction index.
     *
     * @param values factor of each e
     * @param rows row of each e
     * @param from first e
     * @param to after the last e
     * @param table matrix whose rows are added
     * @param stride distance of its rows
     * @param column first column that is added
     * @param out result
     * @param at first element of the result
     * @param width number of columns
     * @param accumulate whether to add to the result
     */
    void weightedSum(float[] values, int[] rows, int from, int to, float[] table, int stride, int column, float[] out, int at, int width,
            boolean accumulate);

    /**
     * Appends the entries greater than {@code floor}, in order.
     *
     * @return the position after the last appended; both arrays need room for n + {@link #ROOM} entries from {@code to} on
     */
    int above(float[] x, int at, int n, float floor, int[] columns, float[] values, int to);

    /** Adam on {@code n} elements from {@code at} on, with gradients from {@code gAt} on. */
    void adam(float[] w, float[] m, float[] v, int at, float[] g, int gAt, int n, AdamFactors factors);

    /** What one step of Adam needs besides its arrays, the same for every element. */
    final class AdamFactors {
        /** {@code 1 - beta1}. */
        public float gain1;
        /** Decay of the second moment. */
        public float beta2;
        /** {@code 1 - beta2}. */
        public float gain2;
        /** {@code lr / (1 - beta1^t)}. */
        public float stepSize;
        /** {@code 1 / sqrt(1 - beta2^t)}. */
        public float inverseRoot;
        /** Added to the denominator. */
        public float epsilon;

        /** The factors of step {@code t} from 1, in double precision until the end. */
        public void set(double rate, double beta1, double secondDecay, double least, double t) {
            gain1 = (float) (1 - beta1);
            beta2 = (float) secondDecay;
            gain2 = (float) (1 - secondDecay);
            stepSize = (float) (rate / (1 - Math.pow(beta1, t)));
            inverseRoot = (float) (1 / Math.sqrt(1 - Math.pow(secondDecay, t)));
            epsilon = (float) least;
        }
    }
}
