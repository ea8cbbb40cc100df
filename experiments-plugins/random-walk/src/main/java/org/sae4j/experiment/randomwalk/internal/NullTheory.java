package org.sae4j.experiment.randomwalk.internal;

import java.util.stream.IntStream;
import org.sae4j.experiment.randomwalk.RandomWalkResult.Theory;

/**
 * What any walk with independent steps of length 1 does in many dimensions.
 *
 * <p>Steps are then almost orthogonal, so the Gram matrix of the points is that of a path: its inverse is the Laplacian of a path graph,
 * whose eigenvectors are cosines. Principal components of all such walks are therefore the same, a Lissajous curve (Antognini and
 * Sohl-Dickstein, "PCA of high dimensional random walks with comparison to neural network training", NeurIPS 2018).
 */
final class NullTheory {
    private NullTheory() {}

    static Theory of(int steps, int components, int drawn) {
        double[] distance = IntStream.rangeClosed(0, steps).mapToDouble(Math::sqrt).toArray();
        double[] shares = IntStream.rangeClosed(1, components).mapToDouble(k -> share(steps, k)).toArray();
        double[] limit = IntStream.rangeClosed(1, components).mapToDouble(NullTheory::limitShare).toArray();
        double[][] scores = IntStream.rangeClosed(1, drawn).mapToObj(k -> IntStream.rangeClosed(0, steps)
                .mapToDouble(t -> score(steps, k, t)).toArray()).toArray(double[][]::new);
        return new Theory(distance, shares, limit, scores);
    }

    /** The share of component k, from 1: with N points, eigenvalues 1 / (4 sin^2(pi k / 2N)), whose sum is (N^2 - 1) / 6. */
    static double share(int steps, int k) {
        double n = steps + 1.0;
        return k > steps ? 0 : eigenvalue(steps, k) * 6 / (n * n - 1);
    }

    /** The share of component k for infinitely many steps. */
    static double limitShare(int k) {
        return 6 / (Math.PI * Math.PI * k * k);
    }

    private static double eigenvalue(int steps, int k) {
        double sine = Math.sin(Math.PI * k / (2 * (steps + 1.0)));
        return 1 / (4 * sine * sine);
    }

    private static double score(int steps, int k, int t) {
        double n = steps + 1.0;
        return k > steps ? 0 : Math.sqrt(eigenvalue(steps, k) * 2 / n) * Math.cos(Math.PI * k * (t + 0.5) / n);
    }

    /**
     * The standard deviation of a walk's distance from its start, relative to the distance: the squared distance after t steps varies by
     * 2 t (t - 1) / D, D being the effective dimension of the steps.
     */
    static double relativeDeviation(int steps, double effectiveDimension) {
        return Math.sqrt(2 * (steps - 1.0) / (steps * effectiveDimension)) / 2;
    }
}
