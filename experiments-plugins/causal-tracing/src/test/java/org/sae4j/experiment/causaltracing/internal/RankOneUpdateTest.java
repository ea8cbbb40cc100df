package org.sae4j.experiment.causaltracing.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;

class RankOneUpdateTest {
    @Test
    void theWorkedCase() {
        double[][] updated = RankOneUpdate.apply(new double[][] {{1, 0}, {0, 1}},
                RankOneUpdate.solve(new double[][] {{2, 0}, {0, 1}}, new double[] {1, 1}), new double[] {1, 1},
                new double[] {3, 2});
        // Stored by input and output: the transpose of W' = [[5/3, 4/3], [1/3, 5/3]].
        assertThat(updated[0]).containsExactly(new double[] {5 / 3.0, 1 / 3.0}, within(1e-15));
        assertThat(updated[1]).containsExactly(new double[] {4 / 3.0, 5 / 3.0}, within(1e-15));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 300})
    void theKeyGetsItsValueAndOtherKeysMoveByTheirOverlap(int n) {
        CounterRandom random = new CounterRandom(n);
        double[][] factor = new double[n][n];
        double[][] covariance = new double[n][n];
        double[][] weights = new double[n][3];
        double[] key = new double[n];
        for (int i = 0; i < n; i++) {
            key[i] = random.nextGaussian();
            for (int j = 0; j < n; j++) {
                factor[i][j] = random.nextGaussian();
            }
        }
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                for (int k = 0; k < n; k++) {
                    covariance[i][j] += factor[i][k] * factor[j][k] / n;
                }
            }
            covariance[i][i] += 0.1;
        }
        double[] value = {1, -2, 0.5};
        double[] solved = RankOneUpdate.solve(covariance, key);
        double[][] updated = RankOneUpdate.apply(weights, solved, key, value);
        double[] mapped = new double[3];
        for (int i = 0; i < n; i++) {
            for (int o = 0; o < 3; o++) {
                mapped[o] += key[i] * updated[i][o];
            }
        }
        assertThat(mapped).containsExactly(value, within(1e-9));
        double[] other = IntStream.range(0, n).mapToDouble(_ -> random.nextGaussian()).toArray();
        double gain = RankOneUpdate.gain(solved, key, other);
        for (int o = 0; o < 3; o++) {
            double moved = 0;
            for (int i = 0; i < n; i++) {
                moved += other[i] * (updated[i][o] - weights[i][o]);
            }
            assertThat(moved).as("the gain is the share of the change").isCloseTo(gain * value[o], within(1e-9));
        }
        for (int i = 0; i < n; i++) {
            double back = 0;
            for (int j = 0; j < n; j++) {
                back += covariance[i][j] * solved[j];
            }
            assertThat(back).isCloseTo(key[i], within(1e-8));
        }
    }

    @Test
    void refusesWhatCannotBeSolved() {
        assertThatThrownBy(() -> RankOneUpdate.solve(new double[][] {{1, 1}, {1, 1}}, new double[] {1, 2}))
                .isInstanceOf(Sae4jException.class)
                .hasMessageContaining("ridge");
        assertThatThrownBy(() -> RankOneUpdate.apply(new double[][] {{1}}, new double[] {0}, new double[] {0}, new double[] {1}))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("key");
    }
}
