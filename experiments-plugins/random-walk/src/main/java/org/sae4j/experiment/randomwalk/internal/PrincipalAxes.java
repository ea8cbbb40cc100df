package org.sae4j.experiment.randomwalk.internal;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;

/**
 * The first principal axes of rows, by orthogonal iteration on a block of a few more vectors: the covariance matrix of a wide layer is
 * never formed.
 *
 * @param axes unit vectors, by axis; the entry of largest size is positive
 * @param shares shares of the variance along them
 */
record PrincipalAxes(float[][] axes, double[] shares) {
    private static final int SPARE = 5;
    private static final int ROUNDS = 100;
    private static final double TOLERANCE = 1e-7;

    static PrincipalAxes of(float[][] rows, double[] mean, int count, CounterRandom random, Progress progress) {
        int d = mean.length;
        double[][] centred = new double[rows.length][d];
        double total = 0;
        for (int r = 0; r < rows.length; r++) {
            for (int i = 0; i < d; i++) {
                centred[r][i] = rows[r][i] - mean[i];
            }
            total += Vectors.dot(centred[r], centred[r]);
        }
        double[][] block = new double[Math.min(count + SPARE, d)][d];
        for (double[] vector : block) {
            Arrays.setAll(vector, i -> random.nextGaussian());
        }
        orthonormalize(block);
        double before = 0;
        for (int round = 0; round < ROUNDS; round++) {
            progress.checkCancelled();
            double[][] next = multiply(centred, block);
            double captured = IntStream.range(0, Math.min(count, block.length)).mapToDouble(k -> Vectors.dot(next[k], block[k])).sum();
            for (int k = 0; k < block.length; k++) {
                block[k] = next[k];
            }
            orthonormalize(block);
            if (Math.abs(captured - before) <= TOLERANCE * captured) {
                break;
            }
            before = captured;
        }
        return rotate(centred, block, Math.min(count, block.length), total);
    }

    /** Rayleigh and Ritz: the principal axes within the block's span. */
    private static PrincipalAxes rotate(double[][] rows, double[][] block, int count, double total) {
        int size = block.length;
        double[][] image = multiply(rows, block);
        DMatrixRMaj small = new DMatrixRMaj(size, size);
        for (int a = 0; a < size; a++) {
            for (int b = 0; b < size; b++) {
                small.set(a, b, (Vectors.dot(block[a], image[b]) + Vectors.dot(block[b], image[a])) / 2);
            }
        }
        EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(size, true, true);
        if (!eigen.decompose(small)) {
            throw new IllegalStateException("the eigenvalues of a matrix of " + size + " rows did not converge");
        }
        int[] order = IntStream.range(0, size).boxed().sorted(Comparator.comparingDouble(i -> -eigen.getEigenvalue(i).getReal()))
                .mapToInt(Integer::intValue).toArray();
        float[][] axes = new float[count][block[0].length];
        double[] shares = new double[count];
        for (int k = 0; k < count; k++) {
            DMatrixRMaj vector = eigen.getEigenVector(order[k]);
            double[] axis = new double[block[0].length];
            int largest = 0;
            for (int i = 0; i < axis.length; i++) {
                for (int b = 0; b < size; b++) {
                    axis[i] += vector.get(b) * block[b][i];
                }
                largest = Math.abs(axis[i]) > Math.abs(axis[largest]) ? i : largest;
            }
            double sign = Math.copySign(1, axis[largest]);
            for (int i = 0; i < axis.length; i++) {
                axes[k][i] = (float) (sign * axis[i]);
            }
            shares[k] = total > 0 ? Math.max(0, eigen.getEigenvalue(order[k]).getReal()) / total : 0;
        }
        return new PrincipalAxes(axes, shares);
    }

    private static double[][] multiply(double[][] rows, double[][] block) {
        double[][] image = new double[block.length][block[0].length];
        for (double[] row : rows) {
            for (int k = 0; k < block.length; k++) {
                double along = Vectors.dot(row, block[k]);
                double[] sum = image[k];
                for (int i = 0; i < row.length; i++) {
                    sum[i] += along * row[i];
                }
            }
        }
        return image;
    }

    /** Gram and Schmidt, twice against rounding; a vector without a part of its own becomes 0. */
    private static void orthonormalize(double[][] block) {
        for (int k = 0; k < block.length; k++) {
            double[] vector = block[k];
            double scale = Vectors.norm(vector);
            for (int pass = 0; pass < 2; pass++) {
                for (int b = 0; b < k; b++) {
                    double along = Vectors.dot(vector, block[b]);
                    for (int i = 0; i < vector.length; i++) {
                        vector[i] -= along * block[b][i];
                    }
                }
            }
            double norm = Vectors.norm(vector);
            double factor = norm > 1e-12 * scale ? 1 / norm : 0;
            for (int i = 0; i < vector.length; i++) {
                vector[i] *= factor;
            }
        }
    }
}
