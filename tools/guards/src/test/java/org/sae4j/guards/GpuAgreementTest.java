package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.Progress;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.StreamedActivations;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.experiment.Experiments;
import org.sae4j.core.train.ActivationBuffer;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.TrainedSae;
import org.sae4j.core.train.Trainer;
import org.sae4j.core.train.TrainingMetrics;
import org.sae4j.demoworld.DemoWorld;
import org.sae4j.guards.EngineAgreementTest.Run;

/**
 * On a device of TornadoVM the demo's models give what they give on the CPU, and the same bits again. Small, since the device may be PoCL,
 * where most of the time goes into compiling: documents are of one length, as each shape is a program.
 */
@Tag("tornado")
@EnabledIfEnvironmentVariable(named = "TORNADOVM_HOME", matches = ".+", disabledReason = "there is no TornadoVM SDK")
class GpuAgreementTest {
    private static final HookPoint HOOK = HookPoint.mlpPost(0);
    private static final Recipe TOPK = Recipes.OPENAI_TOPK.with(Map.of("k", "16", "lr", "1e-3", "batch", "64", "d_sae", "256", "dead_after",
            "3200", "steps", "200"));
    private static final Recipe RELU = Recipes.PAPER.with(Map.of("l1", "1.2e-4", "lr", "1e-3", "lr_warm_up", "50", "lr_decay", "60",
            "batch", "64", "d_sae", "256", "dead_after", "3200", "steps", "200"));
    private static final int DOCUMENT_TOKENS = 20;
    /** Less of everything than the defaults. */
    private static final Map<String, String> SETTINGS = Map.of(
            "specificity", "{\"details\": 1, \"resamples\": 100, \"sentences\": [{\"label\": \"english\", \"text\": \"The cat slept.\"}]}",
            "neighborhood", "{\"focus\": 3, \"umap\": false, \"resamples\": 100}",
            "ablation", "{\"detailed\": 2, \"ranked\": 3, \"seeds\": 1, \"labelDocuments\": 1, \"resamples\": 100}",
            "random-walk", "{\"walks\": 2, \"steps\": 4, \"shownSteps\": 2, \"continuation\": 2, \"referenceTokens\": 128, "
                    + "\"resamples\": 100}",
            "causal-tracing", "{\"maxFacts\": 1, \"noiseRows\": 2, \"replacements\": 0, \"sweepTo\": 0, \"features\": 2, "
                    + "\"resamples\": 100, \"edit\": {\"facts\": 0, \"heldOut\": 0}}");

    private static Engine cpu;
    private static Engine tornado;
    @TempDir
    private static Path folder;
    private static final Map<String, ExperimentRun> RUNS = new HashMap<>();
    private static final List<AutoCloseable> OPEN = new ArrayList<>();

    @BeforeAll
    static void open() {
        cpu = Engines.open("cpu", EngineOptions.DEFAULT);
        tornado = Engines.open("tornado", EngineOptions.DEFAULT);
    }

    @AfterAll
    static void close() throws Exception {
        for (AutoCloseable each : OPEN.reversed()) {
            each.close();
        }
        tornado.close();
        cpu.close();
    }

    private record Training(List<TrainingMetrics> metrics, TrainedSae result) {
        List<Double> losses() {
            return metrics.stream().map(TrainingMetrics::loss).toList();
        }
    }

    private static Transformer model(String name, Engine engine) {
        return Transformers.open(DemoWorld.extractModel(name, folder.resolve(name)), engine);
    }

    /** Trains on activations that the CPU computes. */
    private static Training train(String modelName, Recipe recipe, Engine engine) {
        List<TrainingMetrics> metrics = new ArrayList<>();
        try (Transformer model = model(modelName, cpu)) {
            List<Context> contexts = model.tokenization().contexts(DemoWorld.trainingCorpus().stream().limit(300).map(Document::text)
                    .toList());
            ActivationBuffer activations = new ActivationBuffer(new StreamedActivations(model, List.of(HOOK), () -> Contexts.of(contexts),
                    Long.MAX_VALUE), 8192, 1, Progress.NONE);
            try (Trainer trainer = Trainer.builder(engine, recipe, activations).origin(HOOK, modelName)
                    .listener(metrics::add).build()) {
                trainer.run(Progress.NONE);
                return new Training(metrics, trainer.result());
            }
        }
    }

    private static void assertFollows(Training found, Training expected) {
        assertThat(found.metrics()).hasSize(200);
        for (int step = 0; step < 200; step++) {
            assertThat(found.losses().get(step)).as("loss of step %d", step + 1)
                    .isCloseTo(expected.losses().get(step), withinPercentage(0.1));
        }
        assertThat(found.losses().getLast()).isLessThan(0.7 * found.losses().getFirst());
    }

    @Test
    void trainingFollowsTheCpuAndRepeatsItself() {
        Training found = train(DemoWorld.GELU_1L, TOPK, tornado);
        assertFollows(found, train(DemoWorld.GELU_1L, TOPK, cpu));
        Training again = train(DemoWorld.GELU_1L, TOPK, tornado);
        assertThat(again.losses()).isEqualTo(found.losses());
        Map<String, float[]> bits = new LinkedHashMap<>();
        found.result().parameters().forEach((name, tensor) -> bits.put(name, tensor.toArray()));
        again.result().parameters().forEach((name, tensor) -> assertThat(tensor.toArray()).as(name).containsExactly(bits.get(name)));
    }

    @Test
    void trainingWithReluFollowsTheCpu() {
        assertFollows(train(DemoWorld.GELU_1L, RELU, tornado), train(DemoWorld.GELU_1L, RELU, cpu));
    }

    /** Three documents of each of the first labels. */
    private static List<Document> corpus(Tokenizer tokenizer) {
        return DemoWorld.labelledCorpus().stream().filter(document -> tokenizer.encode(document.text()).ids().length == DOCUMENT_TOKENS)
                .collect(Collectors.groupingBy(Document::label, TreeMap::new, Collectors.toList())).values().stream()
                .filter(documents -> documents.size() >= 3).limit(4).flatMap(documents -> documents.stream().limit(3)).toList();
    }

    /** All experiments on one model and engine share a run, whose programs are compiled once. */
    private static ExperimentRun experimentRun(String modelName, Engine engine) {
        return RUNS.computeIfAbsent(modelName + " on " + engine.id(), key -> {
            TrainedSae trained = train(modelName, TOPK.with(Map.of("d_sae", "128", "k", "8")), cpu).result();
            Transformer model = model(modelName, engine);
            OPEN.add(model);
            var sae = SparseAutoencoders.of(trained.config(), trained.parameters(), engine);
            OPEN.add(sae);
            return ExperimentRun.builder(model, engine).autoencoder(sae).corpus(corpus(model.tokenizer().orElseThrow())).seed(5)
                    .facts(DemoWorld.facts()).build();
        });
    }

    private static Run run(String id, String model, Engine engine) {
        return EngineAgreementTest.run(Experiments.installed().get(id), SETTINGS.get(id), experimentRun(model, engine));
    }

    @ParameterizedTest
    @CsvSource({"specificity, gelu-1l-demo", "neighborhood, gelu-1l-demo", "ablation, gelu-1l-demo", "random-walk, gelu-1l-demo",
        "causal-tracing, gelu-1l-demo", "specificity, gpt2-4l-demo", "neighborhood, gpt2-4l-demo", "ablation, gpt2-4l-demo",
        "random-walk, gpt2-4l-demo", "causal-tracing, gpt2-4l-demo"})
    void experimentsAgreeWithTheCpu(String id, String model) {
        EngineAgreementTest.assertClose(run(id, model, tornado), run(id, model, cpu));
    }
}
