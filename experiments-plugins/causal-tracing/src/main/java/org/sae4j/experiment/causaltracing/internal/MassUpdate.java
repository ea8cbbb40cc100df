package org.sae4j.experiment.causaltracing.internal;

import java.util.List;

/**
 * The update of a linear map {@code v = W k} that moves the values of several keys at once (MEMIT, Meng et al. 2022b, "Mass-editing memory
 * in a transformer"): {@code W' = W + R K^T (lambda C + K K^T)^-1}, which minimises {@code sum |D k_i - r_i|^2 + lambda tr(D C D^T)} over
 * the change D. In double precision.
 */
public final class MassUpdate {
    private MassUpdate() {}

    /**
     * The updated map, for weights that are stored as {@code v = k M}, M being the transpose of W.
     *
     * @param weights M, by input and output
     * @param covariance C, whose lower triangle is read
     * @param weight lambda, positive
     * @param keys k_i
     * @param changes r_i, how far each key's value is to move
     * @return M'
     * @throws org.sae4j.api.Sae4jException if {@code lambda C + K K^T} is not positive definite
     */
    public static double[][] apply(double[][] weights, double[][] covariance, double weight, List<double[]> keys, List<double[]> changes) {
        int n = weights.length;
        double[][] moment = new double[n][];
        for (int i = 0; i < n; i++) {
            moment[i] = new double[i + 1];
            for (int j = 0; j <= i; j++) {
                moment[i][j] = weight * covariance[i][j];
                for (double[] key : keys) {
                    moment[i][j] += key[i] * key[j];
                }
            }
        }
        Cholesky solver = new Cholesky(moment);
        double[][] updated = new double[n][];
        for (int i = 0; i < n; i++) {
            updated[i] = weights[i].clone();
        }
        for (int e = 0; e < keys.size(); e++) {
            double[] direction = solver.solve(keys.get(e));
            double[] change = changes.get(e);
            for (int i = 0; i < n; i++) {
                for (int o = 0; o < change.length; o++) {
                    updated[i][o] += direction[i] * change[o];
                }
            }
        }
        return updated;
    }
}
