package org.sae4j.experiment.neighborhood.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class MapTest {
    @Test
    void aFaithfulMapIsFullyTrustworthy() {
        double[][] line = {{0, 1, 3, 6, 10, 15, 21}};
        float[][] distances = distances(line);
        assertThat(Trustworthiness.of(distances, line, 2)).containsOnly(1);
        double[][] folded = {{0, 1, 3, 6, 0.1, 1.1, 3.1}};
        assertThat(Arrays.stream(Trustworthiness.of(distances, folded, 2)).average().orElseThrow()).isLessThan(0.8);
        assertThat(Trustworthiness.of(new float[4][4], new double[2][4], 2)).isEmpty();
    }

    @Test
    void umapKeepsGroupsApartAndRepeatsItself() {
        int n = 60;
        float[][] distances = new float[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                distances[i][j] = i == j ? 0 : i % 3 == j % 3 ? 0.1f + 0.001f * Math.abs(i - j) : 1;
            }
        }
        UmapLayout layout = new UmapLayout(10, 200);
        double[][] map = layout.layOut(distances, 2, 5);
        assertThat(Arrays.deepEquals(map, layout.layOut(distances, 2, 5))).isTrue();
        double trust = Arrays.stream(Trustworthiness.of(distances, map, 10)).average().orElseThrow();
        assertThat(trust).isGreaterThan(0.85);
        assertThat(layout.layOut(distances, 3, 5)).hasDimensions(3, n);
    }

    private static float[][] distances(double[][] line) {
        int n = line[0].length;
        float[][] distances = new float[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                distances[i][j] = (float) Math.abs(line[0][i] - line[0][j]);
            }
        }
        return distances;
    }
}
