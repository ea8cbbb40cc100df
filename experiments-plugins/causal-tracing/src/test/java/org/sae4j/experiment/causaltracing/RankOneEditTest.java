package org.sae4j.experiment.causaltracing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.Engines;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ConfigBinder;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.program.Description;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RankOneEdit;
import org.sae4j.testkit.SmallModels;
import org.sae4j.testkit.WithoutGradients;

class RankOneEditTest {
    private static final CausalTracingExperiment EXPERIMENT = new CausalTracingExperiment();
    private static final List<Fact> FACTS = List.of(new Fact("color", "so red is", "red", ""), new Fact("color", "so blue is", "blue", ""),
            new Fact("color", "so pink is", "pink", ""), new Fact("color", "so teal is", "teal", ""),
            new Fact("size", "red has", "red", "s"));
    /** Answers that are all different, so that every fact can get that of another. */
    private static final List<Fact> NAMED = List.of(new Fact("color", "so red is", "red", "r"), new Fact("color", "so blue is", "blue", "b"),
            new Fact("color", "so pink is", "pink", "p"), new Fact("color", "so teal is", "teal", "t"));
    private static final List<Document> CORPUS = List.of(new Document("", "a lot of words"), new Document("", "more of them, yes!"),
            new Document("", "red ones too"), new Document("", "0123456789 and letters"));
    private static Engine engine;
    private static Transformer model;

    @BeforeAll
    static void open() {
        engine = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of()));
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU);
        model = Transformers.of(config, SmallModels.parameters(config, 12), Optional.of(SmallModels.characters()), engine);
    }

    @AfterAll
    static void close() {
        model.close();
        engine.close();
    }

    private static List<RankOneEdit> edits(String edit, List<Document> corpus) {
        return edits(FACTS, edit, corpus);
    }

    private static List<RankOneEdit> edits(List<Fact> facts, String edit, List<Document> corpus) {
        return run(facts, edit, corpus).data().edits();
    }

    private static ExperimentResult<CausalTracingResult> run(List<Fact> facts, String edit, List<Document> corpus) {
        return ExperimentRun.builder(model, engine).facts(facts).corpus(corpus).build().run(EXPERIMENT, ConfigBinder.bind(
                EXPERIMENT.defaults(), "{\"replacements\": 0, \"sweepTo\": 0, \"noiseRows\": 1, \"edit\": {" + edit + "}}", "test"));
    }

    /** In the last block, where the subject is the last token, nothing but the wanted value reaches the prediction. */
    @Test
    void theLastBlockReachesTheOptimisedProbability() {
        List<Fact> ending = List.of(new Fact("color", "it is red", "red", ""), new Fact("color", "it is blue", "blue", ""),
                new Fact("color", "it is teal", "teal", ""));
        List<RankOneEdit> edits = edits(ending, "\"facts\": 3, \"layers\": [1], \"clamp\": 8, \"steps\": 60, \"weightDecay\": 0.001",
                CORPUS);
        assertThat(edits).isNotEmpty().allSatisfy(e -> {
            assertThat(e.newAfter()).isCloseTo(e.optimisedProbability(), within(1e-4)).isGreaterThan(2 * e.newBefore());
            assertThat(e.undone()).isTrue();
            assertThat(e.offTargetKl()).isPositive();
            assertThat(e.relativeChange()).isPositive();
        });
    }

    @Test
    void anEditBelowRaisesTheNewAnswerAndOneThatNoAttentionReadsDoesNothing() {
        List<RankOneEdit> edits = edits(FACTS, "\"facts\": 1, \"clamp\": 8, \"steps\": 60", CORPUS);
        assertThat(edits).hasSize(2).allSatisfy(e -> assertThat(e.undone()).isTrue());
        assertThat(edits.getFirst().newAfter()).isGreaterThan(1.5 * edits.getFirst().newBefore());
        assertThat(edits.getFirst().neighbors()).isEqualTo(3);
        assertThat(edits.getFirst().other()).isOne();
        // The divergence that the optimization holds small has a gradient of rounding errors, which Adam follows.
        assertThat(edits.getLast().newAfter()).isCloseTo(edits.getLast().newBefore(), within(1e-5));
    }

    /** The table says what C = I does and how much of the edit others get; a fact that is edited to its neighbor's answer is no contest. */
    @Test
    void editsAreSetBesideThoseWithoutCovariance() {
        List<RankOneEdit> edits = edits(NAMED, "\"facts\": 2, \"heldOut\": 0, \"layers\": [0], \"clamp\": 8, \"steps\": 60, \"paraphrases\":"
                + " [\"now {} is\", \"{} was\", \"it was\"]", CORPUS);
        assertThat(edits).hasSize(2).allSatisfy(e -> {
            assertThat(e.neighborGains()).hasSize(3).doesNotContain(1.0).allMatch(Double::isFinite);
            assertThat(e.paraphraseGains()).hasSize(2);
            assertThat(e.contestedNeighbors()).isEqualTo(2);
            assertThat(e.likelierNeighbors()).isBetween(0, 2);
            CausalTracingResult.IdentityEdit identity = e.identity().orElseThrow();
            assertThat(identity.newAfter()).isCloseTo(e.newAfter(), within(0.05)).isGreaterThan(1.5 * e.newBefore());
            assertThat(identity.relativeChange()).as("the shortest change that does it").isPositive().isLessThan(e.relativeChange());
        });
        assertThat(run(NAMED, "\"facts\": 2, \"heldOut\": 0, \"layers\": [0], \"steps\": 5", CORPUS).findings()).anyMatch(f ->
                f.startsWith("Other subjects of the relation get ") && f.contains("with C = I"));
    }

    @Test
    void withoutACorpusTheOffTargetDivergenceIsNotDefined() {
        assertThat(edits("\"subject\": \"blue\", \"target\": \" q\", \"layers\": [1], \"prefixes\": [\"well,\"]", List.of()))
                .singleElement()
                .satisfies(e -> {
                    assertThat(e.layer()).isOne();
                    assertThat(e.newAnswer()).isEqualTo(" q");
                    assertThat(e.offTargetKl()).isNaN();
                    assertThat(e.paraphraseAfter()).isNaN();
                });
    }

    @Test
    void heldOutFactsChooseTheLayerAndChangeNothingElse() {
        ExperimentResult<CausalTracingResult> with = run(NAMED, "\"facts\": 2, \"heldOut\": 2, \"steps\": 5", CORPUS);
        List<CausalTracingResult.LayerChoice> choices = with.data().layerChoices();
        assertThat(choices).extracting(CausalTracingResult.LayerChoice::layer).containsExactly(0, 1);
        assertThat(choices).allMatch(c -> c.facts() == 2).filteredOn(CausalTracingResult.LayerChoice::chosen).singleElement()
                .satisfies(best -> assertThat(choices).allMatch(c -> c.efficacy() * c.specificity()
                        <= best.efficacy() * best.specificity()));
        assertThat(with.findings()).anyMatch(f -> f.startsWith("By 2 held-out facts, layer "));
        assertThat(with.data().edits()).extracting(RankOneEdit::layer).containsExactly(0, 0, 1, 1);
        assertThat(with.metrics()).filteredOn(m -> m.name().startsWith("edited answers changed")).hasSize(2)
                .allMatch(m -> m.n() == 2 && m.interval().isPresent());

        CausalTracingResult without = run(NAMED, "\"facts\": 2, \"heldOut\": 0, \"steps\": 5", CORPUS).data();
        assertThat(without.layerChoices()).isEmpty();
        assertThat(without.edits()).isEqualTo(with.data().edits());
        assertThat(run(NAMED, "\"facts\": 2, \"layers\": [1], \"steps\": 5", CORPUS).data().layerChoices()).isEmpty();
    }

    /** The same where the MLP is gated and norms are RMSNorms: the gradients are those of the model's description. */
    @Test
    void gatedModelsAreEditedToo() {
        List<Fact> ending = List.of(new Fact("color", "it is red", "red", ""), new Fact("color", "it is blue", "blue", ""),
                new Fact("color", "it is teal", "teal", ""));
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.SILU);
        Description gated = GatedModel.describe(config);
        try (Transformer other = Transformers.of(gated, GatedModel.parameters(gated), Optional.of(SmallModels.characters()), engine)) {
            ExperimentResult<CausalTracingResult> result = ExperimentRun.builder(other, engine).facts(ending).corpus(CORPUS).build()
                    .run(EXPERIMENT, ConfigBinder.bind(EXPERIMENT.defaults(), "{\"replacements\": 0, \"sweepTo\": 0, \"noiseRows\": 1,"
                            + " \"edit\": {\"facts\": 3, \"layers\": [1], \"clamp\": 8, \"steps\": 60, \"weightDecay\": 0.001}}", "test"));
            assertThat(result.notes()).noneMatch(note -> note.contains("not edited"));
            assertThat(result.data().edits()).isNotEmpty().allSatisfy(e -> {
                assertThat(e.newAfter()).isCloseTo(e.optimisedProbability(), within(1e-4)).isGreaterThan(2 * e.newBefore());
                assertThat(e.undone()).isTrue();
            });
        }
    }

    /** Then windows of MLP outputs that hold it restore the subject, and are not what the fact is located by. */
    @ParameterizedTest
    @CsvSource({"0.01, true", "30, false"})
    void aBlock0ThatDoesTheWorkOfAnEmbeddingIsMarked(float embedding, boolean marked) {
        Description gated = GatedModel.describe(SmallModels.config(2, TransformerConfig.Activation.SILU));
        Map<String, Tensor> parameters = new HashMap<>(GatedModel.parameters(gated));
        parameters.computeIfPresent("embed.W_E", (_, table) -> {
            float[] scaled = table.toArray();
            for (int i = 0; i < scaled.length; i++) {
                scaled[i] *= embedding;
            }
            return Tensor.of(scaled, table.shape());
        });
        try (Transformer other = Transformers.of(gated, parameters, Optional.of(SmallModels.characters()), engine)) {
            ExperimentResult<CausalTracingResult> result = ExperimentRun.builder(other, engine).facts(NAMED).build().run(EXPERIMENT,
                    ConfigBinder.bind(EXPERIMENT.defaults(), "{\"replacements\": 0, \"sweepTo\": 0, \"noiseRows\": 2,"
                            + " \"edit\": {\"facts\": 0}}", "test"));
            assertThat(result.data().firstBlock().embeds()).isEqualTo(marked);
            assertThat(mlpColumns(result)).containsExactly(marked ? "0*" : "0", "1");
        }
    }

    /** Then the traces are not lost, and a note says why there are no edits. */
    @Test
    void anEngineWithoutGradientsTracesAndEditsNothing() {
        Engine plain = WithoutGradients.of(engine);
        try (Transformer other = Transformers.of(model.config(), model.parameters(), model.tokenizer(), plain)) {
            ExperimentResult<CausalTracingResult> result = ExperimentRun.builder(other, plain).facts(NAMED).corpus(CORPUS).build().run(EXPERIMENT,
                    ConfigBinder.bind(EXPERIMENT.defaults(), "{\"replacements\": 0, \"sweepTo\": 0, \"noiseRows\": 1}", "test"));
            assertThat(result.data().facts()).hasSize(4);
            assertThat(result.data().edits()).isEmpty();
            assertThat(result.notes()).anyMatch(note -> note.startsWith("Facts are not edited: an edit needs gradients. engine cpu does not run"));
        }
    }

    private static List<String> mlpColumns(ExperimentResult<?> result) {
        return result.figures().stream().filter(f -> f.id().equals("trace-mlp-output")).map(f -> ((Figure.Heatmap) f).xLabels())
                .findFirst().orElseThrow();
    }

    /** A token before prompts is the run's setting, and recorded. */
    @Test
    void promptsBeginAsTheRunSays() {
        Tokenization without = model.tokenization().withoutBos();
        String settings = "{\"replacements\": 0, \"sweepTo\": 0, \"noiseRows\": 1, \"edit\": {\"facts\": 1, \"layers\": [0], \"steps\": 2}}";
        int bos = 40;
        for (Tokenization how : List.of(without, without.withBos(bos))) {
            ExperimentRun run = ExperimentRun.builder(model, engine).facts(NAMED).corpus(CORPUS).tokenization(how).build();
            CausalTracingResult result = run.run(EXPERIMENT, ConfigBinder.bind(EXPERIMENT.defaults(), settings, "test")).data();
            String first = how.bos().isPresent() ? how.tokenizer().token(bos) : "s";
            assertThat(result.facts()).allSatisfy(f -> assertThat(f.tokens().getFirst()).isEqualTo(first));
            assertThat(result.edits()).hasSize(1);
            assertThat(run.provenance()).containsEntry("promptsBeginWith", how.bos().isPresent() ? first : "no special token");
        }
    }

    /** Where the subject is the last token and the last block is edited, nothing but the wanted values reaches the predictions. */
    @Test
    void aMassEditReachesTheOptimisedProbabilitiesOfAllFacts() {
        List<Fact> ending = List.of(new Fact("color", "it is red", "red", "r"), new Fact("color", "it is blue", "blue", "b"),
                new Fact("color", "it is teal", "teal", "t"), new Fact("color", "it is pink", "pink", "p"));
        String settings = "\"facts\": 3, \"heldOut\": 0, \"layers\": [1], \"massLayers\": [%s], \"massWeight\": 1e-6, \"clamp\": 8,"
                + " \"weightDecay\": 0.001";
        CausalTracingResult.MassEdit one = run(ending, String.format(settings, "1"), CORPUS).data().massEdit().orElseThrow();
        assertThat(one.facts()).hasSizeGreaterThan(1).allSatisfy(f ->
                assertThat(f.newAfter()).isCloseTo(f.optimisedProbability(), within(1e-2)).isGreaterThan(2 * f.newBefore()));
        assertThat(one.undone()).isTrue();
        assertThat(one.neighbors()).isEqualTo(ending.size() - one.facts().size());
        assertThat(one.relativeChange()).hasSize(1);
        assertThat(one.offTargetKl()).isPositive();
        // Spread over both blocks, the second one closes what the first one left.
        CausalTracingResult.MassEdit two = run(ending, String.format(settings, "0, 1"), CORPUS).data().massEdit().orElseThrow();
        assertThat(two.layers()).containsExactly(0, 1);
        assertThat(two.relativeChange()).hasSize(2).doesNotContain(0.0);
        assertThat(two.facts()).allSatisfy(f -> assertThat(f.newAfter()).isCloseTo(f.optimisedProbability(), within(1e-2)));
    }

    @Test
    void aMassEditCanBeLeftOutAndNeedsSeveralFacts() {
        assertThat(run(NAMED, "\"facts\": 2, \"steps\": 2, \"massWeight\": 0", CORPUS).data().massEdit()).isEmpty();
        assertThat(run(NAMED, "\"facts\": 1, \"steps\": 2", CORPUS).data().massEdit()).isEmpty();
        ExperimentResult<CausalTracingResult> both = run(NAMED, "\"facts\": 2, \"steps\": 2", CORPUS);
        assertThat(both.data().massEdit()).isPresent();
        assertThat(both.findings()).anyMatch(f -> f.startsWith("All 2 edits at once"));
        assertThat(both.data().edits()).allSatisfy(e -> assertThat(e.fluencyBefore()).isPositive());
        assertThat(edits(NAMED, "\"facts\": 2, \"steps\": 2, \"fluencyTokens\": 0", CORPUS)).allSatisfy(e ->
                assertThat(e.fluencyAfter()).isNaN());
    }

    @Test
    void wrongSettingsAreNamed() {
        assertThatThrownBy(() -> edits("\"layers\": [2]", CORPUS)).isInstanceOf(Sae4jException.class).hasMessageContaining("no block 2");
        assertThatThrownBy(() -> edits("\"massLayers\": [-1]", CORPUS)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("massLayers");
        assertThatThrownBy(() -> edits("\"subject\": \"grey\", \"target\": \"x\"", CORPUS)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("grey").hasMessageContaining("blue");
    }
}
