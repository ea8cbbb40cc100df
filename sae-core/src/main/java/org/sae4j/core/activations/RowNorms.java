package org.sae4j.core.activations;

import java.util.stream.IntStream;

/**
 * Euclidean norms of rows, to see which of them are far larger than the others. In language models the first position and some rare tokens
 * behind it can have a hundred times the norm of the rest ("massive activations", Sun et al. 2024): a few rows in ten thousand that carry
 * most of the variance. Immutable.
 */
public final class RowNorms {
    /**
     * How many times the median norm a row may have before it is left out, unless something else is asked for. At block 14 of
     * SmolLM2-135M, 44 of 169,500 rows lie beyond it, most of them at 150 times the median. The largest of 240,000 rows at hook points
     * without massive activations, those of MLP and attention layers of small models among them, has 4.3 times the median.
     */
    public static final double DEFAULT_MULTIPLE = 5;
    private static final int HALF = 16;

    private final float[] norms;

    /**
     * Takes norms that are known.
     *
     * @param norms one for each row, in order, at least one and none negative
     * @throws IllegalArgumentException if there is none, or one is negative or NaN
     */
    public RowNorms(float[] norms) {
        this.norms = norms.clone();
        for (float norm : norms) {
            if (!(norm >= 0)) {
                throw new IllegalArgumentException("a norm is at least 0, found " + norm);
            }
        }
        if (norms.length == 0) {
            throw new IllegalArgumentException("no row to take norms of");
        }
    }

    /**
     * The norm of one row.
     *
     * @param values holds the row
     * @param from index of its first value
     * @param width the row's length
     * @return the square root of the sum of squares, summed in double precision
     */
    public static float norm(float[] values, int from, int width) {
        double squares = 0;
        for (int i = from; i < from + width; i++) {
            squares += (double) values[i] * values[i];
        }
        return (float) Math.sqrt(squares);
    }

    /** {@return the number of rows} */
    public int rows() {
        return norms.length;
    }

    /** {@return the median norm, the lower of the two in the middle} */
    public float median() {
        return quantile(0.5);
    }

    /** {@return the largest norm} */
    public float max() {
        return quantile(1);
    }

    /**
     * A quantile of the norms: the smallest norm that at least this share of the rows does not exceed.
     *
     * @param share from 0 to 1
     * @return the norm
     * @throws IllegalArgumentException if the share is out of range
     */
    public float quantile(double share) {
        if (!(share >= 0 && share <= 1)) {
            throw new IllegalArgumentException("a share of rows is from 0 to 1, found " + share);
        }
        // Bits of floats that are not negative ascend as they do: first the upper half of the bits, then the lower half among those.
        long rank = Math.max(1, (long) Math.ceil(share * norms.length));
        int[] counts = new int[1 << HALF];
        for (float norm : norms) {
            counts[Float.floatToIntBits(norm) >>> HALF]++;
        }
        int upper = 0;
        while (rank > counts[upper]) {
            rank -= counts[upper++];
        }
        int[] within = new int[1 << HALF];
        for (float norm : norms) {
            int bits = Float.floatToIntBits(norm);
            if (bits >>> HALF == upper) {
                within[bits & within.length - 1]++;
            }
        }
        int lower = 0;
        while (rank > within[lower]) {
            rank -= within[lower++];
        }
        return Float.intBitsToFloat(upper << HALF | lower);
    }

    /**
     * The largest norm that is kept.
     *
     * @param multiple times the median, more than 0; positive infinity for no limit
     * @return the limit; positive infinity if there is none or the median is 0
     * @throws IllegalArgumentException if the multiple is not positive
     */
    public double limit(double multiple) {
        if (!(multiple > 0)) {
            throw new IllegalArgumentException("a multiple of the median norm is positive, found " + multiple);
        }
        float median = median();
        return median == 0 ? Double.POSITIVE_INFINITY : multiple * median;
    }

    /**
     * The rows that a limit leaves out.
     *
     * @param limit the largest norm that is kept, see {@link #limit}
     * @return their numbers, ascending
     */
    public int[] beyond(double limit) {
        return IntStream.range(0, norms.length).filter(row -> norms[row] > limit).toArray();
    }
}
