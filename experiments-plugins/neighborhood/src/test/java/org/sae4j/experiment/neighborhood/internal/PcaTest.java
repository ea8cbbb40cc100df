package org.sae4j.experiment.neighborhood.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.testkit.ReferenceEngine;

class PcaTest {
    @Test
    void sharesOfAKnownSpectrum() {
        // Points on the axes at +-a_j: the covariance is diagonal with a_j^2.
        double[] a = {4, 3, 2, 1};
        float[] data = new float[8 * 4];
        for (int j = 0; j < 4; j++) {
            data[2 * j * 4 + j] = (float) a[j];
            data[(2 * j + 1) * 4 + j] = (float) -a[j];
        }
        try (ReferenceEngine engine = new ReferenceEngine()) {
            Pca pca = Pca.of(data, 8, 4, 6, engine, new CounterRandom(1));
            assertThat(pca.shares()).containsExactly(new double[] {16 / 30.0, 9 / 30.0, 4 / 30.0, 1 / 30.0, 0, 0}, within(1e-9));
            assertThat(pca.coordinates()[0]).containsExactly(new double[] {4, -4, 0, 0, 0, 0, 0, 0}, within(1e-6));
        }
    }

    @Test
    void leadingSharesOfWideDataAgreeWithTheExactOnes() {
        // 300 columns, more than the Lanczos steps: a decaying spectrum along the axes, known in closed form.
        int width = 300;
        float[] data = new float[2 * width * width];
        double[] variances = new double[width];
        for (int j = 0; j < width; j++) {
            double size = Math.pow(0.99, j);
            variances[j] = size * size;
            data[2 * j * width + j] = (float) size;
            data[(2 * j + 1) * width + j] = (float) -size;
        }
        double total = Arrays.stream(variances).sum();
        try (ReferenceEngine engine = new ReferenceEngine()) {
            double[] shares = Pca.of(data, 2 * width, width, 5, engine, new CounterRandom(1)).shares();
            for (int c = 0; c < 5; c++) {
                assertThat(shares[c]).isCloseTo(variances[c] / total, within(1e-6));
            }
        }
    }

    @Test
    void rowsThatDoNotVaryHaveNoComponents() {
        try (ReferenceEngine engine = new ReferenceEngine()) {
            Pca pca = Pca.of(new float[] {1, 2, 1, 2}, 2, 2, 2, engine, new CounterRandom(1));
            assertThat(pca.shares()).containsOnly(Double.NaN);
            assertThat(pca.coordinates()[0]).containsOnly(0);
        }
    }
}
