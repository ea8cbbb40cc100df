package org.sae4j.experiment.randomwalk.internal;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.experiment.randomwalk.WalkMode;

/** Makes the points of walks. The same mode, walk and seed give the same points, whatever else is walked. */
final class Paths {
    /** Directions tried for one step before it counts as impossible. */
    private static final int ATTEMPTS = 1000;

    private final Origin origin;
    private final Reference reference;
    private final int steps;
    private final double step;
    private final double activationStep;
    private final CounterRandom random;
    private final double[] meanFeatures;
    private final double[] meanActivation;
    private final double[] upper;

    /**
     * Prepares walks.
     *
     * @param origin where they start
     * @param reference data for covariances and ranges
     * @param steps of a walk
     * @param step length in feature space
     * @param activationStep length in the space of the autoencoder's input
     * @param random the seed's stream for walks
     */
    Paths(Origin origin, Reference reference, int steps, double step, double activationStep, CounterRandom random) {
        this.origin = origin;
        this.reference = reference;
        this.steps = steps;
        this.step = step;
        this.activationStep = activationStep;
        this.random = random;
        meanFeatures = reference.meanFeatures();
        meanActivation = reference.meanActivation();
        upper = reference.maxFeatures();
        for (int i = 0; i < upper.length; i++) {
            upper[i] = Math.max(upper[i], origin.features()[i]);
        }
    }

    /** The largest value of each feature in the data and at the start. */
    double[] upper() {
        return upper.clone();
    }

    /** The number of dimensions that a walk can move in. */
    int dimension(WalkMode mode) {
        return switch (mode) {
            case FREE, NON_NEGATIVE -> origin.features().length;
            case ACTIVE_SET -> active().length;
            case DATA_SUPPORT, COVARIANCE -> (int) Arrays.stream(upper).filter(u -> u > 0).count();
            case RESIDUAL, RESIDUAL_COVARIANCE -> origin.activation().length;
            case INTERPOLATION -> 1;
            case CIRCLE -> 2;
        };
    }

    private int[] active() {
        return IntStream.range(0, origin.features().length).filter(i -> origin.features()[i] != 0).toArray();
    }

    /**
     * The points of a walk, the start first.
     *
     * @return steps + 1 points, or empty if no step of the length was found
     */
    Optional<double[][]> points(WalkMode mode, int walk) {
        CounterRandom numbers = random.stream(mode.name()).stream(walk);
        double[] f = origin.features();
        double[] unbounded = new double[f.length];
        Arrays.fill(unbounded, Double.POSITIVE_INFINITY);
        return switch (mode) {
            case FREE -> free(f, step, Direction.isotropic(), numbers);
            case NON_NEGATIVE -> bounded(Direction.isotropic(), unbounded, numbers);
            case ACTIVE_SET -> bounded(Direction.within(active()), unbounded, numbers);
            case DATA_SUPPORT -> bounded(Direction.difference(reference.features()), upper, numbers);
            case COVARIANCE -> free(f, step, Direction.covariance(reference.features(), meanFeatures), numbers);
            case RESIDUAL -> free(Vectors.toDouble(origin.activation()), activationStep, Direction.isotropic(), numbers);
            case RESIDUAL_COVARIANCE -> free(Vectors.toDouble(origin.activation()), activationStep,
                    Direction.covariance(reference.activations(), meanActivation), numbers);
            case INTERPOLATION -> interpolation(numbers);
            case CIRCLE -> circle(numbers);
        };
    }

    private Optional<double[][]> free(double[] start, double length, Direction direction, CounterRandom numbers) {
        double[][] points = new double[steps + 1][];
        points[0] = start;
        double[] drawn = new double[start.length];
        for (int t = 1; t <= steps; t++) {
            if (!draw(direction, numbers, drawn)) {
                return Optional.empty();
            }
            double factor = length / Vectors.norm(drawn);
            double[] before = points[t - 1];
            points[t] = new double[start.length];
            Arrays.setAll(points[t], i -> before[i] + factor * drawn[i]);
        }
        return Optional.of(points);
    }

    private static boolean draw(Direction direction, CounterRandom numbers, double[] target) {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            direction.draw(numbers, target);
            if (Vectors.norm(target) > 0) {
                return true;
            }
        }
        return false;
    }

    private Optional<double[][]> bounded(Direction direction, double[] limits, CounterRandom numbers) {
        BoundedStep taker = new BoundedStep(limits);
        double[][] points = new double[steps + 1][origin.features().length];
        points[0] = origin.features();
        double[] drawn = new double[points[0].length];
        for (int t = 1; t <= steps; t++) {
            boolean taken = false;
            for (int attempt = 0; attempt < ATTEMPTS && !taken; attempt++) {
                direction.draw(numbers, drawn);
                taken = taker.take(points[t - 1], drawn, step, points[t]);
            }
            if (!taken) {
                return Optional.empty();
            }
        }
        return Optional.of(points);
    }

    private Optional<double[][]> interpolation(CounterRandom numbers) {
        double[] start = origin.features();
        double[] way = new double[start.length];
        Direction toToken = (draws, target) -> {
            double[] end = reference.features(draws.nextInt(reference.features().rows()));
            Arrays.setAll(target, i -> end[i] - start[i]);
        };
        if (!draw(toToken, numbers, way)) {
            return Optional.empty();
        }
        double[][] points = new double[steps + 1][start.length];
        for (int t = 0; t <= steps; t++) {
            double share = (double) t / steps;
            Arrays.setAll(points[t], i -> start[i] + share * way[i]);
        }
        return Optional.of(points);
    }

    /** Radius s / (2 sin(pi / T)): the chord between neighbors is s. */
    private Optional<double[][]> circle(CounterRandom numbers) {
        double[] start = origin.features();
        double[] first = new double[start.length];
        double[] second = new double[start.length];
        if (start.length < 2 || !draw(Direction.isotropic(), numbers, first)) {
            return Optional.empty();
        }
        double norm = Vectors.norm(first);
        Arrays.setAll(first, i -> first[i] / norm);
        Direction orthogonal = (draws, target) -> {
            Direction.isotropic().draw(draws, target);
            for (int pass = 0; pass < 2; pass++) {
                double along = Vectors.dot(first, target);
                Arrays.setAll(target, i -> target[i] - along * first[i]);
            }
        };
        if (!draw(orthogonal, numbers, second)) {
            return Optional.empty();
        }
        double secondNorm = Vectors.norm(second);
        double radius = step / (2 * Math.sin(Math.PI / steps));
        double[][] points = new double[steps + 1][start.length];
        for (int t = 0; t <= steps; t++) {
            double angle = 2 * Math.PI * (t % steps) / steps;
            double along = radius * (Math.cos(angle) - 1);
            double across = radius * Math.sin(angle) / secondNorm;
            Arrays.setAll(points[t], i -> start[i] + along * first[i] + across * second[i]);
        }
        return Optional.of(points);
    }
}
