package org.sae4j.experiment.neighborhood.internal;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.engine.Engine;

/**
 * Principal components of rows: the leading eigenvectors of their covariance by the Lanczos method with full reorthogonalisation (Golub and
 * Van Loan, section 10.3). Up to 256 columns the method runs to its end and is exact.
 *
 * @param coordinates by component and row, in the units of the rows
 * @param shares of the total variance by component; all NaN if the rows do not vary
 */
public record Pca(double[][] coordinates, double[] shares) {
    private static final int STEPS = 256;

    /**
     * Analyses rows.
     *
     * @param data row-major
     * @param count number of rows, at least 1
     * @param width number of columns
     * @param components how many to give; missing ones beyond the width are zero
     * @param engine runs the product that makes the covariance
     * @param random where the first Lanczos vector comes from
     * @return the components, the largest first; the loading of largest size is positive
     */
    public static Pca of(float[] data, int count, int width, int components, Engine engine, CounterRandom random) {
        float[] centred = data.clone();
        for (int j = 0; j < width; j++) {
            double mean = 0;
            for (int i = 0; i < count; i++) {
                mean += data[i * width + j];
            }
            mean /= count;
            for (int i = 0; i < count; i++) {
                centred[i * width + j] = (float) (data[i * width + j] - mean);
            }
        }
        float[] gram = Cosines.gram(engine, centred, count, width);
        double trace = IntStream.range(0, width).mapToDouble(j -> gram[j * width + j]).sum();
        double[][] loadings = new double[components][width];
        double[] eigenvalues = new double[components];
        if (trace > 0) {
            lanczos(gram, width, trace, loadings, eigenvalues, random);
        }
        double[][] coordinates = new double[components][count];
        for (int c = 0; c < components; c++) {
            for (int i = 0; i < count; i++) {
                double sum = 0;
                for (int j = 0; j < width; j++) {
                    sum += loadings[c][j] * centred[i * width + j];
                }
                coordinates[c][i] = sum;
            }
        }
        double[] shares = Arrays.stream(eigenvalues).map(e -> trace > 0 ? Math.max(0, e) / trace : Double.NaN).toArray();
        return new Pca(coordinates, shares);
    }

    private static void lanczos(float[] a, int n, double trace, double[][] loadings, double[] eigenvalues, CounterRandom random) {
        int steps = Math.min(n, STEPS);
        double[][] basis = new double[steps][];
        DMatrixRMaj t = new DMatrixRMaj(steps, steps);
        double[] next = direction(n, basis, 0, random);
        for (int s = 0; s < steps; s++) {
            basis[s] = next;
            double[] w = multiply(a, n, basis[s]);
            t.set(s, s, dot(w, basis[s]));
            orthogonalize(w, basis, s + 1);
            double norm = Math.sqrt(dot(w, w));
            if (s + 1 < steps) {
                if (norm > 1e-10 * trace) {
                    next = scaled(w, 1 / norm);
                    t.set(s, s + 1, norm);
                    t.set(s + 1, s, norm);
                } else {
                    // The basis spans an invariant subspace: go on in its complement.
                    next = direction(n, basis, s + 1, random);
                }
            }
        }
        EigenDecomposition_F64<DMatrixRMaj> eigen = DecompositionFactory_DDRM.eig(steps, true, true);
        if (!eigen.decompose(t)) {
            throw new ArithmeticException("the eigenvalues of a " + steps + " by " + steps + " matrix did not converge");
        }
        int[] order = IntStream.range(0, steps).boxed().sorted(Comparator.comparingDouble(i -> -eigen.getEigenvalue(i).getReal()))
                .mapToInt(Integer::intValue).toArray();
        for (int c = 0; c < Math.min(loadings.length, steps); c++) {
            eigenvalues[c] = eigen.getEigenvalue(order[c]).getReal();
            DMatrixRMaj vector = eigen.getEigenVector(order[c]);
            for (int s = 0; s < steps; s++) {
                for (int j = 0; j < n; j++) {
                    loadings[c][j] += vector.get(s, 0) * basis[s][j];
                }
            }
            double sign = 0;
            for (double loading : loadings[c]) {
                sign = Math.abs(loading) > Math.abs(sign) ? loading : sign;
            }
            loadings[c] = scaled(loadings[c], Math.signum(sign));
        }
    }

    private static double[] multiply(float[] a, int n, double[] v) {
        double[] w = new double[n];
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int j = 0; j < n; j++) {
                sum += a[i * n + j] * v[j];
            }
            w[i] = sum;
        }
        return w;
    }

    private static double[] direction(int n, double[][] basis, int count, CounterRandom random) {
        double[] v = new double[n];
        Arrays.setAll(v, j -> random.nextGaussian());
        orthogonalize(v, basis, count);
        return scaled(v, 1 / Math.sqrt(dot(v, v)));
    }

    /** Twice, because once loses orthogonality to rounding (Kahan and Parlett). */
    private static void orthogonalize(double[] w, double[][] basis, int count) {
        for (int pass = 0; pass < 2; pass++) {
            for (int b = 0; b < count; b++) {
                double along = dot(w, basis[b]);
                for (int j = 0; j < w.length; j++) {
                    w[j] -= along * basis[b][j];
                }
            }
        }
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int j = 0; j < a.length; j++) {
            sum += a[j] * b[j];
        }
        return sum;
    }

    private static double[] scaled(double[] v, double factor) {
        return Arrays.stream(v).map(x -> x * factor).toArray();
    }
}
