package org.sae4j.core.internal.format;

import org.sae4j.api.Tensor;

/** The Euclidean norms of a decoder's rows. */
public final class DecoderNorms {
    /** How far from 1 float32 takes rows that were divided by their norm. */
    private static final double TOLERANCE = 1e-6;

    private DecoderNorms() {}

    /**
     * The norms.
     *
     * @param decoder {@code W_dec} [d_sae, d_out]
     * @return one norm for each row
     */
    public static double[] of(Tensor decoder) {
        double[] norms = new double[decoder.dim(0)];
        for (int row = 0; row < norms.length; row++) {
            double sum = 0;
            for (float value : decoder.row(row)) {
                sum += (double) value * value;
            }
            norms[row] = Math.sqrt(sum);
        }
        return norms;
    }

    /**
     * Whether all norms are 1 but for rounding.
     *
     * @param decoder {@code W_dec} [d_sae, d_out]
     * @return whether
     */
    public static boolean areOne(Tensor decoder) {
        for (double norm : of(decoder)) {
            if (!(Math.abs(norm - 1) <= TOLERANCE)) {
                return false;
            }
        }
        return true;
    }
}
