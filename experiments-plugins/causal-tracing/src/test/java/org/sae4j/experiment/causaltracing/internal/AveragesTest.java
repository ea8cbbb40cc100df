package org.sae4j.experiment.causaltracing.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.sae4j.api.experiment.Interval;

class AveragesTest {
    /** Newcombe (1998), table I, method 3. */
    @Test
    void sharesHaveWilsonIntervals() {
        check(81, 263, 0.2553, 0.3662);
        check(15, 148, 0.0624, 0.1605);
        check(0, 20, 0, 0.1611);
        check(29, 29, 0.8830, 1);
    }

    private static void check(int successes, int n, double low, double high) {
        Interval interval = Averages.share(successes, n, "edits");
        assertThat(interval.low()).isCloseTo(low, within(1e-4));
        assertThat(interval.high()).isCloseTo(high, within(1e-4));
    }
}
