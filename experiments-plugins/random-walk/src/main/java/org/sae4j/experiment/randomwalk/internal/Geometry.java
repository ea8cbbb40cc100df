package org.sae4j.experiment.randomwalk.internal;

import java.util.Comparator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.sae4j.api.stats.Statistics;

/**
 * The shape of a path, from the inner products of its points relative to the first. Costs points^2 / 2 products of vectors, and the
 * eigenvalues of a matrix of points by points.
 *
 * @param distances from the first point
 * @param stepLengths of each step
 * @param squaredCosine mean squared cosine of two steps; NaN if there are none of positive length
 * @param variance sum of squared distances from the mean point
 * @param shares shares of the variance along the principal components; NaN for a path that does not move
 * @param scores coordinates along the first of them, by component; the first point's are not negative
 */
record Geometry(double[] distances, double[] stepLengths, double squaredCosine, double variance, double[] shares, double[][] scores) {
    static final int COMPONENTS = 5;
    static final int DRAWN = 3;

    static Geometry of(double[][] points) {
        int n = points.length;
        double[][] relative = new double[n][];
        for (int t = 0; t < n; t++) {
            double[] at = points[t];
            relative[t] = IntStream.range(0, at.length).mapToDouble(i -> at[i] - points[0][i]).toArray();
        }
        double[][] gram = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j <= i; j++) {
                gram[i][j] = Vectors.dot(relative[i], relative[j]);
                gram[j][i] = gram[i][j];
            }
        }
        double[] distances = IntStream.range(0, n).mapToDouble(t -> Math.sqrt(gram[t][t])).toArray();
        double[] lengths = IntStream.range(1, n).mapToDouble(t -> Math.sqrt(Math.max(0, stepProduct(gram, t, t)))).toArray();
        return principal(gram, distances, lengths);
    }

    private static double stepProduct(double[][] gram, int a, int b) {
        return gram[a][b] - gram[a - 1][b] - gram[a][b - 1] + gram[a - 1][b - 1];
    }

    private static double squaredCosine(double[][] gram, double[] lengths) {
        double sum = 0;
        long pairs = 0;
        for (int a = 1; a < gram.length; a++) {
            for (int b = 1; b < a; b++) {
                double scale = lengths[a - 1] * lengths[b - 1];
                if (scale > 0) {
                    double cosine = stepProduct(gram, a, b) / scale;
                    sum += cosine * cosine;
                    pairs++;
                }
            }
        }
        return sum / pairs;
    }

    private static Geometry principal(double[][] gram, double[] distances, double[] lengths) {
        int n = gram.length;
        double[] rowMeans = IntStream.range(0, n).mapToDouble(i -> Statistics.mean(gram[i])).toArray();
        double mean = Statistics.mean(rowMeans);
        DMatrixRMaj centred = new DMatrixRMaj(n, n);
        double variance = 0;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                centred.set(i, j, gram[i][j] - rowMeans[i] - rowMeans[j] + mean);
            }
            variance += centred.get(i, i);
        }
        int components = Math.min(COMPONENTS, n - 1);
        double[] shares = new double[components];
        double[][] scores = new double[Math.min(DRAWN, components)][n];
        if (variance > 0) {
            EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(n, true, true);
            if (!eigen.decompose(centred)) {
                throw new IllegalStateException("the eigenvalues of a Gram matrix of " + n + " points did not converge");
            }
            int[] order = IntStream.range(0, n).boxed().sorted(Comparator.comparingDouble(i -> -eigen.getEigenvalue(i).getReal()))
                    .mapToInt(Integer::intValue).toArray();
            for (int k = 0; k < components; k++) {
                double value = Math.max(0, eigen.getEigenvalue(order[k]).getReal());
                shares[k] = value / variance;
                if (k < scores.length) {
                    DMatrixRMaj vector = eigen.getEigenVector(order[k]);
                    double scale = Math.copySign(Math.sqrt(value), vector.get(0));
                    for (int t = 0; t < n; t++) {
                        scores[k][t] = scale * vector.get(t);
                    }
                }
            }
        } else {
            java.util.Arrays.fill(shares, Double.NaN);
        }
        return new Geometry(distances, lengths, squaredCosine(gram, lengths), variance, shares, scores);
    }
}
