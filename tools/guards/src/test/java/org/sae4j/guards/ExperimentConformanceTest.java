package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.experiment.Param;
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
import org.sae4j.testkit.ExperimentConformance;
import org.sae4j.testkit.SmallModels;

/** Every installed experiment conforms, and the suite finds what is wrong with experiments that do not. */
class ExperimentConformanceTest {
    /** Settings that keep some dozens of runs short, by experiment. */
    static final Map<String, String> SHORT = Map.of(
            "ablation", "{\"resamples\": 20, \"seeds\": 1, \"detailed\": 2, \"ranked\": 4, \"labelDocuments\": 2}",
            "causal-tracing", "{\"resamples\": 20, \"maxFacts\": 2, \"noiseRows\": 2, \"replacements\": 2, \"sweepTo\": 2, \"features\": 2, "
                    + "\"edit\": {\"facts\": 1, \"heldOut\": 1, \"covarianceTokens\": 60, \"steps\": 2, \"offTargetTokens\": 30}}",
            "neighborhood", "{\"resamples\": 100, \"umapEpochs\": 11, \"maxPoints\": 40, \"k\": 3, \"focus\": 2}",
            "random-walk", "{\"resamples\": 100, \"walks\": 2, \"steps\": 6, \"shownSteps\": 2, \"continuation\": 2, "
                    + "\"referenceTokens\": 40}",
            "specificity", "{\"resamples\": 100}");

    private static Engine engine;
    private static Transformer model;
    private static SparseAutoencoder sae;
    private static SparseAutoencoder smaller;

    @BeforeAll
    static void open() {
        engine = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of()));
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU);
        model = Transformers.of(config, SmallModels.parameters(config, 2), Optional.of(SmallModels.characters()), engine);
        sae = autoencoder(48);
        smaller = autoencoder(20);
    }

    private static SparseAutoencoder autoencoder(int features) {
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, 24, features).k(5).hook(HookPoint.mlpPost(0)).build();
        return SparseAutoencoders.of(config, SmallModels.parameters(config, 9), engine);
    }

    @AfterAll
    static void close() {
        smaller.close();
        sae.close();
        model.close();
        engine.close();
    }

    private static ExperimentContext context() {
        List<Document> corpus = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            corpus.add(new Document("digits", "12" + i + "4567890" + i));
            corpus.add(new Document("letters", "abc" + (char) ('d' + i) + "efgh word"));
        }
        List<Fact> facts = List.of(new Fact("r", "the a is", "a", " b"), new Fact("r", "the c is", "c", " d"),
                new Fact("r", "the e is", "e", " f"), new Fact("r", "the g is", "g", " h"));
        return ExperimentRun.builder(model, engine).autoencoder(sae).autoencoder(smaller).corpus(corpus).facts(facts).seed(4).build();
    }

    @TestFactory
    Stream<DynamicContainer> installedExperimentsConform() {
        assertThat(Experiments.installed().all()).extracting(Experiment::id).containsExactlyInAnyOrderElementsOf(SHORT.keySet());
        return Experiments.installed().all().stream().map(e -> DynamicContainer.dynamicContainer(e.id(), tests(e)));
    }

    private static <C extends Record, R extends Record> Stream<DynamicTest> tests(Experiment<C, R> experiment) {
        C config = ConfigBinder.bind(experiment.defaults(), SHORT.get(experiment.id()), "test");
        return ExperimentConformance.cases(experiment, config, context()).map(c -> DynamicTest.dynamicTest(c.name(), c::check));
    }

    /** An experiment that is sound but for what a test makes it do. */
    private record Sample(BiFunction<Settings, ExperimentContext, ExperimentResult<Data>> body)
            implements Experiment<Sample.Settings, Sample.Data> {
        public record Settings(@Param(value = "how many", min = 1) int number) {}

        public record Data(double value) {}

        @Override
        public String id() {
            return "sample";
        }

        @Override
        public String title() {
            return "Sample";
        }

        @Override
        public String description() {
            return "Gives a number.";
        }

        @Override
        public Settings defaults() {
            return new Settings(3);
        }

        @Override
        public ExperimentResult<Data> run(Settings config, ExperimentContext context) {
            for (int i = 0; i < config.number(); i++) {
                context.progress().checkCancelled();
                context.progress().update("counting", i + 1, config.number());
            }
            return body.apply(config, context);
        }

        static ExperimentResult<Data> result(double value, Figure... figures) {
            return new ExperimentResult<>(new Data(value), List.of("A number."), List.of(Metric.of("number", value, "")),
                    List.of(figures), List.of());
        }
    }

    private static void conform(Sample experiment) {
        ExperimentConformance.cases(experiment, experiment.defaults(), context()).forEach(ExperimentConformance.Case::check);
    }

    private static void assertFound(String what, BiFunction<Sample.Settings, ExperimentContext, ExperimentResult<Sample.Data>> body) {
        assertThatThrownBy(() -> conform(new Sample(body))).isInstanceOf(AssertionError.class).hasMessageContaining(what);
    }

    @Test
    void aSoundExperimentConforms() {
        conform(new Sample((config, context) -> Sample.result(context.random("x").nextDouble())));
    }

    @Test
    void theSuiteFindsWhatIsWrong() {
        AtomicInteger runs = new AtomicInteger();
        assertFound("expected", (config, context) -> Sample.result(runs.incrementAndGet()));
        assertFound("closed [the model]", (config, context) -> {
            context.model().close();
            return Sample.result(1);
        });
        assertFound("left open", (config, context) -> {
            context.model().with(Map.of());
            return Sample.result(1);
        });
        assertFound("cells of a row: expected 2, found 1", (config, context) -> Sample.result(1,
                new Figure.Table("t", "Table", "n = 1", List.of("a", "b"), List.of(List.of(1)))));
        assertFound("went on to its end", (config, context) -> {
            if (context.progress().isCancelled()) {
                return Sample.result(2);
            }
            return Sample.result(1);
        });
    }
}
