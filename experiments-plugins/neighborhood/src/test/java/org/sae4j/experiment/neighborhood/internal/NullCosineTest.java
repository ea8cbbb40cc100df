package org.sae4j.experiment.neighborhood.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NullCosineTest {
    @Test
    void threeDimensionsAreUniformAndTwoAreAngles() {
        // Archimedes: the cosine with an axis is uniform on the sphere; in the plane the angle is.
        assertThat(new NullCosine(3).above(0.5)).isCloseTo(0.25, within(1e-9));
        assertThat(new NullCosine(3).above(-0.2)).isCloseTo(0.6, within(1e-9));
        assertThat(new NullCosine(2).above(0.5)).isCloseTo(1 / 3.0, within(1e-9));
        assertThat(new NullCosine(1).above(0)).isEqualTo(0.5);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 64, 512, 3072})
    void standardDeviationIsOneOverTheRootOfTheWidth(int width) {
        NullCosine expected = new NullCosine(width);
        int bins = 20_000;
        double variance = 0;
        for (int i = 0; i < bins; i++) {
            double low = 2.0 * i / bins - 1;
            double high = 2.0 * (i + 1) / bins - 1;
            variance += (expected.above(low) - expected.above(high)) * (low + high) * (low + high) / 4;
        }
        assertThat(Math.sqrt(variance)).isCloseTo(1 / Math.sqrt(width), within(1e-5));
    }

    @Test
    void medianOfTheLargestOfOneIsZero() {
        assertThat(new NullCosine(17).medianOfLargest(1)).isCloseTo(0, within(1e-9));
        // Uniform in three dimensions: (1 + t) / 2 to the power of 10 is one half.
        assertThat(new NullCosine(3).medianOfLargest(10)).isCloseTo(2 * Math.pow(0.5, 0.1) - 1, within(1e-8));
    }
}
