package org.sae4j.api.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.Interval;

/** Expected numbers are NumPy's, or computed by hand from the definitions. */
class StatisticsTest {
    private static final double[] X = {1, 2, 2, 3, 5, 8, 13};
    private static final double[] Y = {2, 1, 4, 3, 7, 7, 20};

    @Test
    void momentsAndQuantiles() {
        assertThat(Statistics.mean(X)).isCloseTo(34 / 7.0, within(1e-15));
        assertThat(Statistics.standardDeviation(X)).isCloseTo(4.298393941484479, within(1e-12));
        assertThat(Statistics.quantile(X, 0.1)).isCloseTo(1.6, within(1e-12));
        assertThat(Statistics.quantile(X, 0.5)).isEqualTo(3);
        assertThat(Statistics.quantile(X, 0.77)).isCloseTo(6.86, within(1e-12));
        assertThat(Statistics.quantile(new double[] {3, 1, 2}, 1)).isEqualTo(3);
        assertThatThrownBy(() -> Statistics.quantile(X, 1.1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Statistics.quantile(X, Double.NaN)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void emptySamplesHaveNoMoments() {
        double[] none = {};
        assertThat(Statistics.mean(none)).isNaN();
        assertThat(Statistics.standardDeviation(new double[] {1})).isNaN();
        assertThat(Statistics.quantile(none, 0.5)).isNaN();
        assertThat(Statistics.ranks(none)).isEmpty();
    }

    @Test
    void ranksShareTies() {
        assertThat(Statistics.ranks(new double[] {5, 1, 5, 3})).containsExactly(3.5, 1, 3.5, 2);
        assertThat(Statistics.ranks(new double[] {0.0, -0.0, -1})).containsExactly(2.5, 2.5, 1);
        assertThat(Statistics.ranks(new double[] {Double.NaN, 1, Double.POSITIVE_INFINITY, Double.NaN})).containsExactly(3.5, 1, 2, 3.5);
    }

    @Test
    void correlations() {
        assertThat(Statistics.pearson(X, Y)).isCloseTo(0.9480965491666478, within(1e-12));
        assertThat(Statistics.spearman(X, Y)).isCloseTo(0.8727272727272728, within(1e-12));
        assertThat(Statistics.pearson(X, new double[7])).isNaN();
        assertThat(Statistics.pearson(X, Arrays.stream(X).map(x -> -2 * x).toArray())).isCloseTo(-1, within(1e-15));
        assertThatThrownBy(() -> Statistics.pearson(X, new double[6])).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("7").hasMessageContaining("6");
    }

    @Test
    void aurocCountsPairs() {
        double[] scores = {1, 4, 5, 5, 9, 2, 2, 5, 1, 0, 3};
        boolean[] positive = {true, true, true, true, true, false, false, false, false, false, false};
        assertThat(Statistics.auroc(scores, positive)).isCloseTo(0.7833333333333333, within(1e-12));
        assertThat(Statistics.aurocOfRanks(Statistics.ranks(scores), new int[] {0, 1, 2, 3, 4})).isCloseTo(0.7833333333333333,
                within(1e-12));
        assertThat(Statistics.mannWhitneyP(scores, positive)).isCloseTo(0.11560643738731956, within(1e-7));
        assertThat(Statistics.auroc(new double[] {1, 2}, new boolean[] {true, true})).isNaN();
        assertThat(Statistics.mannWhitneyP(new double[] {1, 2}, new boolean[] {false, false})).isNaN();
    }

    @Test
    void aurocIsTheShareOfPairsWon() {
        CounterRandom random = new CounterRandom(1);
        for (int round = 0; round < 100; round++) {
            int n = 2 + random.nextInt(30);
            double[] scores = new double[n];
            boolean[] positive = new boolean[n];
            for (int i = 0; i < n; i++) {
                scores[i] = random.nextInt(5);
                positive[i] = i == 0 || i > 1 && random.nextBoolean();
            }
            double won = 0;
            double pairs = 0;
            for (int i = 0; i < n; i++) {
                for (int j = 0; j < n; j++) {
                    if (positive[i] && !positive[j]) {
                        won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
                        pairs++;
                    }
                }
            }
            assertThat(Statistics.auroc(scores, positive)).isCloseTo(won / pairs, within(1e-12));
        }
    }

    @Test
    void scoresThatNeverVaryProveNothing() {
        for (int n : new int[] {3, 1000, 300_001}) {
            double[] scores = new double[n];
            boolean[] positive = new boolean[n];
            positive[0] = true;
            assertThat(Statistics.auroc(scores, positive)).isEqualTo(0.5);
            assertThat(Statistics.mannWhitneyP(scores, positive)).isEqualTo(1);
        }
    }

    @Test
    void normalTails() {
        assertThat(Statistics.normalUpperTail(0)).isCloseTo(0.5, within(1e-7));
        assertThat(Statistics.normalUpperTail(1)).isCloseTo(0.15865525393145707, withinPercentage(2e-5));
        assertThat(Statistics.normalUpperTail(1.959963984540054)).isCloseTo(0.025, withinPercentage(2e-5));
        assertThat(Statistics.normalUpperTail(5)).isCloseTo(2.866515718791946e-07, withinPercentage(2e-5));
        assertThat(Statistics.normalUpperTail(10)).isCloseTo(7.619853024160593e-24, withinPercentage(2e-5));
        assertThat(Statistics.normalUpperTail(37)).isCloseTo(5.725571222525139e-300, withinPercentage(2e-5));
        assertThat(Statistics.normalUpperTail(-1)).isCloseTo(0.8413447460685429, within(1e-7));
        assertThat(Statistics.normalUpperTail(Double.NaN)).isNaN();
    }

    @Test
    void benjaminiHochbergByHand() {
        assertThat(Statistics.benjaminiHochberg(new double[] {0.01, 0.04, 0.03, 0.005, 0.5}))
                .containsExactly(new double[] {0.025, 0.05, 0.05, 0.025, 0.5}, offset(1e-15));
        assertThat(Statistics.benjaminiHochberg(new double[] {0.9, 0.8})).containsExactly(0.9, 0.9);
    }

    @Test
    void casesThatWereNotTestedDoNotCount() {
        assertThat(Statistics.benjaminiHochberg(new double[] {0.01, Double.NaN, 0.02})).containsExactly(0.02, Double.NaN, 0.02);
    }

    @Test
    void falseDiscoveriesStayBelowTheRate() {
        CounterRandom random = new CounterRandom(2);
        double discoveredShare = 0;
        int rounds = 300;
        for (int round = 0; round < rounds; round++) {
            double[] p = new double[50];
            for (int i = 0; i < p.length; i++) {
                p[i] = i < 10 ? random.nextDouble() * 1e-4 : random.nextDouble();
            }
            double[] adjusted = Statistics.benjaminiHochberg(p);
            int all = 0;
            int wrong = 0;
            for (int i = 0; i < p.length; i++) {
                all += adjusted[i] <= 0.1 ? 1 : 0;
                wrong += i >= 10 && adjusted[i] <= 0.1 ? 1 : 0;
            }
            discoveredShare += all == 0 ? 0 : (double) wrong / all;
        }
        // The expectation is q m0 / m = 0.08.
        assertThat(discoveredShare / rounds).isCloseTo(0.08, within(0.02));
    }

    @Test
    void bootstrapIntervalsCoverTheMean() {
        CounterRandom random = new CounterRandom(3);
        int covered = 0;
        int rounds = 200;
        for (int round = 0; round < rounds; round++) {
            double[] sample = new double[50];
            Arrays.setAll(sample, i -> 3 + random.nextGaussian());
            Interval interval = Statistics.bootstrapMean(sample, 200, 0.9, "cases", random.stream(round));
            covered += interval.low() <= 3 && interval.high() >= 3 ? 1 : 0;
        }
        assertThat(covered / (double) rounds).isBetween(0.8, 0.96);
    }

    @Test
    void bootstrapSaysHowItWasMade() {
        Interval interval = Statistics.bootstrapMean(X, 100, 0.95, "documents", new CounterRandom(1));
        assertThat(interval.method()).isEqualTo("percentile bootstrap over documents, 100 resamples");
        assertThat(interval.level()).isEqualTo(0.95);
        assertThat(interval).isEqualTo(Statistics.bootstrapMean(X, 100, 0.95, "documents", new CounterRandom(1)));
        assertThat(Statistics.bootstrapMean(new double[0], 100, 0.95, "documents", new CounterRandom(1)).low()).isNaN();
        assertThatThrownBy(() -> Statistics.bootstrapMean(X, 0, 0.95, "documents", new CounterRandom(1)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Statistics.bootstrapMean(X, 100, 95, "documents", new CounterRandom(1)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void resamplesWithoutAValueAreLeftOut() {
        Interval interval = Statistics.bootstrap(2, drawn -> drawn[0] == drawn[1] ? Double.NaN : 4, 50, 0.95, "cases",
                new CounterRandom(1));
        assertThat(interval.low()).isEqualTo(4);
        assertThat(interval.high()).isEqualTo(4);
    }
}
