package org.sae4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.GradientPlan.Objective;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.coder.Splice;
import org.sae4j.testkit.SmallModels;

/** Autoencoders inside a model: values, and gradients by features and through them. */
class SpliceTest {
    private static final int[][] TOKENS = {{1, 5, 2, 7, 4}, {3, 3, 0, 4, 6}};
    private static final HookPoint EARLY = HookPoint.residPre(1);
    private static final HookPoint LATE = HookPoint.residPost(2);
    private static final int D_SAE = 13;

    private final Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
    private final TransformerConfig config = SmallModels.config(3, TransformerConfig.Activation.GELU);
    private final Transformer model = Transformers.of(config, SmallModels.parameters(config, 5), Optional.empty(), engine);

    @AfterEach
    void close() {
        model.close();
        engine.close();
    }

    private static float[] random(String name, double scale, int size) {
        CounterRandom random = new CounterRandom(8).stream(name);
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return values;
    }

    private SparseAutoencoder sae(String architecture, HookPoint hook) {
        SaeConfig.Builder builder = SaeConfig.builder(new SaeConfig.Architecture(architecture), config.dModel(), D_SAE).hook(hook);
        return sae(builder.k(architecture.endsWith("topk") ? 4 : 0).build());
    }

    private SparseAutoencoder sae(SaeConfig built) {
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        String at = built.hook() + " ";
        parameters.put("W_enc", Tensor.of(random(at + "W_enc", 0.5, built.dIn() * D_SAE), built.dIn(), D_SAE));
        boolean gated = built.architecture().name().equals("gated");
        parameters.put(gated ? "b_gate" : "b_enc", Tensor.of(random(at + "b_enc", 0.3, D_SAE), D_SAE));
        if (gated) {
            parameters.put("r_mag", Tensor.of(random(at + "r_mag", 0.3, D_SAE), D_SAE));
            parameters.put("b_mag", Tensor.of(random(at + "b_mag", 0.3, D_SAE), D_SAE));
        }
        if (built.architecture().name().equals("jump_relu")) {
            float[] thresholds = random(at + "threshold", 0.2, D_SAE);
            IntStream.range(0, D_SAE).forEach(i -> thresholds[i] = Math.abs(thresholds[i]));
            parameters.put("threshold", Tensor.of(thresholds, D_SAE));
        }
        parameters.put("W_dec", Tensor.of(random(at + "W_dec", 0.5, D_SAE * built.dOut()), D_SAE, built.dOut()));
        parameters.put("b_dec", Tensor.of(random(at + "b_dec", 0.3, built.dOut()), built.dOut()));
        return SparseAutoencoders.of(built, parameters, engine);
    }

    private static void assertClose(Tensor actual, Tensor expected, double tolerance) {
        assertThat(actual.shape()).containsExactly(expected.shape());
        for (int i = 0; i < actual.size(); i++) {
            assertThat((double) actual.get(i)).as("element %d", i).isCloseTo(expected.get(i), within(tolerance));
        }
    }

    private static Tensor flat(Tensor tensor) {
        return tensor.reshape(Math.toIntExact(tensor.size() / tensor.dim(-1)), tensor.dim(-1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"relu", "topk", "jump_relu", "gated"})
    void withItsErrorTheModelStaysAndFeaturesAreWhatIsEncoded(String architecture) {
        try (SparseAutoencoder sae = sae(architecture, EARLY); Transformer spliced = Transformers.spliced(model, sae, true)) {
            HookPoint features = Splice.features(EARLY);
            HookPoint recons = HookPoint.parse(EARLY + "." + Splice.RECONSTRUCTION).orElseThrow();
            assertThat(spliced.hookPoints()).containsAll(model.hookPoints()).contains(features, recons);
            Tensor x = model.forward(TOKENS, ForwardPlan.capture(EARLY)).get(EARLY);
            Activations captured = spliced.forward(TOKENS, ForwardPlan.builder().capture(features, recons, EARLY, HookPoint.LOGITS).build());
            assertClose(flat(captured.get(features)), sae.encode(x).toDense(), 1e-5);
            assertClose(captured.get(recons), sae.reconstruct(x), 1e-4);
            assertClose(captured.get(EARLY), x, 1e-5);
            assertClose(captured.logits(), model.forward(TOKENS, ForwardPlan.logits()).logits(), 1e-4);
            assertThat(captured.get(features).shape()).containsExactly(2, 5, D_SAE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"relu", "topk", "jump_relu", "gated"})
    void theGradientByAFeatureIsThatAlongItsDirection(String architecture) {
        try (SparseAutoencoder sae = sae(architecture, EARLY); Transformer spliced = Transformers.spliced(model, sae, true)) {
            Objective metric = Objective.logProbability(0, -1, 4).plus(Objective.logProbability(1, 2, 7));
            HookPoint features = Splice.features(EARLY);
            Tensor byFeatures = flat(spliced.gradients(TOKENS, GradientPlan.of(metric).by(features).build()).get(features));
            Tensor byValue = flat(model.gradients(TOKENS, GradientPlan.of(metric).by(EARLY).build()).get(EARLY));
            Tensor active = sae.encode(model.forward(TOKENS, ForwardPlan.capture(EARLY)).get(EARLY)).toDense();
            Tensor decoder = sae.parameters().get("W_dec");
            int seen = 0;
            for (int row = 0; row < 10; row++) {
                for (int i = 0; i < D_SAE; i++) {
                    double expected = 0;
                    for (int c = 0; c < config.dModel() && active.at(row, i) != 0; c++) {
                        expected += (double) byValue.at(row, c) * decoder.at(i, c);
                    }
                    seen += expected != 0 ? 1 : 0;
                    assertThat((double) byFeatures.at(row, i)).as("row %d, feature %d", row, i).isCloseTo(expected, within(1e-5));
                }
            }
            assertThat(seen).isPositive();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"relu", "gated"})
    void gradientsPassThroughFeatures(String architecture) {
        HookPoint before = HookPoint.residPre(0);
        try (SparseAutoencoder sae = sae(architecture, EARLY); Transformer spliced = Transformers.spliced(model, sae, false)) {
            Objective metric = Objective.logit(0, -1, 4).plus(Objective.logit(1, -1, 2));
            Tensor gradient = spliced.gradients(TOKENS, GradientPlan.of(metric).by(before).build()).get(before);
            checkAlong(spliced, metric, before, gradient, before);
        }
    }

    @Test
    void aFeaturesEffectOnLaterFeaturesIsAGradientByIt() {
        try (SparseAutoencoder early = sae("relu", EARLY); SparseAutoencoder late = sae("relu", LATE);
                Transformer first = Transformers.spliced(model, early, true); Transformer both = Transformers.spliced(first, late, true)) {
            HookPoint recons = HookPoint.parse(LATE + "." + Splice.RECONSTRUCTION).orElseThrow();
            Tensor weights = Tensor.of(random("weights", 1, 10 * config.dModel()), 2, 5, config.dModel());
            Objective metric = Objective.functional(recons, weights);
            HookPoint features = Splice.features(EARLY);
            Tensor byFeatures = both.gradients(TOKENS, GradientPlan.of(metric).by(features).build()).get(features);
            Tensor byValue = both.gradients(TOKENS, GradientPlan.of(metric).by(EARLY).build()).get(EARLY);
            Tensor decoder = early.parameters().get("W_dec");
            Tensor active = early.encode(model.forward(TOKENS, ForwardPlan.capture(EARLY)).get(EARLY)).toDense();
            for (int i = 0; i < byFeatures.size(); i++) {
                double expected = 0;
                for (int c = 0; c < config.dModel() && active.get(i) != 0; c++) {
                    expected += (double) flat(byValue).at(i / D_SAE, c) * decoder.at(i % D_SAE, c);
                }
                assertThat((double) byFeatures.get(i)).as("element %d", i).isCloseTo(expected, within(1e-4));
            }
            checkAlong(both, metric, EARLY, byValue, EARLY);
        }
    }

    /** A gradient along a random direction, against differences of the metric. */
    private static void checkAlong(Transformer model, Objective metric, HookPoint by, Tensor gradient, HookPoint edited) {
        int d = gradient.dim(-1);
        float[] direction = random("direction", 1, d);
        for (int position = 0; position < 5; position += 2) {
            double expected = 0;
            for (int c = 0; c < d; c++) {
                expected += (double) gradient.get((long) position * d + c) * direction[c];
            }
            double numeric = 0;
            float[][] steps = {{1f / 64, 8}, {-1f / 64, -8}, {1f / 32, -1}, {-1f / 32, 1}};
            for (float[] step : steps) {
                float[] moved = direction.clone();
                IntStream.range(0, d).forEach(c -> moved[c] *= step[0]);
                ForwardPlan plan = ForwardPlan.builder().capture(HookPoint.LOGITS).add(edited, new int[] {position}, Tensor.of(moved, 1, d)).build();
                numeric += step[1] * model.gradients(TOKENS, GradientPlan.of(metric).by(by).through(plan).build()).value() / (12f / 64);
            }
            assertThat(numeric).as("position %d", position).isCloseTo(expected, within(0.02 * Math.max(1, Math.abs(expected))));
        }
    }

    @Test
    void aTranscoderReadsOnePlaceAndActsAtAnother() {
        HookPoint reads = HookPoint.parse("blocks.1.ln2.hook_normalized").orElseThrow();
        HookPoint place = HookPoint.parse("blocks.1.hook_mlp_out").orElseThrow();
        SaeConfig built = SaeConfig.builder(SaeConfig.Architecture.RELU, config.dModel(), D_SAE).hook(reads)
                .transcoder(config.dModel(), Optional.of(place)).build();
        try (SparseAutoencoder coder = sae(built); Transformer spliced = Transformers.spliced(model, coder, false)) {
            Tensor x = model.forward(TOKENS, ForwardPlan.capture(reads)).get(reads);
            assertClose(spliced.forward(TOKENS, ForwardPlan.capture(place)).get(place), coder.reconstruct(x), 1e-4);
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        SaeConfig scaled = SaeConfig.builder(SaeConfig.Architecture.RELU, config.dModel(), D_SAE).hook(EARLY)
                .normalization(SaeConfig.Normalization.LAYER_NORM).build();
        SaeConfig elsewhere = SaeConfig.builder(SaeConfig.Architecture.RELU, config.dModel(), D_SAE).hook(HookPoint.residPre(9)).build();
        SaeConfig wide = SaeConfig.builder(SaeConfig.Architecture.RELU, config.dModel() + 1, D_SAE).hook(EARLY).build();
        SaeConfig nowhere = SaeConfig.builder(SaeConfig.Architecture.RELU, config.dModel(), D_SAE).build();
        Map<SaeConfig, String> refused = Map.of(scaled, "normalizes", elsewhere, "blocks.9", wide, "does not fit", nowhere, "hook point");
        refused.forEach((config, why) -> {
            try (SparseAutoencoder sae = sae(config)) {
                assertThatIllegalArgumentException().isThrownBy(() -> Transformers.spliced(model, sae, true)).withMessageContaining(why);
            }
        });
        try (SparseAutoencoder chosen = sae("abs_topk", EARLY)) {
            assertThatIllegalArgumentException().isThrownBy(() -> Transformers.spliced(model, chosen, true)).withMessageContaining("host");
        }
        try (SparseAutoencoder sae = sae("relu", EARLY); Transformer spliced = Transformers.spliced(model, sae, true)) {
            assertThatIllegalArgumentException().isThrownBy(() -> Transformers.spliced(spliced, sae, true)).withMessageContaining("already");
            HookPoint features = Splice.features(EARLY);
            assertThatIllegalArgumentException().isThrownBy(() -> spliced.forward(TOKENS, ForwardPlan.builder().capture(HookPoint.LOGITS)
                    .add(features, new int[] {1}, Tensor.of(new float[D_SAE], 1, D_SAE)).build())).withMessageContaining("sparse");
            Objective metric = Objective.functional(features, Tensor.of(new float[10 * D_SAE], 2, 5, D_SAE));
            assertThatIllegalArgumentException().isThrownBy(() -> spliced.gradients(TOKENS, GradientPlan.of(metric).by(EARLY).build()))
                    .withMessageContaining("decoded");
            assertThat(List.copyOf(spliced.parameters().keySet())).contains("blocks.1.hook_resid_pre.W_dec");
        }
    }
}
