package org.sae4j.experiment.randomwalk.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.randomwalk.RandomWalkResult.Theory;
import org.sae4j.experiment.randomwalk.WalkMode;

class PathsTest {
    private static final int FEATURES = 2000;
    private static final int WIDTH = 400;
    private static final int DATA = 300;

    private static Paths paths(int steps, double step, long seed) {
        CounterRandom random = new CounterRandom(seed);
        double[] start = new double[FEATURES];
        for (int i = 0; i < 20; i++) {
            start[random.nextInt(FEATURES / 2)] = random.nextDouble();
        }
        float[] activation = new float[WIDTH];
        float[][] activations = new float[DATA][WIDTH];
        for (float[] row : activations) {
            for (int i = 0; i < WIDTH; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        // The second half of the features is never active.
        float[] dense = new float[DATA * FEATURES];
        for (int row = 0; row < DATA; row++) {
            for (int k = 0; k < 20; k++) {
                dense[row * FEATURES + random.nextInt(FEATURES / 2)] = random.nextFloat();
            }
        }
        SparseRows features = SparseRows.ofDense(Tensor.of(dense, DATA, FEATURES));
        Origin origin = new Origin(0, activation, start, activation, 1);
        return new Paths(origin, new Reference(activations, features, true), steps, step, step, random.stream("walks"));
    }

    @ParameterizedTest
    @EnumSource(names = "INTERPOLATION", mode = EnumSource.Mode.EXCLUDE)
    void everyStepHasTheWantedLength(WalkMode mode) {
        Paths paths = paths(40, 0.3, 1);
        for (int walk = 0; walk < 3; walk++) {
            double[][] points = paths.points(mode, walk).orElseThrow();
            assertThat(points).hasNumberOfRows(41);
            for (int t = 1; t <= 40; t++) {
                double[] from = points[t - 1];
                double[] to = points[t];
                double length = Vectors.norm(IntStream.range(0, to.length).mapToDouble(i -> to[i] - from[i]).toArray());
                assertThat(length).isCloseTo(0.3, within(1e-12));
            }
        }
    }

    @Test
    void projectedWalksStayWhereTheyMayBe() {
        Paths paths = paths(60, 0.5, 2);
        double[] upper = paths.upper();
        for (int walk = 0; walk < 3; walk++) {
            double[] start = paths.points(WalkMode.FREE, walk).orElseThrow()[0];
            for (double[] point : paths.points(WalkMode.NON_NEGATIVE, walk).orElseThrow()) {
                assertThat(Arrays.stream(point).min().orElseThrow()).isNotNegative();
            }
            for (double[] point : paths.points(WalkMode.ACTIVE_SET, walk).orElseThrow()) {
                for (int i = 0; i < FEATURES; i++) {
                    assertThat(point[i]).isNotNegative();
                    assertThat(start[i] != 0 || point[i] == 0).isTrue();
                }
            }
            for (double[] point : paths.points(WalkMode.DATA_SUPPORT, walk).orElseThrow()) {
                for (int i = 0; i < FEATURES; i++) {
                    assertThat(point[i]).isBetween(0.0, upper[i]);
                }
            }
        }
        assertThat(Arrays.stream(upper, FEATURES / 2, FEATURES).max().orElseThrow()).isZero();
    }

    /** The root mean square over 200 walks has a relative standard error of at most 1 / sqrt(2 * 200) = 5%. */
    @ParameterizedTest
    @EnumSource(names = {"FREE", "COVARIANCE", "RESIDUAL", "RESIDUAL_COVARIANCE"})
    void theExpectedSquaredDistanceIsStepsTimesSquaredStep(WalkMode mode) {
        Paths paths = paths(9, 0.2, 3);
        double[] squares = IntStream.range(0, 200).mapToDouble(walk -> {
            double[][] points = paths.points(mode, walk).orElseThrow();
            double distance = Geometry.of(points).distances()[9];
            return distance * distance / (9 * 0.04);
        }).toArray();
        double error = Statistics.standardDeviation(squares) / Math.sqrt(200);
        assertThat(Statistics.mean(squares)).isCloseTo(1, within(4 * error));
        assertThat(error).isLessThan(0.05);
    }

    @Test
    void aLongFreeWalkHasTheSharesOfTheTheory() {
        double[][] points = paths(250, 1, 4).points(WalkMode.FREE, 0).orElseThrow();
        Geometry geometry = Geometry.of(points);
        double[] limit = {0.608, 0.152, 0.068};
        Theory theory = NullTheory.of(250, 5, 3);
        for (int k = 0; k < 3; k++) {
            assertThat(theory.limitShares()[k]).isCloseTo(limit[k], within(5e-4));
            assertThat(theory.shares()[k]).isCloseTo(limit[k], within(1e-3));
            assertThat(geometry.shares()[k]).isCloseTo(limit[k], within(0.05));
            assertThat(Math.abs(Statistics.pearson(geometry.scores()[k], theory.scores()[k]))).isGreaterThan(0.9);
        }
        assertThat(1 / geometry.squaredCosine()).isCloseTo(FEATURES, within(0.1 * FEATURES));
    }

    @Test
    void orthogonalStepsAreTheTheory() {
        double[][] points = new double[31][30];
        for (int t = 1; t <= 30; t++) {
            Arrays.fill(points[t], 0, t, 2);
        }
        Geometry geometry = Geometry.of(points);
        Theory theory = NullTheory.of(30, 5, 3);
        for (int k = 0; k < 5; k++) {
            assertThat(geometry.shares()[k]).isCloseTo(theory.shares()[k], within(1e-12));
        }
        for (int t = 0; t <= 30; t++) {
            assertThat(geometry.distances()[t]).isCloseTo(2 * theory.distance()[t], within(1e-12));
            for (int k = 0; k < 3; k++) {
                assertThat(geometry.scores()[k][t]).isCloseTo(2 * theory.scores()[k][t], within(1e-9));
            }
        }
    }

    @Test
    void covarianceDirectionsHaveTheCovariance() {
        float[][] rows = {{1, 0, 0}, {-1, 0, 0}, {0, 3, 0}, {0, -3, 0}};
        Direction direction = Direction.covariance(rows, new double[3]);
        CounterRandom random = new CounterRandom(5);
        double[] drawn = new double[3];
        double[] squares = new double[3];
        for (int i = 0; i < 4000; i++) {
            direction.draw(random, drawn);
            for (int j = 0; j < 3; j++) {
                squares[j] += drawn[j] * drawn[j] / 4000;
            }
        }
        assertThat(squares[0]).isCloseTo(2, within(0.2));
        assertThat(squares[1]).isCloseTo(18, within(1.8));
        assertThat(squares[2]).isZero();
    }

    @Test
    void principalAxesAreThoseOfAPlantedEllipsoid() {
        CounterRandom random = new CounterRandom(6);
        double[] deviations = {5, 3, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
        float[][] rows = new float[3000][deviations.length];
        for (float[] row : rows) {
            for (int i = 0; i < row.length; i++) {
                row[i] = (float) (7 + deviations[i] * random.nextGaussian());
            }
        }
        double[] mean = new double[deviations.length];
        Arrays.fill(mean, 7);
        PrincipalAxes axes = PrincipalAxes.of(rows, mean, 2, random, org.sae4j.api.Progress.NONE);
        assertThat(axes.axes()[0][0]).isCloseTo(1, within(0.01f));
        assertThat(axes.axes()[1][1]).isCloseTo(1, within(0.01f));
        double total = Arrays.stream(deviations).map(d -> d * d).sum();
        assertThat(axes.shares()[0]).isCloseTo(25 / total, within(0.03));
        assertThat(axes.shares()[1]).isCloseTo(9 / total, within(0.03));
    }
}
