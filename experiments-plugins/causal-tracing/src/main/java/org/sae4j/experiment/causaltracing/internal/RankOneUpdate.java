package org.sae4j.experiment.causaltracing.internal;

import org.sae4j.api.Sae4jException;

/**
 * The update of a linear map {@code v = W k} that sends one key to a new value and disturbs others least (Meng et al. 2022):
 * {@code W' = W + Lambda (C^-1 k)^T} with {@code Lambda = (v - W k) / ((C^-1 k)^T k)}. In double precision.
 */
public final class RankOneUpdate {
    private RankOneUpdate() {}

    /**
     * Solves {@code C x = k} by Cholesky's decomposition.
     *
     * @param covariance a symmetric positive definite matrix, whose lower triangle is read
     * @param key the right-hand side
     * @return x
     * @throws Sae4jException if the matrix is not positive definite
     */
    public static double[] solve(double[][] covariance, double[] key) {
        return new Cholesky(covariance).solve(key);
    }

    /**
     * How much of an update another key gets: {@code (W' - W) k} is this number times what the edited key gets.
     *
     * @param direction {@code C^-1 k*} of the edited key
     * @param edited k*
     * @param key k
     * @return {@code direction^T k / direction^T k*}
     */
    static double gain(double[] direction, double[] edited, double[] key) {
        double own = 0;
        double other = 0;
        for (int i = 0; i < key.length; i++) {
            own += direction[i] * edited[i];
            other += direction[i] * key[i];
        }
        return other / own;
    }

    /**
     * The updated map, for weights that are stored as {@code v = k M}, M being the transpose of W.
     *
     * @param weights M, by input and output
     * @param direction {@code C^-1 k}, see {@link #solve}; k itself for C = I
     * @param key k
     * @param value v, without the bias
     * @return M'
     * @throws Sae4jException if the key is zero
     */
    public static double[][] apply(double[][] weights, double[] direction, double[] key, double[] value) {
        double product = 0;
        double[] gap = value.clone();
        for (int i = 0; i < key.length; i++) {
            product += direction[i] * key[i];
            for (int o = 0; o < gap.length; o++) {
                gap[o] -= key[i] * weights[i][o];
            }
        }
        if (!(product > 0)) {
            throw new Sae4jException("the key of an edit is zero", "rank-one edit", "choose another subject or layer");
        }
        double[][] updated = new double[weights.length][gap.length];
        for (int i = 0; i < key.length; i++) {
            for (int o = 0; o < gap.length; o++) {
                updated[i][o] = weights[i][o] + direction[i] / product * gap[o];
            }
        }
        return updated;
    }
}
