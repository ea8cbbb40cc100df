package org.sae4j.experiment.causaltracing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ConfigBinder;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.experiment.causaltracing.CausalTracingResult.SiteTrace;
import org.sae4j.experiment.causaltracing.CausalTracingResult.TracedFact;
import org.sae4j.experiment.causaltracing.internal.BatchedRuns;
import org.sae4j.experiment.causaltracing.internal.Place;
import org.sae4j.testkit.SmallModels;

class TracingOraclesTest {
    private static final List<Fact> FACTS = List.of(new Fact("color", "so red is", "red", "w"),
            new Fact("color", "so blue is", "blue", ""), new Fact("color", "so pink is", "pink", ""),
            new Fact("color", "so teal is", "teal", "x"),
            new Fact("size", "an ant is", "ant", "s"));
    private static final CausalTracingExperiment EXPERIMENT = new CausalTracingExperiment();
    private static Engine engine;
    private static Transformer model;

    @BeforeAll
    static void open() {
        engine = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of()));
        model = model(3);
    }

    @AfterAll
    static void close() {
        model.close();
        engine.close();
    }

    private static Transformer model(int layers) {
        TransformerConfig config = SmallModels.config(layers, TransformerConfig.Activation.GELU_TANH);
        return Transformers.of(config, SmallModels.parameters(config, 5), Optional.of(SmallModels.characters()), engine);
    }

    private static CausalTracingConfig config(String json) {
        return ConfigBinder.bind(EXPERIMENT.defaults(), json, "test");
    }

    private static ExperimentResult<CausalTracingResult> run(Transformer model, String json, SparseAutoencoder... saes) {
        ExperimentRun.Builder builder = ExperimentRun.builder(model, engine).facts(FACTS).seed(3);
        for (SparseAutoencoder sae : saes) {
            builder.autoencoder(sae);
        }
        return builder.build().run(EXPERIMENT, config(json));
    }

    private static SiteTrace site(TracedFact fact, Site site) {
        return fact.sites().stream().filter(s -> s.site() == site).findFirst().orElseThrow();
    }

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Experiment.class)).hasAtLeastOneElementOfType(CausalTracingExperiment.class);
    }

    @Test
    void withoutNoiseEveryCellIsTheCleanScore() {
        for (TracedFact fact : run(model, "{\"noise\": 0, \"sites\": [\"HEAD_Z\", \"MLP_POST\"], \"edit\": {\"facts\": 0}}").data()
                .facts()) {
            assertThat(fact.corrupted()).isEqualTo(fact.clean());
            for (SiteTrace site : fact.sites()) {
                for (double[] row : site.restored()) {
                    assertThat(row).as(site.site().title()).containsOnly(fact.clean());
                }
            }
        }
    }

    @Test
    void lastTokenOfTheLastLayerGivesTheCleanScoreExactly() {
        for (TracedFact fact : run(model, "{\"edit\": {\"facts\": 0}}").data().facts()) {
            assertThat(site(fact, Site.BLOCK_OUTPUT).restored()[fact.tokens().size() - 1][2]).isEqualTo(fact.clean());
            assertThat(fact.corrupted()).isNotCloseTo(fact.clean(), within(1e-6));
        }
    }

    @Test
    void tokensBeforeTheSubjectGiveTheCorruptedScoreExactly() {
        for (TracedFact fact : run(model, "{\"edit\": {\"facts\": 0}}").data().facts()) {
            for (SiteTrace site : fact.sites()) {
                for (int token = 0; token < 4; token++) {
                    assertThat(fact.roles().get(token)).isEqualTo(TokenRole.BEFORE_SUBJECT);
                    assertThat(site.restored()[token]).containsOnly(fact.corrupted());
                }
            }
        }
    }

    @Test
    void otherTokensOfTheLastLayerGiveTheCorruptedScoreExactly() {
        for (TracedFact fact : run(model, "{\"edit\": {\"facts\": 0}}").data().facts()) {
            for (int token = 0; token < fact.tokens().size() - 1; token++) {
                assertThat(site(fact, Site.BLOCK_OUTPUT).restored()[token][2]).isEqualTo(fact.corrupted());
            }
        }
    }

    @Test
    void aWindowOfOneIsASingleSite() {
        TracedFact one = run(model, "{\"window\": 1, \"sites\": [\"RESID_MID\"], \"edit\": {\"facts\": 0}}").data().facts().getFirst();
        TracedFact all = run(model, "{\"window\": 6, \"edit\": {\"facts\": 0}}").data().facts().getFirst();
        int last = one.tokens().size() - 1;
        assertThat(site(one, Site.MLP_OUTPUT).restored()[last][0]).isNotEqualTo(site(all, Site.MLP_OUTPUT).restored()[last][0]);
        // Restoring both attention and MLP outputs of block 0 at the last token is restoring its output, for its input is clean there.
        assertThat(site(all, Site.BLOCK_OUTPUT).restored()).isEqualTo(site(one, Site.BLOCK_OUTPUT).restored());
        assertThat(site(one, Site.RESID_MID).restored()[last][0]).isCloseTo(site(one, Site.ATTENTION_OUTPUT).restored()[last][0],
                within(1e-6));
    }

    @Test
    void aSeveredPathKeepsItsCorruptedOutputs() {
        TracedFact fact = run(model, "{\"noiseRows\": 1, \"edit\": {\"facts\": 0}}").data().facts().getFirst();
        int last = fact.tokens().size() - 1;
        double[][] whole = site(fact, Site.BLOCK_OUTPUT).restored();
        for (Site severed : List.of(Site.BLOCK_OUTPUT_MLP_SEVERED, Site.BLOCK_OUTPUT_ATTENTION_SEVERED)) {
            double[][] restored = site(fact, severed).restored();
            for (int token = 0; token <= last; token++) {
                assertThat(restored[token][2]).as("nothing is severed behind the last block").isEqualTo(whole[token][2]);
            }
            assertThat(restored[last][0]).isNotEqualTo(whole[last][0]);
            assertThat(restored[0]).containsOnly(fact.corrupted());
        }
    }

    @Test
    void severingIsWhatThePlanSays() {
        HookPoint out = HookPoint.residPost(1);
        HookPoint mlp = new HookPoint(HookPoint.Site.MLP_OUT, 2);
        int[][] tokens = {{0, 5, 6, 7}};
        int[][] other = {{0, 9, 6, 7}};
        Activations clean = model.forward(tokens, ForwardPlan.capture(out));
        Activations corrupted = model.forward(other, ForwardPlan.capture(out, mlp));
        Place place = Place.of(Site.BLOCK_OUTPUT_MLP_SEVERED, model.config(), 1).get(1);
        Map<HookPoint, Tensor> corruptedValues = BatchedRuns.values(corrupted, 0, List.of(out, mlp));
        List<BatchedRuns.Change> changes = place.restore(2, BatchedRuns.values(clean, 0, List.of(out)), corruptedValues);
        assertThat(changes).extracting(BatchedRuns.Change::hook).containsExactly(null, mlp);
        float[] logits = new BatchedRuns(model, 100, Progress.NONE).lastLogits(2, List.of(new BatchedRuns.Run(other[0],
                corruptedValues.get(out), changes, Map.of(), 1)))[0];
        float[] expected = model.forward(other, ForwardPlan.builder().capture(HookPoint.LOGITS)
                .set(out, new int[] {2}, Tensor.of(clean.get(out).slice(0).row(2), 1, 12))
                .set(mlp, new int[] {2}, Tensor.of(corrupted.get(mlp).slice(0).row(2), 1, 12)).build()).logits().slice(0).row(3);
        for (int i = 0; i < expected.length; i++) {
            assertThat(logits[i]).isCloseTo(expected[i], within(1e-4f));
        }
    }

    /** Restoring a block output at all tokens leaves nothing of the corruption. */
    @Test
    void everyTokenOfABlockOutputGivesTheCleanRun() {
        int[] clean = {0, 5, 6, 7, 8};
        int[] other = {0, 9, 3, 7, 8};
        for (Place place : Place.of(Site.BLOCK_OUTPUT, model.config(), 1)) {
            List<HookPoint> hooks = List.copyOf(Place.hooks(List.of(place)));
            Map<HookPoint, Tensor> cleanValues = BatchedRuns.values(model.forward(new int[][] {clean}, ForwardPlan.capture(
                    hooks.toArray(HookPoint[]::new))), 0, hooks);
            Map<HookPoint, Tensor> corrupted = BatchedRuns.values(model.forward(new int[][] {other}, ForwardPlan.capture(
                    hooks.toArray(HookPoint[]::new))), 0, hooks);
            List<BatchedRuns.Change> changes = new java.util.ArrayList<>();
            for (int token = 0; token < clean.length; token++) {
                changes.addAll(place.restore(token, cleanValues, corrupted));
            }
            BatchedRuns runs = new BatchedRuns(model, 100, Progress.NONE);
            HookPoint start = Place.residual(place.start());
            float[] expected = runs.lastLogits(place.start(), List.of(new BatchedRuns.Run(clean, cleanValues.get(start),
                    List.of(), Map.of(), 1)))[0];
            assertThat(runs.lastLogits(place.start(), List.of(new BatchedRuns.Run(other, corrupted.get(start), changes, Map.of(), 1)))[0])
                    .isEqualTo(expected);
        }
    }

    @Test
    void residPreOfABlockIsTheOutputOfTheOneBefore() {
        TracedFact fact = run(model, "{\"sites\": [\"RESID_PRE\"], \"edit\": {\"facts\": 0}}").data().facts().getFirst();
        for (int token = 0; token < fact.tokens().size(); token++) {
            assertThat(site(fact, Site.RESID_PRE).restored()[token][1]).isEqualTo(site(fact, Site.BLOCK_OUTPUT).restored()[token][0]);
        }
    }

    @Test
    void theSameSeedGivesTheSameNumbersAndBatchesDoNotMatter() {
        CausalTracingResult one = run(model, "{\"edit\": {\"facts\": 0}}").data();
        CausalTracingResult two = run(model, "{\"batchTokens\": 20, \"edit\": {\"facts\": 0}}").data();
        assertThat(two).usingRecursiveComparison().isEqualTo(one);
    }

    @Test
    void featuresAndErrorTermTogetherRestoreTheSite() {
        SaeConfig saeConfig = SaeConfig.builder(SaeConfig.Architecture.TOPK, 12, 40).k(5).hook(HookPoint.residPre(1)).build();
        try (SparseAutoencoder sae = SparseAutoencoders.of(saeConfig, SmallModels.parameters(saeConfig, 8), engine)) {
            CausalTracingResult result = run(model, "{\"edit\": {\"facts\": 0}}", sae).data();
            assertThat(result.features()).isNotEmpty();
            assertThat(result.featureShares()).extracting(s -> s.role()).contains(TokenRole.LAST_SUBJECT, TokenRole.LAST);
            var block = result.averages().stream().filter(a -> a.site() == Site.BLOCK_OUTPUT && a.place().equals("0")).toList();
            for (var share : result.featureShares()) {
                double site = block.stream().filter(a -> a.role() == share.role()).findFirst().orElseThrow().indirectEffect().value();
                assertThat(share.full().value()).isCloseTo(site, within(1e-7));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(value = SaeConfig.Normalization.class)
    void allFeaturesSumUpWhateverTheNormalization(SaeConfig.Normalization normalization) {
        SaeConfig saeConfig = SaeConfig.builder(SaeConfig.Architecture.RELU, 24, 40).applyBDecToInput(false)
                .normalization(normalization).hook(HookPoint.mlpPost(2)).build();
        try (SparseAutoencoder sae = SparseAutoencoders.of(saeConfig, SmallModels.parameters(saeConfig, 8), engine)) {
            CausalTracingResult result = run(model, "{\"features\": 100, \"edit\": {\"facts\": 0}}", sae).data();
            assertThat(result.features()).isNotEmpty().allSatisfy(e -> assertThat(e.indirectEffect()).isFinite());
        }
    }

    /** Features of neurons that write W_out into the MLP's output restore what they restore as neurons. */
    @Test
    void aTranscodersFeaturesAreReadAtItsInputAndRestoredAtItsOutput() {
        float[] identity = new float[24 * 24];
        for (int i = 0; i < 24; i++) {
            identity[i * 24 + i] = 1;
        }
        Tensor ones = Tensor.of(identity, 24, 24);
        SaeConfig neurons = SaeConfig.builder(SaeConfig.Architecture.RELU, 24, 24).applyBDecToInput(false).hook(HookPoint.mlpPost(1)).build();
        SaeConfig writers = neurons.toBuilder().transcoder(12, Optional.of(HookPoint.Site.MLP_OUT.at(1))).build();
        try (SparseAutoencoder sae = SparseAutoencoders.of(neurons, Map.of("W_enc", ones, "b_enc", Tensor.zeros(24), "W_dec", ones, "b_dec",
                Tensor.zeros(24)), engine);
                SparseAutoencoder transcoder = SparseAutoencoders.of(writers, Map.of("W_enc", ones, "b_enc", Tensor.zeros(24), "W_dec",
                        model.parameters().get("blocks.1.mlp.W_out"), "b_dec", model.parameters().get("blocks.1.mlp.b_out")), engine)) {
            String config = "{\"features\": 100, \"edit\": {\"facts\": 0}}";
            var expected = run(model, config, sae).data().featureShares();
            var found = run(model, config, transcoder).data().featureShares();
            assertThat(found).hasSameSizeAs(expected).isNotEmpty();
            for (int i = 0; i < found.size(); i++) {
                assertThat(found.get(i).role()).isEqualTo(expected.get(i).role());
                assertThat(found.get(i).full().value()).isCloseTo(expected.get(i).full().value(), within(1e-5));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void runsOnAnyDepthWithDefaultsAndWithoutFacts(int layers) {
        try (Transformer other = model(layers)) {
            ExperimentResult<CausalTracingResult> result = ExperimentRun.builder(other, engine).build().run(EXPERIMENT, config("{}"));
            assertThat(result.data().facts()).hasSize(1);
            TracedFact fact = result.data().facts().getFirst();
            assertThat(fact.known()).isTrue();
            assertThat(fact.tokens().subList(16, 22)).containsExactly("F*", "r*", "a*", "n*", "c*", "e*");
            assertThat(fact.sites()).hasSize(layers == 1 ? Site.values().length - 2 : 5);
            assertThat(result.figures()).extracting(Figure::id).contains("trace-block-output", "trace-mlp-output",
                    "trace-attention-output");
            assertThat(result.findings()).isNotEmpty();
        }
    }

    @Test
    void aModelThatKnowsNothingIsSaidToKnowNothing() {
        String prompts = "{\"prompts\": [\"a cat\"], \"subjects\": [\"cat\"], \"answers\": [\"%s\"], \"edit\": {\"facts\": 0}}";
        String top = run(model, String.format(prompts, "")).data().facts().getFirst().topToken();
        String wrong = top.equals("q") ? "z" : "q";
        assertThat(run(model, String.format(prompts, wrong)).findings()).anyMatch(f -> f.contains("knows none of the 1 fact"));
    }

    @Test
    void badSettingsAreNamed() {
        assertThatThrownBy(() -> run(model, "{\"relation\": \"taste\"}")).isInstanceOf(Sae4jException.class).hasMessageContaining("taste")
                .hasMessageContaining("color");
        assertThatThrownBy(() -> run(model, "{\"prompts\": [\"a\"]}")).isInstanceOf(Sae4jException.class).hasMessageContaining("subjects");
        assertThatThrownBy(() -> run(model, "{\"prompts\": [\"abc\"], \"subjects\": [\"d\"]}")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("does not contain its subject");
        assertThatThrownBy(() -> run(model, "{\"shownFact\": 40}")).isInstanceOf(Sae4jException.class).hasMessageContaining("40");
        assertThatThrownBy(() -> run(model, "{\"prompts\": [\"" + "a".repeat(40) + "\"], \"subjects\": [\"a\"]}"))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("41 tokens");
        TransformerConfig config = SmallModels.config(1, TransformerConfig.Activation.GELU);
        try (Transformer mute = Transformers.of(config, SmallModels.parameters(config, 1), Optional.empty(), engine)) {
            assertThatThrownBy(() -> run(mute, "{}")).isInstanceOf(Sae4jException.class).hasMessageContaining("tokenizer");
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
        assertThatThrownBy(() -> ExperimentRun.builder(model, engine).progress(cancelled).build().run(EXPERIMENT, config("{}")))
                .isInstanceOf(CancellationException.class);
    }
}
