package org.sae4j.api.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.stats.Statistics;

class EstimateTest {
    private static Estimate estimate(double value, double low, double high) {
        return new Estimate(value, new Interval(low, high, 0.95, "given"), 20);
    }

    private static String direction(Estimate estimate) {
        return estimate.verdict(0, "rises", "falls", "does not change measurably");
    }

    @Test
    void aDirectionNeedsTheWholeIntervalOnOneSide() {
        assertThat(direction(estimate(0.2, 0.1, 0.3))).isEqualTo("rises");
        assertThat(direction(estimate(-0.2, -0.3, -0.1))).isEqualTo("falls");
        assertThat(direction(estimate(0.2, -0.1, 0.5))).isEqualTo("does not change measurably");
        assertThat(direction(estimate(-1e-5, -2e-5, 1e-6))).isEqualTo("does not change measurably");
        assertThat(direction(estimate(0.2, 0, 0.5))).isEqualTo("does not change measurably");
        assertThat(direction(estimate(0.2, Double.NaN, Double.NaN))).isEqualTo("does not change measurably");
    }

    @Test
    void aChangeIsNamedByItsInterval() {
        assertThat(estimate(0.2, 0.1, 0.3).change("rises", "falls", "nats")).isEqualTo("rises by 0.20 [0.10, 0.30] nats");
        assertThat(estimate(-0.2, -0.3, -0.1).change("rises", "falls", "nats")).isEqualTo("falls by 0.20 [0.10, 0.30] nats");
        assertThat(estimate(-0.2, -0.3, 0.1).change("rises", "falls", "")).isEqualTo("does not change measurably (-0.20 [-0.30, 0.10])");
        assertThat(new Estimate(-1e-5, new Interval(Double.NaN, Double.NaN, 0.95, "none"), 1).change("rises", "falls", "nats"))
                .isEqualTo("changes by -1.00e-05 nats (no interval, n = 1)");
    }

    @Test
    void thereIsNoRatioOverANumberThatMayBeZero() {
        assertThat(estimate(0.7, 0.6, 0.8).ratio(estimate(0.1, 0.05, 0.15))).hasValueCloseTo(7.0, within(1e-12));
        assertThat(estimate(0.7, 0.6, 0.8).ratio(estimate(1e-6, -1e-6, 3e-6))).isEmpty();
        assertThat(estimate(0.7, -0.6, 0.8).ratio(estimate(0.1, 0.05, 0.15))).isEmpty();
        assertThat(estimate(0.7, 0.6, 0.8).ratio(estimate(0.1, Double.NaN, Double.NaN))).isEmpty();
    }

    @Test
    void numbersHaveTheDecimalsThatTheirIntervalSupports() {
        assertThat(estimate(0.41234, 0.3771, 0.4509).text()).isEqualTo("0.412 [0.377, 0.451]");
        assertThat(estimate(12.3456, 9.1, 15.2).text()).isEqualTo("12.3 [9.1, 15.2]");
        assertThat(estimate(-0.00001, -0.02, 0.01).text()).isEqualTo("0.000 [-0.020, 0.010]");
        assertThat(estimate(3.1e-9, 1e-9, 5e-9).text()).isEqualTo("3.10e-09 [1.00e-09, 5.00e-09]");
        assertThat(estimate(1, 1, 1).text()).isEqualTo("1.000 [1.000, 1.000]");
        assertThat(new Estimate(0.5, new Interval(Double.NaN, Double.NaN, 0.95, "none"), 1).text()).isEqualTo("0.500 (no interval, n = 1)");
        assertThat(Estimate.number(Double.NaN)).isEqualTo("undefined");
        assertThat(Estimate.number(-0.0)).isEqualTo("0");
        assertThat(Estimate.number(128.4)).isEqualTo("128");
        assertThat(Estimate.number(0.041234)).isEqualTo("0.0412");
        assertThat(Estimate.number(Double.NEGATIVE_INFINITY)).isEqualTo("minus infinite");
    }

    @Test
    void anotherUnitKeepsWhatIsKnown() {
        Estimate percent = estimate(0.2, 0.1, 0.3).times(100);
        assertThat(percent.value()).isCloseTo(20, within(1e-12));
        assertThat(percent.interval().high()).isCloseTo(30, within(1e-12));
        assertThatThrownBy(() -> estimate(1, 0, 2).times(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    /** Two of two that agree are no certainty: Student's t with one degree of freedom is wide. */
    @Test
    void fewObservationsAreNotBootstrapped() {
        CounterRandom random = new CounterRandom(1);
        Estimate two = Statistics.meanEstimate(new double[] {0.1, 0.3}, 1000, "facts", random);
        assertThat(two.interval().low()).isCloseTo(0.2 - 12.706204736 * 0.1, within(1e-9));
        assertThat(two.above(0)).isFalse();
        assertThat(two.interval().method()).startsWith("Student's t");
        assertThat(Statistics.meanEstimate(new double[] {0.1}, 1000, "facts", random).hasInterval()).isFalse();
        assertThat(Statistics.meanEstimate(new double[0], 1000, "facts", random).value()).isNaN();
        Estimate six = Statistics.meanEstimate(new double[] {0.1, 0.3, 0.2, 0.2, 0.1, 0.4}, 1000, "facts", random);
        assertThat(six.interval().method()).startsWith("percentile bootstrap");
        assertThat(six.above(0)).isTrue();
    }

    /** Newcombe (1998), table I, method 3. */
    @Test
    void sharesHaveWilsonIntervals() {
        share(81, 263, 0.2553, 0.3662);
        share(15, 148, 0.0624, 0.1605);
        share(0, 20, 0, 0.1611);
        share(29, 29, 0.8830, 1);
        assertThat(Statistics.shareEstimate(0, 0, "edits").hasInterval()).isFalse();
        assertThatThrownBy(() -> Statistics.shareEstimate(3, 2, "edits")).isInstanceOf(IllegalArgumentException.class);
    }

    private static void share(int successes, int n, double low, double high) {
        Interval interval = Statistics.shareEstimate(successes, n, "edits").interval();
        assertThat(interval.low()).isCloseTo(low, within(1e-4));
        assertThat(interval.high()).isCloseTo(high, within(1e-4));
    }

    @Test
    void comparisonsAreDecidedByTheDifference() {
        CounterRandom random = new CounterRandom(2);
        double[] control = random.stream("control").doubles(40).toArray();
        double[] shifted = new double[control.length];
        for (int i = 0; i < shifted.length; i++) {
            shifted[i] = control[i] + 0.01;
        }
        // The intervals of the means overlap almost entirely; pair by pair the difference is certain.
        Comparison pairs = Statistics.comparePairs(shifted, control, 1000, "pairs", random);
        assertThat(pairs.verdict("more", "less", "neither")).isEqualTo("more");
        Comparison samples = Statistics.compareSamples(shifted, control, 1000, "cases", random);
        assertThat(samples.verdict("more", "less", "neither")).isEqualTo("neither");
        assertThat(samples.difference().value()).isCloseTo(0.01, within(1e-12));
        assertThat(Statistics.compareSamples(new double[] {1, 2, 3}, new double[] {9, 8, 9}, 100, "cases", random)
                .verdict("more", "less", "neither")).isEqualTo("less");
        assertThat(Statistics.compareSamples(new double[] {1}, control, 100, "cases", random).difference().hasInterval()).isFalse();
        assertThatThrownBy(() -> Statistics.comparePairs(shifted, new double[3], 100, "pairs", random))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
