package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.experiment.Metric;
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
import org.sae4j.core.experiment.Experiments;
import org.sae4j.report.ResultJson;
import org.sae4j.testkit.ReferenceEngine;
import org.sae4j.testkit.SmallModels;

/** An experiment gives equal bytes for equal seeds, and the same numbers on every engine, within the rounding of float32. */
class EngineAgreementTest {
    /** Of a metric, relative to the larger of its size and one. */
    private static final double TOLERANCE = 2e-3;

    /** An experiment's outcome. */
    record Run(ExperimentResult<?> result, String json) {}

    /** Expects the metrics of two runs to have the same names, and values within the tolerance. */
    static void assertClose(Run actual, Run reference) {
        List<Metric> measured = actual.result().metrics();
        List<Metric> expected = reference.result().metrics();
        assertThat(measured).extracting(Metric::name).containsExactlyElementsOf(expected.stream().map(Metric::name).toList());
        for (int i = 0; i < measured.size(); i++) {
            double value = expected.get(i).value();
            if (Double.isNaN(value)) {
                assertThat(measured.get(i).value()).as(measured.get(i).name()).isNaN();
            } else {
                assertThat(measured.get(i).value()).as(measured.get(i).name())
                        .isCloseTo(value, within(TOLERANCE * Math.max(1, Math.abs(value))));
            }
        }
    }

    private static Run run(String id, String settings, Engine engine) {
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU_TANH);
        HookPoint hook = HookPoint.mlpPost(0);
        SaeConfig saeConfig = SaeConfig.builder(SaeConfig.Architecture.RELU, config.dMlp(), 24).hook(hook).modelName(config.name())
                .build();
        List<Document> corpus = new java.util.ArrayList<>();
        for (int i = 0; i < 12; i++) {
            corpus.add(new Document("letters", "abc" + (char) ('a' + i) + " xyz"));
            corpus.add(new Document("digits", "12" + i + "7 456"));
        }
        try (Transformer model =
                Transformers.of(config, SmallModels.parameters(config, 3), Optional.of(SmallModels.characters()), engine);
                SparseAutoencoder sae = SparseAutoencoders.of(saeConfig, SmallModels.parameters(saeConfig, 4), engine)) {
            ExperimentRun run = ExperimentRun.builder(model, engine).autoencoder(sae).corpus(corpus).seed(5)
                    .facts(List.of(new Fact("next", "a cat is", "cat", " b"), new Fact("next", "a dog is", "dog", " c"))).build();
            return run(Experiments.installed().get(id), settings, run);
        }
    }

    static <C extends Record, R extends Record> Run run(Experiment<C, R> experiment, String settings, ExperimentRun run) {
        C config = ConfigBinder.bind(experiment.defaults(), settings, "settings");
        ExperimentResult<R> result = run.run(experiment, config);
        return new Run(result, ResultJson.toJson(experiment, result, run.provenance(experiment, config)));
    }

    private static Engine cpu(int threads) {
        return Engines.open("cpu", new EngineOptions(Optional.empty(), threads, java.util.Map.of()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"specificity", "neighborhood", "ablation", "random-walk", "causal-tracing"})
    void equalSeedsGiveEqualBytesForAnyNumberOfThreads(String id) {
        try (Engine one = cpu(1); Engine three = cpu(3)) {
            assertThat(run(id, "{}", one).json()).isEqualTo(run(id, "{}", three).json());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"specificity", "neighborhood", "ablation", "random-walk", "causal-tracing"})
    void enginesAgree(String id) {
        String settings = switch (id) {
            case "random-walk" -> "{\"steps\": 6, \"walks\": 4}";
            // UMAP's optimisation makes another map of distances that differ in their last bits.
            case "neighborhood" -> "{\"umap\": false}";
            default -> "{}";
        };
        try (Engine cpu = cpu(2); Engine reference = new ReferenceEngine()) {
            assertClose(run(id, settings, cpu), run(id, settings, reference));
        }
    }
}
