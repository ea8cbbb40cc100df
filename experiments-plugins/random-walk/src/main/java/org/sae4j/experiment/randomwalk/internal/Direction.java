package org.sae4j.experiment.randomwalk.internal;

import java.util.Arrays;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.sae.SparseRows;

/** Draws random directions, not normalised. */
@FunctionalInterface
interface Direction {
    /**
     * Draws one.
     *
     * @param random where it comes from
     * @param target receives it
     */
    void draw(CounterRandom random, double[] target);

    /** All directions alike. */
    static Direction isotropic() {
        return (random, target) -> Arrays.setAll(target, i -> random.nextGaussian());
    }

    /** All directions alike among some coordinates. */
    static Direction within(int[] coordinates) {
        return (random, target) -> {
            Arrays.fill(target, 0);
            for (int i : coordinates) {
                target[i] = random.nextGaussian();
            }
        };
    }

    /** Gaussian with the covariance of rows: the sum of the centred rows with Gaussian weights. */
    static Direction covariance(float[][] rows, double[] mean) {
        return (random, target) -> {
            Arrays.fill(target, 0);
            double sum = 0;
            for (float[] row : rows) {
                double weight = random.nextGaussian();
                sum += weight;
                for (int i = 0; i < row.length; i++) {
                    target[i] += weight * row[i];
                }
            }
            subtract(target, sum, mean);
        };
    }

    /** Gaussian with the covariance of sparse rows. */
    static Direction covariance(SparseRows rows, double[] mean) {
        return (random, target) -> {
            Arrays.fill(target, 0);
            double sum = 0;
            for (int row = 0; row < rows.rows(); row++) {
                double weight = random.nextGaussian();
                sum += weight;
                add(rows, row, weight, target);
            }
            subtract(target, sum, mean);
        };
    }

    /** The difference of two rows. */
    static Direction difference(SparseRows rows) {
        return (random, target) -> {
            Arrays.fill(target, 0);
            add(rows, random.nextInt(rows.rows()), 1, target);
            add(rows, random.nextInt(rows.rows()), -1, target);
        };
    }

    private static void add(SparseRows rows, int row, double weight, double[] target) {
        for (int e = rows.start(row); e < rows.start(row + 1); e++) {
            target[rows.index(e)] += weight * rows.value(e);
        }
    }

    private static void subtract(double[] target, double factor, double[] mean) {
        for (int i = 0; i < target.length; i++) {
            target[i] -= factor * mean[i];
        }
    }
}
