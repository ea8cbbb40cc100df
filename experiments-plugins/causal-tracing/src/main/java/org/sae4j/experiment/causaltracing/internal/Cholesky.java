package org.sae4j.experiment.causaltracing.internal;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.sae4j.api.Sae4jException;

/** Solves systems with a symmetric positive definite matrix, in double precision. */
final class Cholesky {
    private final double[][] lower;

    /**
     * Decomposes a matrix.
     *
     * @param matrix a symmetric positive definite matrix, whose lower triangle is read
     * @throws Sae4jException if the matrix is not positive definite
     */
    Cholesky(double[][] matrix) {
        int n = matrix.length;
        lower = new double[n][];
        for (int i = 0; i < n; i++) {
            lower[i] = Arrays.copyOf(matrix[i], i + 1);
        }
        for (int column = 0; column < n; column++) {
            double pivot = lower[column][column];
            if (!(pivot > 0)) {
                throw new Sae4jException("the covariance of keys is not positive definite", "edit of weights, row " + column + " of " + n,
                        "raise ridge, or use more covarianceTokens");
            }
            double root = Math.sqrt(pivot);
            lower[column][column] = root;
            double[] factors = new double[n];
            for (int i = column + 1; i < n; i++) {
                lower[i][column] /= root;
                factors[i] = lower[i][column];
            }
            int from = column + 1;
            IntStream rows = IntStream.range(from, n);
            (n - from > 256 ? rows.parallel() : rows).forEach(i -> {
                double factor = factors[i];
                double[] row = lower[i];
                for (int j = from; j <= i; j++) {
                    row[j] -= factor * factors[j];
                }
            });
        }
    }

    /** The x with {@code matrix x = right}. */
    double[] solve(double[] right) {
        int n = right.length;
        double[] x = right.clone();
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < i; j++) {
                x[i] -= lower[i][j] * x[j];
            }
            x[i] /= lower[i][i];
        }
        for (int i = n - 1; i >= 0; i--) {
            x[i] /= lower[i][i];
            for (int j = 0; j < i; j++) {
                x[j] -= lower[i][j] * x[i];
            }
        }
        return x;
    }
}
