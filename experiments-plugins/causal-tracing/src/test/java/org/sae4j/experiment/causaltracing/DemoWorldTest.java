package org.sae4j.experiment.causaltracing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.Engines;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ConfigBinder;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.format.TransformerFiles;
import org.sae4j.core.format.TransformerWeights;

/** The reference figures of the demo world, which PyTorch found: see its README. */
class DemoWorldTest {
    private static final Path FOLDER = Path.of("../../tools/demo-world/src/main/resources/org/sae4j/demoworld");

    private static Engine engine;
    private static TransformerWeights weights;
    private static Transformer model;

    @BeforeAll
    static void open() throws IOException {
        engine = Engines.open("cpu", EngineOptions.DEFAULT);
        weights = TransformerFiles.read(FOLDER.resolve("gpt2-4l-demo"));
        model = Transformers.of(weights.description(), weights.parameters(), weights.tokenizer(), engine);
    }

    @AfterAll
    static void close() {
        model.close();
        weights.close();
        engine.close();
    }

    private static ExperimentResult<CausalTracingResult> run(String config) throws IOException {
        CausalTracingExperiment experiment = new CausalTracingExperiment();
        return ExperimentRun.builder(model, engine).facts(DataFiles.facts(FOLDER.resolve("facts.json")))
                .corpus(DataFiles.corpus(FOLDER.resolve("labelled.tsv"))).build()
                .run(experiment, ConfigBinder.bind(experiment.defaults(), config, "test"));
    }

    @Test
    void tracesAndEditsOfTheCapitalsAgreeWithTheReference() throws IOException {
        ExperimentResult<CausalTracingResult> result = run("""
                {"sweepTo": 0, "replacements": 0, "edit": {"subject": "France", "target": " Rome", "layers": [0, 3]}}""");
        CausalTracingResult data = result.data();
        assertThat(data.noise()).isCloseTo(0.307, within(0.001));
        assertThat(data.facts()).hasSize(38).allMatch(CausalTracingResult.TracedFact::known);
        // Other noise than in the test below: the reference there gives 0.525, 0.860, 0.879, 0.950.
        double[] last = {0.534, 0.874, 0.898, 0.953};
        for (int layer = 0; layer < 4; layer++) {
            assertThat(effect(data, TokenRole.LAST, layer)).isCloseTo(last[layer], within(0.05));
            assertThat(effect(data, TokenRole.LAST_SUBJECT, layer)).isBetween(-0.001, 0.03);
            assertThat(effect(data, TokenRole.BEFORE_SUBJECT, layer)).isZero();
        }
        assertThat(result.findings()).anyMatch(f -> f.startsWith("No early site was found"));
        CausalTracingResult.RankOneEdit works = data.edits().getFirst();
        assertThat(works.newAfter()).isGreaterThan(0.7);
        assertThat(works.unchangedNeighbors()).isGreaterThanOrEqualTo(36);
        assertThat(works.undone()).isTrue();
        assertThat(data.edits().getLast().newAfter()).isLessThan(0.01);
    }

    /** Values of Hugging Face's GPT-2 in PyTorch, with given noise: src/test/python/make_trace_golden.py. */
    @Test
    void wholeAnswersAreScoredAndRestoredAsHuggingFacesModelScoresThem() throws IOException {
        String json = Files.readString(Path.of("src/test/resources/org/sae4j/experiment/causaltracing/capitals-trace.json"));
        CausalTracingResult data = run("""
                {"sweepTo": 0, "replacements": 0, "features": 0, "resamples": 1, "noiseValues": %s,
                 "edit": {"subject": "France", "target": " Rome", "layers": [0], "steps": 1, "covarianceTokens": 64, "offTargetTokens": 0,
                 "fluencyTokens": 0}}""".formatted(part(json, "noise"))).data();
        double[] clean = numbers(part(json, "clean"));
        double[] corrupted = numbers(part(json, "corrupted"));
        assertThat(data.facts()).hasSize(clean.length);
        for (int i = 0; i < clean.length; i++) {
            assertThat(data.facts().get(i).clean()).isCloseTo(clean[i], within(1e-5));
            assertThat(data.facts().get(i).corrupted()).isCloseTo(corrupted[i], within(1e-5));
        }
        for (TokenRole role : List.of(TokenRole.LAST, TokenRole.LAST_SUBJECT)) {
            double[] effects = numbers(part(json, role.name()));
            for (int layer = 0; layer < 4; layer++) {
                assertThat(effect(data, role, layer)).isCloseTo(effects[layer], within(1e-5));
            }
        }
        assertThat(data.edits().getFirst().newBefore()).isCloseTo(numbers("[" + part(json, "rome_after_france") + "]")[0], within(1e-7));
    }

    /** A member of the golden file, whose form is known: a list, or a number. */
    private static String part(String json, String name) {
        int at = json.indexOf('"' + name + "\":") + name.length() + 3;
        int depth = 0;
        int end = at;
        while (depth > 0 || json.charAt(end) != ',' && json.charAt(end) != '}') {
            depth += json.charAt(end) == '[' ? 1 : json.charAt(end) == ']' ? -1 : 0;
            end++;
        }
        return json.substring(at, end);
    }

    private static double[] numbers(String list) {
        return Arrays.stream(list.substring(1, list.length() - 1).split(",")).mapToDouble(Double::parseDouble).toArray();
    }

    /** Which facts are edited is drawn, and the layer is chosen by other facts' edits; all else is the default. */
    @Test
    void editsAtTheChosenLayerWriteNewCapitalsAndLeaveTheOthers() throws IOException {
        CausalTracingResult data = run("""
                {"sweepTo": 0, "replacements": 0, "noiseRows": 1, "edit": {"offTargetTokens": 0}}""").data();
        CausalTracingResult.LayerChoice best = data.layerChoices().stream().filter(CausalTracingResult.LayerChoice::chosen).findFirst()
                .orElseThrow();
        List<CausalTracingResult.RankOneEdit> edits = data.edits().stream().filter(e -> e.layer() == best.layer()).toList();
        assertThat(edits).hasSize(10).allMatch(CausalTracingResult.RankOneEdit::undone);
        assertThat(edits.stream().mapToDouble(CausalTracingResult.RankOneEdit::newAfter).average().orElseThrow())
                .isGreaterThanOrEqualTo(0.6);
        assertThat(edits.stream().filter(CausalTracingResult.RankOneEdit::changed).count()).isGreaterThanOrEqualTo(9);
        int others = edits.stream().mapToInt(CausalTracingResult.RankOneEdit::neighbors).sum();
        assertThat(others).isEqualTo(370);
        assertThat(edits.stream().mapToInt(CausalTracingResult.RankOneEdit::unchangedNeighbors).sum())
                .isGreaterThanOrEqualTo((int) Math.ceil(0.97 * others));
        CausalTracingResult.MassEdit all = data.massEdit().orElseThrow();
        assertThat(all.facts()).hasSize(10);
        assertThat(all.facts().stream().mapToDouble(CausalTracingResult.MassEditedFact::newAfter).average().orElseThrow())
                .isGreaterThanOrEqualTo(0.3);
        // All tokens of an answer count, so fewer edits hold than for first tokens.
        assertThat(all.facts().stream().filter(CausalTracingResult.MassEditedFact::changed).count()).isGreaterThanOrEqualTo(5);
        assertThat(all.fluencyAfter()).isGreaterThan(0.9 * all.fluencyBefore());
        assertThat(all.undone()).isTrue();
    }

    private static double effect(CausalTracingResult result, TokenRole role, int layer) {
        return result.averages().stream().filter(a -> a.site() == Site.BLOCK_OUTPUT && a.role() == role && a.place().equals("" + layer))
            .findFirst().orElseThrow().indirectEffect().value();
    }
}
