package org.sae4j.experiment.causaltracing.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;

class MassUpdateTest {
    /** Of a single key with hardly any weight on the others, it is the rank-one update: the worked case. */
    @Test
    void oneKeyAloneIsTheRankOneUpdate() {
        double[][] identity = {{1, 0}, {0, 1}};
        double[][] covariance = {{2, 0}, {0, 1}};
        double[][] updated = MassUpdate.apply(identity, covariance, 1e-9, List.of(new double[] {1, 1}), List.of(new double[] {2, 1}));
        assertThat(updated[0]).containsExactly(new double[] {5 / 3.0, 1 / 3.0}, within(1e-6));
        assertThat(updated[1]).containsExactly(new double[] {4 / 3.0, 5 / 3.0}, within(1e-6));
        // With weight 1, k^T C^-1 k = 3/2 leaves 3/5 of the change (Sherman and Morrison).
        double[][] weighted = MassUpdate.apply(identity, covariance, 1, List.of(new double[] {1, 1}), List.of(new double[] {2, 1}));
        assertThat(weighted[0]).containsExactly(new double[] {1 + 0.6 * 2 / 3.0, 0.6 / 3.0}, within(1e-12));
    }

    /** The change D minimises {@code sum |D k_i - r_i|^2 + lambda tr(D C D^T)}: the gradient vanishes. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 9})
    void theChangeIsTheLeastSquaresSolution(int edits) {
        int n = 6;
        int d = 4;
        double weight = 0.7;
        CounterRandom random = new CounterRandom(edits);
        double[][] factor = gaussian(random, n, n);
        double[][] covariance = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                covariance[i][j] = i == j ? 0.1 : 0;
                for (int k = 0; k < n; k++) {
                    covariance[i][j] += factor[i][k] * factor[j][k];
                }
            }
        }
        List<double[]> keys = List.of(gaussian(random, edits, n));
        List<double[]> changes = List.of(gaussian(random, edits, d));
        double[][] weights = gaussian(random, n, d);
        double[][] updated = MassUpdate.apply(weights, covariance, weight, keys, changes);
        for (int i = 0; i < n; i++) {
            for (int o = 0; o < d; o++) {
                double gradient = 0;
                for (int j = 0; j < n; j++) {
                    gradient += weight * covariance[i][j] * (updated[j][o] - weights[j][o]);
                }
                for (int e = 0; e < edits; e++) {
                    double moved = -changes.get(e)[o];
                    for (int j = 0; j < n; j++) {
                        moved += keys.get(e)[j] * (updated[j][o] - weights[j][o]);
                    }
                    gradient += keys.get(e)[i] * moved;
                }
                assertThat(gradient).isCloseTo(0, within(1e-9));
            }
        }
    }

    private static double[][] gaussian(CounterRandom random, int rows, int columns) {
        List<double[]> matrix = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            matrix.add(random.doubles(columns).map(u -> 2 * u - 1).toArray());
        }
        return matrix.toArray(double[][]::new);
    }
}
