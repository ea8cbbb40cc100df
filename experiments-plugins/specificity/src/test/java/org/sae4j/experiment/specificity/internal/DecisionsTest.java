package org.sae4j.experiment.specificity.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.specificity.SpecificityResult.Decision;

class DecisionsTest {
    @Test
    void countsByHand() {
        double[] scores = {0, 1, 2, 3, 0};
        boolean[] positive = {false, false, true, true, true};
        Decision decision = Decisions.at(scores, positive, 0);
        assertThat(decision.precision()).isCloseTo(2 / 3.0, within(1e-12));
        assertThat(decision.recall()).isCloseTo(2 / 3.0, within(1e-12));
        assertThat(decision.trueNegativeRate()).isEqualTo(0.5);
        Decision best = Decisions.best(scores, positive);
        assertThat(best.threshold()).isEqualTo(1);
        assertThat(best.precision()).isEqualTo(1);
        assertThat(best.f1()).isCloseTo(0.8, within(1e-12));
    }

    @Test
    void theBestThresholdIsBestAmongAll() {
        CounterRandom random = new CounterRandom(3);
        for (int round = 0; round < 100; round++) {
            double[] scores = new double[20];
            boolean[] positive = new boolean[20];
            for (int i = 0; i < 20; i++) {
                scores[i] = random.nextInt(6);
                positive[i] = random.nextInt(3) == 0;
            }
            double best = Decisions.best(scores, positive).f1();
            for (double threshold = 0; threshold < 6; threshold++) {
                double f1 = Decisions.at(scores, positive, threshold).f1();
                assertThat(Double.isNaN(f1) || f1 <= best).isTrue();
            }
        }
    }

    @Test
    void intervalsResampleTheArea() {
        double[] scores = new double[200];
        boolean[] positive = new boolean[200];
        CounterRandom random = new CounterRandom(4);
        for (int i = 0; i < 200; i++) {
            positive[i] = i % 2 == 0;
            scores[i] = Math.max(0, random.nextGaussian() + (positive[i] ? 1 : 0));
        }
        Interval interval = Decisions.aurocInterval(scores, positive, 500, "cases", new CounterRandom(5));
        Interval plain = Statistics.bootstrap(200, drawn -> {
            double[] s = new double[200];
            boolean[] p = new boolean[200];
            for (int i = 0; i < 200; i++) {
                s[i] = scores[drawn[i]];
                p[i] = positive[drawn[i]];
            }
            return Statistics.auroc(s, p);
        }, 500, 0.95, "cases", new CounterRandom(5));
        assertThat(interval.low()).isCloseTo(plain.low(), within(1e-12));
        assertThat(interval.high()).isCloseTo(plain.high(), within(1e-12));
        assertThat(interval.method()).contains("500 resamples");
    }
}
