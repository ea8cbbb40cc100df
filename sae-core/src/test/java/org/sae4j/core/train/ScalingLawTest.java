package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.train.ScalingLaw.Pair;
import org.sae4j.core.train.ScalingLaw.Point;
import org.sae4j.core.train.ScalingLaw.PowerLaw;
import org.sae4j.engine.cpu.CpuEngineProvider;

class ScalingLawTest {
    @Test
    void aPowerLawIsFoundAgain() {
        double[] x = {1, 3, 10, 250};
        double[] y = new double[4];
        for (int i = 0; i < 4; i++) {
            y[i] = 7 * Math.pow(x[i], -0.3);
        }
        PowerLaw fit = PowerLaw.fit(x, y);
        assertThat(fit.coefficient()).isCloseTo(7, within(1e-9));
        assertThat(fit.exponent()).isCloseTo(-0.3, within(1e-9));
        assertThat(fit.r2()).isCloseTo(1, within(1e-9));
        assertThat(fit.at(100)).isCloseTo(7 * Math.pow(100, -0.3), within(1e-9));
        assertThatThrownBy(() -> PowerLaw.fit(new double[] {2, 2}, new double[] {1, 3})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> PowerLaw.fit(new double[] {1, 2}, new double[] {1, -3})).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @CsvSource({"0, 0.3", "0.05, 0.3", "0.2, 0.3", "0.05, 0.12", "0.2, 0.6"})
    void aFloorIsFoundAgain(double floor, double exponent) {
        double[] compute = new double[8];
        double[] loss = new double[8];
        for (int i = 0; i < 8; i++) {
            compute[i] = 1e9 * Math.pow(3, i);
            loss[i] = floor + 0.8 * Math.pow(compute[i] / 1e9, -exponent);
        }
        LossLaw law = LossLaw.fit(compute, loss);
        assertThat(law.floor()).isCloseTo(floor, within(0.05 * floor + 1e-3));
        assertThat(law.exponent()).isCloseTo(exponent, within(0.05 * exponent));
        assertThat(law.at(compute[7] * 10)).isCloseTo(floor + 0.8 * Math.pow(compute[7] / 1e8, -exponent), within(0.01));
        assertThat(law.floorHigh() - law.floorLow()).as("an exact law leaves no doubt").isLessThan(1e-3);
    }

    @Test
    void noiseWidensTheIntervalThatHoldsTheFloor() {
        int held = 0;
        for (int seed = 0; seed < 20; seed++) {
            CounterRandom random = new CounterRandom(seed);
            double[] compute = new double[12];
            double[] loss = new double[12];
            for (int i = 0; i < 12; i++) {
                compute[i] = Math.pow(2, i);
                loss[i] = (0.2 + 0.8 * Math.pow(compute[i], -0.4)) * Math.exp(0.01 * random.nextGaussian());
            }
            LossLaw law = LossLaw.fit(compute, loss);
            held += law.floorLow() <= 0.2 && 0.2 <= law.floorHigh() ? 1 : 0;
            assertThat(law.floorHigh() - law.floorLow()).isBetween(0.005, 0.3);
            assertThat(law.exponentLow()).isLessThanOrEqualTo(law.exponent());
        }
        assertThat(held).as("of 20 intervals of 95 %").isGreaterThanOrEqualTo(16);
    }

    /** With loss n^-a + s^-b, the least at given n s has n proportional to compute^(b / (a + b)). */
    @Test
    void theBestSizeGrowsAsTheorySays() {
        double a = 0.4;
        double b = 0.6;
        List<Point> points = new ArrayList<>();
        for (int n = 8; n <= 1 << 15; n *= 2) {
            for (long s = 8; s <= 1 << 15; s *= 2) {
                points.add(new Point(n, s, ScalingLaw.compute(10, n, 5, s), Math.pow(n, -a) + Math.pow(s, -b)));
            }
        }
        ScalingLaw law = ScalingLaw.of(points);
        assertThat(law.features().orElseThrow().exponent()).isCloseTo(b / (a + b), within(0.07));
        assertThat(law.loss().orElseThrow().exponent()).isCloseTo(a * b / (a + b), within(0.03));
        assertThat(law.steps().orElseThrow().exponent()).isCloseTo(a / (a + b), within(0.07));
        double last = 0;
        for (Point point : law.frontier()) {
            assertThat(points).noneMatch(other -> other.compute() <= point.compute() && other.loss() < point.loss());
            assertThat(point.compute()).isGreaterThan(last);
            last = point.compute();
        }
        assertThat(law.isExtrapolated(2 * last)).isTrue();
        double budget = ScalingLaw.compute(10, 300, 5, 400);
        assertThat(law.isExtrapolated(budget)).isFalse();
        Pair pair = law.recommend(budget, 10, 5, 8, 1 << 15);
        assertThat(ScalingLaw.compute(10, pair.dSae(), 5, pair.steps())).isLessThanOrEqualTo(budget)
                .isGreaterThan(0.95 * budget);
        double theory = Math.pow(300.0 * 400 * Math.pow(a / b, 1 / b), b / (a + b));
        assertThat((double) pair.dSae()).isBetween(theory / 1.7, theory * 1.7);
    }

    @Test
    void fewPointsGiveNoLawButAPair() {
        Point one = new Point(16, 100, 1e6, 3);
        ScalingLaw law = ScalingLaw.of(List.of(one, new Point(32, 100, 2e6, 4)));
        assertThat(law.frontier()).containsExactly(one);
        assertThat(law.loss()).isEmpty();
        assertThat(law.recommend(5e6, 4, 2, 16, 32)).isEqualTo(new Pair(16, 100));
        assertThatThrownBy(() -> ScalingLaw.of(List.of())).isInstanceOf(IllegalArgumentException.class);
    }

    /** On the batch of the next step, the compared loss is the one that training reports, in the recipe's scale. */
    @ParameterizedTest
    @CsvSource({"neel-run1, true", "anthropic-april-2024, true", "jumprelu, true", "bloom-2024-02, false", "openai-topk, false"})
    void theLossIsThatOfTraining(String name, boolean sameScale) {
        Tensor data = Planted.rows(Planted.dictionary(12, 9, 1), 32, 2, 0.1f, 2);
        Recipe small = Recipes.get(name).asPublished().with(Map.of("d_sae", "20", "batch", "32", "steps", "20", "lr", "1e-3", "normalize", "false"));
        Recipe recipe = small.hasK() ? small.with("k", "3") : small.with("l1_warm_up", "0");
        try (Engine engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
                Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.sequential(data)).build()) {
            for (int step = 0; step < 20; step++) {
                trainer.step();
            }
            TrainedSae trained = trainer.result();
            TrainingMetrics next = trainer.step();
            try (SparseAutoencoder sae = SparseAutoencoders.of(trained.config(), trained.parameters(), engine)) {
                double expected = sameScale ? next.loss() : next.l2() + switch (recipe.error()) {
                    case MEAN_OVER_NORM -> recipe.effectiveLambda(9) * meanNorm(data) * next.l1();
                    default -> 0;
                };
                assertThat(ScalingLaw.loss(recipe, sae, data)).isCloseTo(expected, within(2e-3 * expected));
            }
        }
        assertThatThrownBy(() -> ScalingLaw.checkComparable(Recipes.PAPER.asPublished())).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("error=sum");
    }

    private static double meanNorm(Tensor data) {
        double sum = 0;
        for (int row = 0; row < data.dim(0); row++) {
            double squares = 0;
            for (float value : data.row(row)) {
                squares += value * value;
            }
            sum += Math.sqrt(squares);
        }
        return sum / data.dim(0);
    }
}
