package org.sae4j.experiment.causaltracing.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class FluencyTest {
    @Test
    void repetitionHasNoEntropyAndDistinctTokensHaveTheMost() {
        assertThat(Fluency.entropy(new int[] {7, 7, 7, 7, 7})).isZero();
        // 8 pairs and 7 triples, all distinct: (2/3 log2 8 + 4/3 log2 7) / 2.
        assertThat(Fluency.entropy(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9}))
                .isCloseTo((2 / 3.0 * 3 + 4 / 3.0 * Math.log(7) / Math.log(2)) / 2, within(1e-12));
        // Pairs ab, ba, ab: entropy of (2/3, 1/3); triples aba, bab: 1 bit.
        double pairs = -(2 / 3.0 * Math.log(2 / 3.0) + 1 / 3.0 * Math.log(1 / 3.0)) / Math.log(2);
        assertThat(Fluency.entropy(new int[] {1, 2, 1, 2})).isCloseTo((2 / 3.0 * pairs + 4 / 3.0) / 2, within(1e-12));
    }
}
