package org.sae4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.GradientPlan.Objective;
import org.sae4j.api.model.Gradients;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.HookPoint.Site;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.testkit.SmallModels;

/** Gradients of a model: metrics, edits, constants, prefixes, and what is refused. */
class GradientsTest {
    private static final int[][] TOKENS = {{1, 5, 2, 7, 4}, {3, 3, 0, 4, 6}, {2, 1, 1, 0, 9}};
    private static final HookPoint MIDDLE = HookPoint.residPre(1);

    private final Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
    private final TransformerConfig config = SmallModels.config(3, TransformerConfig.Activation.GELU);
    private final Transformer model = model(engine);

    private Transformer model(Engine on) {
        return Transformers.of(config, SmallModels.parameters(config, 5), Optional.empty(), on);
    }

    @AfterEach
    void close() {
        model.close();
        engine.close();
    }

    private Gradients gradients(Objective metric, HookPoint... by) {
        return model.gradients(TOKENS, GradientPlan.of(metric).by(by).build());
    }

    private Tensor logits(int[][] tokens) {
        return model.forward(tokens, ForwardPlan.logits()).logits();
    }

    private static double logProbability(Tensor logits, int row, int position, int token) {
        int vocabulary = logits.dim(2);
        long at = ((long) row * logits.dim(1) + position) * vocabulary;
        double sum = IntStream.range(0, vocabulary).mapToDouble(t -> Math.exp(logits.get(at + t))).sum();
        return logits.get(at + token) - Math.log(sum);
    }

    private static Tensor random(int seed, int... shape) {
        CounterRandom random = new CounterRandom(seed).stream("gradients");
        float[] values = new float[IntStream.of(shape).reduce(1, Math::multiplyExact)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, shape);
    }

    private static void assertClose(Tensor actual, Tensor expected, double tolerance) {
        assertThat(actual.shape()).containsExactly(expected.shape());
        for (int i = 0; i < actual.size(); i++) {
            assertThat((double) actual.get(i)).as("element %d", i).isCloseTo(expected.get(i), within(tolerance));
        }
    }

    @Test
    void metricsHaveTheirValuesRowByRow() {
        Tensor logits = logits(TOKENS);
        float[] reference = new float[config.dVocab()];
        reference[3] = 0.25f;
        reference[8] = 0.75f;
        Tensor weights = random(1, model.shape(MIDDLE, 3, 5));
        Objective metric = Objective.logit(0, -1, 4).minus(Objective.logit(0, 4, 2)).plus(Objective.logProbability(1, 0, 7).times(3))
                .plus(Objective.divergence(2, -2, Tensor.of(reference, config.dVocab()))).plus(Objective.functional(MIDDLE, weights).times(0.5));
        Gradients gradients = gradients(metric, MIDDLE);
        Tensor middle = model.forward(TOKENS, ForwardPlan.capture(MIDDLE)).get(MIDDLE);
        double[] functional = new double[3];
        for (int i = 0; i < middle.size(); i++) {
            functional[i / (5 * config.dModel())] += 0.5 * middle.get(i) * weights.get(i);
        }
        int vocabulary = config.dVocab();
        assertThat(gradients.value(0)).isCloseTo((double) logits.get(4L * vocabulary + 4) - logits.get(4L * vocabulary + 2) + functional[0],
                within(1e-4));
        assertThat(gradients.value(1)).isCloseTo(3 * logProbability(logits, 1, 0, 7) + functional[1], within(1e-4));
        assertThat(gradients.value(2)).isCloseTo(0.25 * (Math.log(0.25) - logProbability(logits, 2, 3, 3))
                + 0.75 * (Math.log(0.75) - logProbability(logits, 2, 3, 8)) + functional[2], within(1e-4));
        assertThat(gradients.value()).isCloseTo(gradients.value(0) + gradients.value(1) + gradients.value(2), within(1e-9));
        assertThat(gradients.hooks()).containsExactly(MIDDLE);
        assertThat(gradients.get(MIDDLE).shape()).containsExactly(3, 5, config.dModel());
        assertThat(gradients.activations().hooks()).isEmpty();
    }

    @Test
    void theGradientOfAFunctionalByItsOwnHookPointIsItsWeights() {
        Tensor weights = random(2, model.shape(MIDDLE, 3, 5));
        assertClose(gradients(Objective.functional(MIDDLE, weights).times(2), MIDDLE).get(MIDDLE), scaled(weights, 2), 0);
        Tensor all = random(3, model.shape(HookPoint.LOGITS, 3, 5));
        assertClose(gradients(Objective.functional(HookPoint.LOGITS, all), HookPoint.LOGITS).get(HookPoint.LOGITS), all, 0);
    }

    private static Tensor scaled(Tensor x, float factor) {
        float[] values = x.toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] *= factor;
        }
        return Tensor.of(values, x.shape());
    }

    @Test
    void rowsOfABatchHaveTheGradientsThatTheyHaveAlone() {
        Objective metric = Objective.logProbability(0, -1, 4).plus(Objective.logProbability(1, -1, 2)).plus(Objective.logProbability(2, 2, 7));
        Tensor all = gradients(metric, MIDDLE).get(MIDDLE);
        Tensor alone = model.gradients(new int[][] {TOKENS[1]}, GradientPlan.of(Objective.logProbability(0, -1,
                2)).by(MIDDLE).build()).get(MIDDLE);
        assertClose(all.slice(1).reshape(1, 5, config.dModel()), alone, 1e-6);
        // Later positions than that of the metric do not matter to it.
        for (int i = 3 * config.dModel(); i < 5 * config.dModel(); i++) {
            assertThat(all.slice(2).get(i)).isZero();
        }
    }

    @Test
    void anEditedHookPointHasTheGradientByTheEditedValue() {
        HookPoint mlp = new HookPoint(Site.MLP_OUT, 1);
        Tensor vector = random(4, 2, config.dModel());
        int[] rows = {4, 12};
        for (boolean set : new boolean[] {false, true}) {
            ForwardPlan.Builder forward = ForwardPlan.builder().capture(mlp);
            ForwardPlan plan = (set ? forward.set(mlp, rows, vector) : forward.add(mlp, rows, vector)).build();
            Objective metric = Objective.logProbability(0, -1, 4).plus(Objective.logProbability(2, -1, 7));
            HookPoint before = HookPoint.mlpPost(1);
            Gradients gradients = model.gradients(TOKENS, GradientPlan.of(metric).by(mlp, before).through(plan).build());
            double[] actual = new double[2];
            double[] moved = new double[2];
            float step = 1f / 64;
            Tensor direction = random(5, 2, config.dModel());
            for (int r = 0; r < 2; r++) {
                for (int i = 0; i < config.dModel(); i++) {
                    actual[0] += gradients.get(mlp).get((long) rows[r] * config.dModel() + i) * direction.get((long) r * config.dModel()
                            + i);
                }
            }
            for (int sign = -1; sign <= 1; sign += 2) {
                float[] values = vector.toArray();
                for (int i = 0; i < values.length; i++) {
                    values[i] += sign * step * direction.get(i);
                }
                Tensor changed = Tensor.of(values, 2, config.dModel());
                ForwardPlan.Builder again = ForwardPlan.builder().capture(HookPoint.LOGITS);
                Tensor logits = model.forward(TOKENS, (set ? again.set(mlp, rows, changed) : again.add(mlp, rows,
                        changed)).build()).logits();
                moved[(sign + 1) / 2] = logProbability(logits, 0, 4, 4) + logProbability(logits, 2, 4, 7);
            }
            assertThat(actual[0]).isCloseTo((moved[1] - moved[0]) / (2 * step), within(5e-3));
            assertThat(gradients.activations().get(mlp)).isNotNull();
            // What lies before a value that was set has no influence; before one that was added to it has.
            boolean none = IntStream.range(0, config.dMlp()).allMatch(i -> gradients.get(before).get(4L * config.dMlp() + i) == 0);
            assertThat(none).isEqualTo(set);
        }
    }

    @Test
    void passesBehindAPrefixAndFromABlockHaveTheGradientsOfWholePasses() {
        Objective metric = Objective.logProbability(0, -1, 4).plus(Objective.divergence(1, -1, Tensor.of(uniform(), config.dVocab())));
        HookPoint later = new HookPoint(Site.MLP_OUT, 1);
        HookPoint query = new HookPoint(Site.Q, 2);
        Gradients whole = gradients(metric, later, query);
        ForwardPlan cached = ForwardPlan.builder().capture(model.cacheHooks().toArray(HookPoint[]::new)).capture(MIDDLE).build();
        var prefix = model.forward(TOKENS, cached);
        int[][] rest = {{7, 4}, {4, 6}, {0, 9}};
        Gradients behind = model.gradients(rest, GradientPlan.of(metric).by(later, query)
                .through(ForwardPlan.builder().capture(later).after(prefix, 3).build()).build());
        Gradients from = model.gradients(TOKENS, GradientPlan.of(metric).by(later, query)
                .through(ForwardPlan.builder().capture(later).startAt(1, prefix.get(MIDDLE)).build()).build());
        assertThat(behind.value()).isCloseTo(whole.value(), within(1e-6));
        for (int row = 0; row < 3; row++) {
            for (int i = 0; i < 2 * config.dModel(); i++) {
                assertThat(behind.get(later).slice(row).get(i)).isCloseTo(whole.get(later).slice(row).get(3L * config.dModel() + i),
                        within(1e-5f));
            }
        }
        assertClose(from.get(later), whole.get(later), 1e-6);
        assertClose(from.get(query), whole.get(query), 1e-6);
    }

    private float[] uniform() {
        float[] p = new float[config.dVocab()];
        java.util.Arrays.fill(p, 1f / p.length);
        return p;
    }

    @Test
    void withEverythingButValuesConstantAttentionIsLinear() {
        HookPoint z = new HookPoint(Site.Z, 2);
        HookPoint v = new HookPoint(Site.V, 2);
        HookPoint pattern = new HookPoint(Site.PATTERN, 2);
        Tensor weights = random(6, model.shape(z, 3, 5));
        Gradients gradients = model.gradients(TOKENS, GradientPlan.of(Objective.functional(z, weights)).by(v).constant(pattern)
                .through(ForwardPlan.capture(v)).build());
        Tensor value = gradients.activations().get(v);
        double linear = 0;
        for (int i = 0; i < value.size(); i++) {
            linear += (double) value.get(i) * gradients.get(v).get(i);
        }
        assertThat(linear).isCloseTo(gradients.value(), within(1e-4));
        assertThatIllegalArgumentException().isThrownBy(() -> model.gradients(TOKENS, GradientPlan.of(Objective.functional(z, weights))
                .by(new HookPoint(Site.K, 2)).constant(pattern).build())).withMessageContaining("changes none of");
    }

    @Test
    void resultsAreTheSameForAnyNumberOfThreads() {
        Objective metric = Objective.logProbability(0, -1, 4).plus(Objective.logProbability(2, 2, 7));
        HookPoint[] by = model.hookPoints().stream().filter(hook -> hook.layer() == 0 && !hook.site().equals(Site.LN1_SCALE)
                && !hook.site().equals(Site.LN2_SCALE)).toArray(HookPoint[]::new);
        Gradients one;
        try (Engine single = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of())); Transformer alone = model(single)) {
            one = alone.gradients(TOKENS, GradientPlan.of(metric).by(by).build());
        }
        try (Engine several = Engines.open("cpu", new EngineOptions(Optional.empty(), 3, Map.of())); Transformer other = model(several)) {
            Gradients three = other.gradients(TOKENS, GradientPlan.of(metric).by(by).build());
            for (HookPoint hook : by) {
                assertThat(three.get(hook).toArray()).as("%s", hook).containsExactly(one.get(hook).toArray());
            }
        }
    }

    @Test
    void plansThatDoNotFitAreRefused() {
        Objective metric = Objective.logProbability(0, -1, 4);
        refused(metric, new HookPoint(Site.RESID_PRE, 7), "gradient by the value of blocks.7.hook_resid_pre", "3 blocks");
        refused(metric, new HookPoint(Site.LN1_SCALE, 1), "no gradient by or of blocks.1.ln1.hook_scale");
        refused(Objective.functional(HookPoint.residPre(0), random(1, model.shape(HookPoint.residPre(0), 3, 5))), HookPoint.residPre(2),
                "blocks.2.hook_resid_pre changes none of [blocks.0.hook_resid_pre]");
        refused(Objective.logProbability(3, -1, 4), MIDDLE, "row 3", "from 0 to 2");
        refused(Objective.logProbability(0, 5, 4), MIDDLE, "position 5", "from -5 to 4");
        refused(Objective.logit(0, 0, config.dVocab()), MIDDLE, "token ids are from 0 to");
        refused(Objective.divergence(0, 0, Tensor.zeros(3)), MIDDLE, "a probability for each of the");
        refused(Objective.functional(MIDDLE, Tensor.zeros(3, 4, 5)), MIDDLE, "expected shape [3, 5, 12], found");
        assertThatIllegalArgumentException().isThrownBy(() -> GradientPlan.of(metric).build()).withMessageContaining("name hook points");
        assertThatIllegalArgumentException().isThrownBy(() -> metric.times(Double.NaN)).withMessageContaining("finite");
        assertThatIllegalArgumentException().isThrownBy(() -> model.gradients(new int[0][], GradientPlan.of(metric).by(MIDDLE).build()))
                .withMessageContaining("at least one row");
        assertThatIllegalArgumentException().isThrownBy(() -> model.gradients(TOKENS, GradientPlan.of(metric).by(MIDDLE)
                .through(ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(0).build()).build())).withMessageContaining("add it to logitsAt");
        assertThatIllegalArgumentException().isThrownBy(() -> gradients(metric, MIDDLE).get(HookPoint.EMBED))
                .withMessageContaining("no gradient by hook_embed was asked for");
    }

    private void refused(Objective metric, HookPoint by, String... words) {
        var thrown = assertThatIllegalArgumentException().isThrownBy(() -> gradients(metric, by));
        List.of(words).forEach(thrown::withMessageContaining);
    }

    @Test
    void aClosedModelIsRefused() {
        Gradients before = gradients(Objective.logProbability(0, -1, 4), MIDDLE);
        model.close();
        assertThatThrownBy(() -> gradients(Objective.logProbability(0, -1, 4), MIDDLE)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
        assertThat(before.get(MIDDLE).size()).isPositive();
    }

    @Test
    void capturesComeWithTheGradients() {
        ForwardPlan forward = ForwardPlan.builder().capture(HookPoint.LOGITS, MIDDLE).build();
        Gradients gradients = model.gradients(TOKENS, GradientPlan.of(Objective.logit(1, 2, 3)).by(MIDDLE).through(forward).build());
        assertThat(gradients.activations().hooks()).isEqualTo(Set.of(HookPoint.LOGITS, MIDDLE));
        assertClose(gradients.activations().logits(), logits(TOKENS), 1e-5);
    }
}
