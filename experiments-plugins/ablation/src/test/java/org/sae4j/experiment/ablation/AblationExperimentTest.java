package org.sae4j.experiment.ablation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ConfigBinder;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.testkit.SmallModels;
import org.sae4j.testkit.WithoutGradients;

class AblationExperimentTest {
    private static final AblationExperiment EXPERIMENT = new AblationExperiment();
    private static Engine engine;
    private static Transformer model;

    @BeforeAll
    static void open() {
        engine = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of()));
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU);
        model = Transformers.of(config, SmallModels.parameters(config, 2), Optional.of(SmallModels.characters()), engine);
    }

    @AfterAll
    static void close() {
        model.close();
        engine.close();
    }

    private static SparseAutoencoder sae(HookPoint hook, int width, SaeConfig.Architecture architecture,
            SaeConfig.Normalization normalization) {
        SaeConfig config = SaeConfig.builder(architecture, width, 48).k(Set.of(SaeConfig.Architecture.TOPK, SaeConfig.Architecture.ABS_TOPK, SaeConfig.Architecture.GROUP_MAX).contains(architecture)
                ? 6 : 0)
                .normalization(normalization).hook(hook).build();
        return SparseAutoencoders.of(config, SmallModels.parameters(config, 9), engine);
    }

    private static SparseAutoencoder sae() {
        return sae(HookPoint.residPre(1), 12, SaeConfig.Architecture.RELU, SaeConfig.Normalization.NONE);
    }

    private static List<Document> corpus() {
        List<Document> corpus = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            corpus.add(new Document("digits", "12" + i + "4567890" + i));
            corpus.add(new Document("letters", "abc" + (char) ('d' + i) + "efgh"));
            corpus.add(new Document("", "neither 1 nor x"));
        }
        return corpus;
    }

    private static ExperimentResult<AblationResult> run(SparseAutoencoder sae, String json, List<Document> corpus) {
        return ExperimentRun.builder(model, engine).autoencoder(sae).corpus(corpus).seed(4).build()
                .run(EXPERIMENT, ConfigBinder.bind(EXPERIMENT.defaults(), json, "test"));
    }

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Experiment.class)).hasAtLeastOneElementOfType(AblationExperiment.class);
    }

    @ParameterizedTest
    @FieldSource("org.sae4j.api.sae.SaeConfig$Architecture#BUILT_IN")
    void closedFormsHold(SaeConfig.Architecture architecture) {
        try (SparseAutoencoder sae = sae(HookPoint.mlpPost(0), 24, architecture, SaeConfig.Normalization.NONE)) {
            AblationResult result = run(sae, "{}", List.of()).data();
            assertThat(result.reconstruction()).hasSizeGreaterThan(20).allSatisfy(e -> {
                assertThat(e.tokens()).isPositive();
                if (e.mode() != AblationMode.NOISE) {
                    assertThat(e.change()).isCloseTo(e.changeExpected(), within(1e-5 * Math.max(1, e.changeExpected())));
                }
                if (e.mode() != AblationMode.NOISE && !Set.of(SaeConfig.Architecture.GATED, SaeConfig.Architecture.MATCHING_PURSUIT).contains(architecture)) {
                    assertThat(e.reencodeError()).isLessThan(1e-4);
                }
                if (e.mode() == AblationMode.ZERO) {
                    assertThat(e.mseAfter() - e.mse()).isCloseTo(e.mseChangeExpected(), within(1e-5));
                }
            });
        }
    }

    @ParameterizedTest
    @EnumSource(SaeConfig.Normalization.class)
    void aContributionHasItsNormUnderEveryNormalization(SaeConfig.Normalization normalization) {
        try (SparseAutoencoder sae = sae(HookPoint.residPre(1), 12, SaeConfig.Architecture.RELU, normalization)) {
            ExperimentResult<AblationResult> result = run(sae, "{\"modes\": [\"ZERO\"]}", corpus());
            assertThat(result.data().reconstruction()).allSatisfy(e -> {
                assertThat(e.change()).isCloseTo(e.changeExpected(), within(1e-4 * e.changeExpected()));
                assertThat(e.mseAfter() - e.mse()).isCloseTo(e.mseChangeExpected(), within(1e-4 * Math.max(1, e.mse())));
            });
            assertThat(result.data().labels()).hasSize(2);
        }
    }

    /** Then everything else is measured, and a note says what is missing and why. */
    @Test
    void anEngineWithoutGradientsAblatesAndAttributesNothing() {
        Engine plain = WithoutGradients.of(engine);
        try (SparseAutoencoder sae = sae(); Transformer other = Transformers.of(model.config(), model.parameters(), model.tokenizer(), plain)) {
            ExperimentResult<AblationResult> result = ExperimentRun.builder(other, plain).autoencoder(sae).seed(4).build()
                    .run(EXPERIMENT, EXPERIMENT.defaults());
            ExperimentResult<AblationResult> whole = run(sae, "{}", List.of());
            assertThat(result.data().features()).extracting(AblationResult.FeatureEffect::ablation)
                    .isEqualTo(whole.data().features().stream().map(AblationResult.FeatureEffect::ablation).toList());
            assertThat(result.data().features()).noneMatch(AblationResult.FeatureEffect::attributed);
            assertThat(result.data().ranks()).singleElement().extracting(AblationResult.RankComparison::by).isEqualTo("activation");
            assertThat(result.notes()).anyMatch(note -> note.startsWith("Attributions are left out, as they need gradients. engine cpu does not"));
            assertThat(result.figures()).extracting(Figure::id).doesNotContain("attribution-ablation")
                    .isSubsetOf(whole.figures().stream().map(Figure::id).toList());
        }
    }

    @Test
    void anInactiveFeatureChangesNothingToTheBit() {
        try (SparseAutoencoder sae = sae(HookPoint.residPre(1), 12, SaeConfig.Architecture.TOPK, SaeConfig.Normalization.NONE)) {
            List<Integer> active = run(sae, "{\"text\": \"abc\"}", List.of()).data().features().stream().map(f -> f.feature()).toList();
            int inactive = 0;
            while (active.contains(inactive)) {
                inactive++;
            }
            AblationResult result = run(sae, "{\"text\": \"abc\", \"features\": [" + inactive + "]}", List.of()).data();
            assertThat(result.detailed()).containsExactly(inactive);
            assertThat(result.reconstruction()).allSatisfy(e -> assertThat(e.tokens()).isZero());
            assertThat(result.byToken()[0]).containsOnly(0.0);
            int asked = inactive;
            assertThat(result.features()).filteredOn(e -> e.feature() == asked).singleElement().isEqualTo(
                    new AblationResult.FeatureEffect(asked, 0, -1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
            assertThat(result.features()).hasSize(active.size() + 1);
            assertThat(result.byPosition()).allSatisfy(e -> assertThat(e.kl()).isZero());
            assertThat(result.modes()).filteredOn(m -> !m.kind().startsWith("feature ")).isNotEmpty().allSatisfy(m ->
                    assertThat(m.kl()).isZero());
            assertThat(result.movers()).allSatisfy(m -> assertThat(m.after()).isEqualTo(m.before()));
        }
    }

    @Test
    void theValueThatAFeatureHasChangesNothing() {
        try (SparseAutoencoder sae = sae(HookPoint.mlpPost(1), 24, SaeConfig.Architecture.RELU, SaeConfig.Normalization.NONE)) {
            AblationResult first = run(sae, "{\"text\": \"q\", \"modes\": [\"ZERO\", \"MEAN\"]}", List.of()).data();
            // The text has one token besides the beginning of the sequence, so every mean is the activation itself.
            assertThat(first.reconstruction()).filteredOn(e -> e.mode() == AblationMode.MEAN).allSatisfy(e -> {
                assertThat(e.change()).isLessThan(1e-5);
                assertThat(e.changedShare()).isZero();
            });
            assertThat(first.modes()).filteredOn(m -> m.kind().equals("mean")).allSatisfy(m -> assertThat(m.kl()).isZero());
            assertThat(first.modes()).filteredOn(m -> m.kind().equals("zero")).anySatisfy(m -> assertThat(m.kl()).isPositive());
        }
    }

    @Test
    void attributionIsTheLimitOfSmallAblations() {
        try (SparseAutoencoder sae = sae()) {
            AblationResult result = run(sae, "{\"text\": \"words\"}", List.of()).data();
            assertThat(result.ranks()).filteredOn(r -> r.by().equals("attribution")).singleElement()
                    .satisfies(r -> assertThat(r.spearman()).isGreaterThan(0.5));
            int[] tokens = result.tokens().stream().mapToInt(Integer::intValue).toArray();
            HookPoint hook = HookPoint.residPre(1);
            SparseRows features = sae.encode(model.forward(new int[][] {tokens}, ForwardPlan.capture(hook)).get(hook).slice(0));
            double step = 0.025;
            assertThat(result.features()).hasSizeGreaterThan(4).allSatisfy(e -> {
                double one = rise(sae, features, result, e.feature(), step) - rise(sae, features, result, e.feature(), -step);
                double two = rise(sae, features, result, e.feature(), 2 * step) - rise(sae, features, result, e.feature(), -2 * step);
                // Central differences of two steps, extrapolated to a step of zero.
                assertThat(e.attribution()).as("feature " + e.feature()).isCloseTo((8 * one - two) / (12 * step), within(1e-4));
            });
        }
    }

    /** The target's log probability when a feature's contributions grow by a share, wherever the experiment may ablate it. */
    private static double rise(SparseAutoencoder sae, SparseRows features, AblationResult result, int feature, double share) {
        int[] tokens = result.tokens().stream().mapToInt(Integer::intValue).toArray();
        int[] positions = IntStream.range(0, tokens.length).toArray();
        float[] direction = sae.parameters().get("W_dec").row(feature);
        float[] added = new float[tokens.length * direction.length];
        int first = result.features().stream().filter(e -> e.feature() == feature).findFirst().orElseThrow().firstToken();
        for (int i = first * direction.length; i < added.length; i++) {
            added[i] = (float) (share * features.get(i / direction.length, feature) * direction[i % direction.length]);
        }
        float[] logits = model.forward(new int[][] {tokens}, ForwardPlan.builder().capture(HookPoint.LOGITS).add(HookPoint.residPre(1),
                positions, Tensor.of(added, tokens.length, direction.length)).build()).logits().slice(0).row(tokens.length - 1);
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        return logits[result.targetToken()] - Math.log(sum);
    }

    /** After the last block the gradient is that of a LayerNorm and a matrix, which the test takes in double precision. */
    @ParameterizedTest
    @FieldSource("org.sae4j.api.sae.SaeConfig$Architecture#BUILT_IN")
    void attributionIsTheGradientTimesTheContribution(SaeConfig.Architecture architecture) {
        HookPoint hook = HookPoint.residPost(1);
        try (SparseAutoencoder sae = sae(hook, 12, architecture, SaeConfig.Normalization.NONE)) {
            AblationResult result = run(sae, "{\"text\": \"words\"}", List.of()).data();
            int[] tokens = result.tokens().stream().mapToInt(Integer::intValue).toArray();
            Tensor x = model.forward(new int[][] {tokens}, ForwardPlan.capture(hook)).get(hook).slice(0);
            int last = tokens.length - 1;
            SparseRows features = sae.encode(x);
            assertThat(result.features()).hasSizeGreaterThan(4).allSatisfy(e -> {
                float[] direction = sae.parameters().get("W_dec").row(e.feature());
                double expected = 0;
                if (features.get(last, e.feature()) != 0) {
                    double h = 1e-5;
                    expected = features.get(last, e.feature()) * (logProbability(x.row(last), direction, h, result.targetToken())
                            - logProbability(x.row(last), direction, -h, result.targetToken())) / (2 * h);
                }
                assertThat(e.attribution()).as("feature " + e.feature()).isCloseTo(expected, within(1e-4));
            });
        }
    }

    private static double logProbability(float[] residual, float[] direction, double step, int token) {
        double[] x = new double[residual.length];
        Arrays.setAll(x, i -> residual[i] + step * direction[i]);
        double mean = Arrays.stream(x).average().orElseThrow();
        double variance = Arrays.stream(x).map(v -> (v - mean) * (v - mean)).average().orElseThrow();
        double scale = 1 / Math.sqrt(variance + model.config().normEps());
        Map<String, Tensor> parameters = model.parameters();
        double[] logits = new double[model.config().dVocab()];
        for (int t = 0; t < logits.length; t++) {
            logits[t] = parameters.get("unembed.b_U").get(t);
            for (int i = 0; i < x.length; i++) {
                logits[t] += ((x[i] - mean) * scale * parameters.get("ln_final.w").get(i) + parameters.get("ln_final.b").get(i))
                        * parameters.get("unembed.W_U").at(i, t);
            }
        }
        return logits[token] - Math.log(Arrays.stream(logits).map(Math::exp).sum());
    }

    @Test
    void whatIsSaidOfAFeatureFitsTogether() {
        try (SparseAutoencoder sae = sae(HookPoint.mlpPost(0), 24, SaeConfig.Architecture.RELU, SaeConfig.Normalization.NONE)) {
            AblationResult result = run(sae, "{\"text\": \"some words\", \"modes\": [\"ZERO\"]}", List.of()).data();
            for (AblationResult.ReconstructionEffect r : result.reconstruction()) {
                AblationResult.FeatureEffect e = result.features().stream().filter(f -> f.feature() == r.feature()).findFirst()
                        .orElseThrow();
                assertThat(e.tokens()).isEqualTo(r.tokens());
                assertThat(e.meanActivation()).isCloseTo(r.activation(), within(1e-9)).isLessThanOrEqualTo(e.maxActivation());
                assertThat(e.reconstructionChange()).isCloseTo(r.change(), within(1e-5));
                assertThat(e.mseChange()).isCloseTo(r.mseAfter() - r.mse(), within(1e-5));
                assertThat(e.activation()).isCloseTo(e.tokens() * e.reconstructionChange(), within(1e-9));
                List<AblationResult.PositionEffect> positions = result.byPosition().stream().filter(p -> p.feature() == e.feature())
                        .toList();
                assertThat(positions).hasSize(result.text().size());
                assertThat(positions.stream().mapToDouble(AblationResult.PositionEffect::lossChange).filter(v -> !Double.isNaN(v)).sum()
                        / (positions.size() - 1)).isCloseTo(e.lossChange(), within(1e-12));
                assertThat(positions.stream().skip(e.firstToken()).mapToDouble(AblationResult.PositionEffect::kl).average().orElseThrow())
                        .isCloseTo(e.kl(), within(1e-12));
                assertThat(positions.getLast().kl()).isEqualTo(e.klLast());
            }
        }
    }

    @Test
    void theSameSeedGivesTheSameNumbersAndBatchesDoNotMatter() {
        try (SparseAutoencoder sae = sae()) {
            AblationResult one = run(sae, "{}", corpus()).data();
            AblationResult two = run(sae, "{\"batchTokens\": 25}", corpus()).data();
            assertThat(two).usingRecursiveComparison().withEqualsForType(Double::equals, Double.class).isEqualTo(one);
        }
    }

    @Test
    void labelsNameTheirFeaturesAndWhatTheyDo() {
        try (SparseAutoencoder sae = sae()) {
            ExperimentResult<AblationResult> result = run(sae, "{}", corpus());
            assertThat(result.data().labels()).extracting(l -> l.label()).containsExactly("digits", "letters");
            assertThat(result.data().labels()).allSatisfy(l -> {
                assertThat(l.auroc()).isBetween(0.5, 1.0);
                assertThat(l.rise().measured().n()).isEqualTo(6);
                assertThat(l.rise().control().n()).isEqualTo(6);
                assertThat(l.before()).contains("\"");
                assertThat(l.rise().measured().interval().method()).contains("documents");
            });
            assertThat(result.figures()).extracting(Figure::id).contains("labels", "label-matrix", "predictions", "by-token", "modes",
                    "relative-effects", "sorted-differences", "top-by-ablation", "top-by-activation", "movers", "reconstruction");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"blocks.0.hook_resid_pre", "blocks.1.attn.hook_z", "blocks.1.hook_mlp_out", "blocks.1.hook_resid_post"})
    void runsWithDefaultsAtEverySiteWithoutTokenizerAndCorpus(String hook) {
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.RELU);
        try (Transformer mute = Transformers.of(config, SmallModels.parameters(config, 3), Optional.empty(), engine);
                SparseAutoencoder sae = sae(HookPoint.parse(hook).orElseThrow(), 12, SaeConfig.Architecture.TOPK,
                        SaeConfig.Normalization.NONE)) {
            ExperimentResult<AblationResult> result = ExperimentRun.builder(mute, engine).autoencoder(sae).build()
                    .run(EXPERIMENT, EXPERIMENT.defaults());
            assertThat(result.data().text()).hasSize(16);
            assertThat(result.data().features()).isNotEmpty();
            assertThat(result.findings()).isNotEmpty();
        }
    }

    @Test
    void aDeadAutoencoderHasNothingToAblate() {
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, 12, 8).applyBDecToInput(false).hook(HookPoint.residPre(0))
                .build();
        float[] bias = new float[8];
        Arrays.fill(bias, -1000);
        Map<String, Tensor> parameters = new HashMap<>(SmallModels.parameters(config, 1));
        parameters.put("b_enc", Tensor.of(bias, 8));
        try (SparseAutoencoder dead = SparseAutoencoders.of(config, parameters, engine)) {
            assertThat(run(dead, "{}", corpus()).findings()).anyMatch(f -> f.contains("No feature is active"));
        }
    }

    @Test
    void badSettingsAreNamed() {
        try (SparseAutoencoder sae = sae(); SparseAutoencoder scale = sae(HookPoint.residPre(1), 11, SaeConfig.Architecture.RELU,
                SaeConfig.Normalization.NONE)) {
            assertThatThrownBy(() -> run(sae, "{\"features\": [48]}", List.of())).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("48");
            assertThatThrownBy(() -> run(sae, "{\"tokens\": [5000]}", List.of())).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("5000");
            assertThatThrownBy(() -> run(scale, "{}", List.of())).isInstanceOf(Sae4jException.class).hasMessageContaining("11");
            assertThatThrownBy(() -> ExperimentRun.builder(model, engine).build().run(EXPERIMENT, EXPERIMENT.defaults()))
                    .isInstanceOf(Sae4jException.class).hasMessageContaining("needs a sparse autoencoder");
        }
    }

    @Test
    void stopsWhenCancelled() {
        Progress cancelled = new Progress() {
            @Override
            public void update(String stage, long done, long total) {}

            @Override
            public boolean isCancelled() {
                return true;
            }
        };
        try (SparseAutoencoder sae = sae()) {
            assertThatThrownBy(() -> ExperimentRun.builder(model, engine).autoencoder(sae).progress(cancelled).build()
                    .run(EXPERIMENT, EXPERIMENT.defaults())).isInstanceOf(CancellationException.class);
        }
    }

    /** Features of neurons that write W_out into the MLP's output do what they do as neurons; nothing is encoded again. */
    @Test
    void aTranscodersFeaturesAreReadAtItsInputAndAblatedAtItsOutput() {
        HookPoint hook = HookPoint.mlpPost(1);
        float[] identity = new float[24 * 24];
        for (int i = 0; i < 24; i++) {
            identity[i * 24 + i] = 1;
        }
        Tensor ones = Tensor.of(identity, 24, 24);
        SaeConfig neurons = SaeConfig.builder(SaeConfig.Architecture.RELU, 24, 24).applyBDecToInput(false).hook(hook).build();
        SaeConfig writers = neurons.toBuilder().transcoder(12, Optional.of(HookPoint.Site.MLP_OUT.at(1))).build();
        try (SparseAutoencoder sae = SparseAutoencoders.of(neurons, Map.of("W_enc", ones, "b_enc", Tensor.zeros(24), "W_dec", ones, "b_dec",
                Tensor.zeros(24)), engine);
                SparseAutoencoder transcoder = SparseAutoencoders.of(writers, Map.of("W_enc", ones, "b_enc", Tensor.zeros(24), "W_dec",
                        model.parameters().get("blocks.1.mlp.W_out"), "b_dec", model.parameters().get("blocks.1.mlp.b_out")), engine)) {
            AblationResult expected = run(sae, "{\"text\": \"words\"}", corpus()).data();
            ExperimentResult<AblationResult> result = run(transcoder, "{\"text\": \"words\"}", corpus());
            AblationResult found = result.data();
            assertThat(found.hook()).isEqualTo("blocks.1.hook_mlp_out");
            Map<Integer, AblationResult.FeatureEffect> byFeature = expected.features().stream()
                    .collect(Collectors.toMap(AblationResult.FeatureEffect::feature, e -> e));
            assertThat(found.features()).hasSizeGreaterThan(3).allSatisfy(effect -> {
                AblationResult.FeatureEffect neuron = byFeature.get(effect.feature());
                assertThat(effect.meanActivation()).isEqualTo(neuron.meanActivation());
                assertThat(effect.ablation()).isCloseTo(neuron.ablation(), within(1e-4));
                assertThat(effect.attribution()).isCloseTo(neuron.attribution(), within(1e-3));
            });
            assertThat(found.reconstruction()).isNotEmpty().allMatch(e -> Double.isNaN(e.changedShare()) && e.tokens() > 0);
            assertThat(result.notes()).anyMatch(note -> note.startsWith("A transcoder's output is not encoded again"));
        }
    }
}
