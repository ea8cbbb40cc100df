package org.sae4j.experiment.randomwalk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
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
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ConfigBinder;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.experiment.randomwalk.RandomWalkResult.Decoded;
import org.sae4j.experiment.randomwalk.RandomWalkResult.ModeResult;
import org.sae4j.testkit.SmallModels;

class RandomWalkOraclesTest {
    private static final RandomWalkExperiment EXPERIMENT = new RandomWalkExperiment();
    private static final List<Document> CORPUS = List.of(new Document("a", "the small cat sat on a mat"),
            new Document("b", "numbers 1 2 3 and 4 5 6"), new Document("c", "HELLO, WORLD! (again)"));
    private static Engine engine;
    private static Transformer model;
    private static SparseAutoencoder sae;

    @BeforeAll
    static void open() {
        engine = Engines.open("cpu", new EngineOptions(Optional.empty(), 1, Map.of()));
        model = model(Optional.of(SmallModels.characters()));
        sae = sae(HookPoint.mlpPost(1), 24, SaeConfig.Normalization.NONE);
    }

    @AfterAll
    static void close() {
        sae.close();
        model.close();
        engine.close();
    }

    private static Transformer model(Optional<Tokenizer> tokenizer) {
        TransformerConfig config = SmallModels.config(2, TransformerConfig.Activation.GELU);
        return Transformers.of(config, SmallModels.parameters(config, 5), tokenizer, engine);
    }

    private static SparseAutoencoder sae(HookPoint hook, int width, SaeConfig.Normalization normalization) {
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, width, 80).normalization(normalization).hook(hook).build();
        return SparseAutoencoders.of(config, SmallModels.parameters(config, 6), engine);
    }

    private static RandomWalkConfig config(String json) {
        return ConfigBinder.bind(EXPERIMENT.defaults(), json, "test");
    }

    private static ExperimentResult<RandomWalkResult> run(Transformer on, SparseAutoencoder with, List<Document> corpus, long seed,
            String json) {
        return ExperimentRun.builder(on, engine).autoencoder(with).corpus(corpus).seed(seed).build().run(EXPERIMENT, config(json));
    }

    private static ExperimentResult<RandomWalkResult> run(String json) {
        return run(model, sae, CORPUS, 1, json);
    }

    private static String small(WalkMode mode, String more) {
        return "{\"modes\": [\"" + mode + "\"], \"walks\": 3, \"steps\": 12" + more + "}";
    }

    private static ModeResult only(ExperimentResult<RandomWalkResult> result) {
        assertThat(result.data().modes()).as(() -> result.notes().toString()).hasSize(1);
        return result.data().modes().getFirst();
    }

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(Experiment.class)).anyMatch(RandomWalkExperiment.class::isInstance);
    }

    @Test
    void runsWithDefaultsAndGivesTheSameResultAgain() {
        ExperimentResult<RandomWalkResult> first = run("{\"walks\": 4}");
        assertThat(first.data().modes()).extracting(ModeResult::mode).containsExactly(WalkMode.values());
        assertThat(first.findings()).isNotEmpty().noneMatch(sentence -> sentence.contains("NaN"));
        // A median of four has no interval of 95%.
        assertThat(first.metrics()).allMatch(metric -> metric.interval().isPresent() || metric.name().startsWith("median"));
        assertThat(first.figures()).extracting(Figure::id).contains("distance", "distance-paths", "cosine", "kl", "own-components",
                "own-components-3d", "component-shares", "fixed-basis", "decoded", "unchanged");
        ExperimentResult<RandomWalkResult> again = run("{\"walks\": 4}");
        assertThat(ConfigBinder.toMap(again).equals(ConfigBinder.toMap(first))).isTrue();
        assertThat(run(model, sae, CORPUS, 2, "{\"walks\": 4}").data().modes().getFirst().curves().kl())
                .isNotEqualTo(first.data().modes().getFirst().curves().kl());
    }

    @Test
    void aKindOfWalkDoesNotDependOnTheOthers() {
        ModeResult together = run("{\"walks\": 2}").data().modes().get(WalkMode.RESIDUAL.ordinal());
        ModeResult alone = only(run("{\"walks\": 2, \"modes\": [\"residual\"]}"));
        assertThat(ConfigBinder.toMap(alone)).isEqualTo(ConfigBinder.toMap(together));
    }

    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, false"})
    void runsWithAndWithoutTokenizerAndCorpus(boolean tokenizer, boolean corpus) {
        try (Transformer on = model(tokenizer ? Optional.of(SmallModels.characters()) : Optional.empty())) {
            ExperimentResult<RandomWalkResult> result = run(on, sae, corpus ? CORPUS : List.of(), 3, "{\"walks\": 2, \"steps\": 5}");
            assertThat(result.data().modes()).hasSize(WalkMode.values().length);
            assertThat(result.data().basis().fromCorpus()).isEqualTo(corpus);
            assertThat(result.data().start().targetFromCorpus()).isEqualTo(corpus);
            if (tokenizer && !corpus) {
                assertThat(String.join("", result.data().start().tokens())).isEqualTo("<bos>The capital of France is");
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyStepHasTheSameLength(WalkMode mode) {
        ExperimentResult<RandomWalkResult> result = run(small(mode, ", \"stepShare\": 0.25"));
        ModeResult walks = only(result);
        double expected = 0.25 * result.data().start().latentNorm();
        for (int w = 0; w < 3; w++) {
            assertThat(walks.curves().distance()[w][0]).isZero();
            assertThat(walks.curves().distance()[w][1]).isCloseTo(walks.stepLength()[w], within(1e-9));
            if (mode == WalkMode.INTERPOLATION) {
                assertThat(walks.curves().distance()[w][12]).isCloseTo(12 * walks.stepLength()[w], within(1e-9));
            } else if (!mode.inActivationSpace()) {
                assertThat(walks.stepLength()[w]).isCloseTo(expected, within(1e-9));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void theStartIsTheCleanModel(WalkMode mode) {
        ExperimentResult<RandomWalkResult> result = run(small(mode, ""));
        ModeResult walks = only(result);
        RandomWalkResult.Start start = result.data().start();
        for (int w = 0; w < 3; w++) {
            assertThat(walks.curves().kl()[w][0]).isZero();
            assertThat(walks.curves().loss()[w][0]).isEqualTo(start.cleanLoss());
            assertThat(walks.curves().activationDistance()[w][0]).isZero();
            assertThat(walks.curves().cosine()[w][0]).isCloseTo(1, within(1e-12));
            assertThat(walks.curves().reconstructionLoss()[w][0]).isCloseTo(start.reconstructionError(), within(1e-6));
            assertThat(walks.curves().topToken()[w][0]).isEqualTo(start.cleanContinuation()[0]);
            assertThat(walks.firstChange()[w]).isNotZero();
        }
        assertThat(result.data().decoded().getFirst().continuation()).isEqualTo(start.cleanContinuation());
    }

    @ParameterizedTest
    @EnumSource(names = "INTERPOLATION", mode = EnumSource.Mode.EXCLUDE)
    void aZeroStepStaysAtTheBaseline(WalkMode mode) {
        ExperimentResult<RandomWalkResult> result = run(small(mode, ", \"stepShare\": 0"));
        ModeResult walks = only(result);
        for (int w = 0; w < 3; w++) {
            assertThat(walks.curves().kl()[w]).containsOnly(0);
            assertThat(walks.curves().loss()[w]).containsOnly(result.data().start().cleanLoss());
            assertThat(walks.curves().distance()[w]).containsOnly(0);
            assertThat(walks.firstChange()[w]).isEqualTo(-1);
        }
        assertThat(result.findings()).noneMatch(sentence -> sentence.contains("NaN"));
    }

    @Test
    void theCircleCloses() {
        ModeResult walks = only(run(small(WalkMode.CIRCLE, ", \"stepShare\": 0.3")));
        for (int w = 0; w < 3; w++) {
            assertThat(walks.curves().distance()[w][12]).isZero();
            assertThat(walks.curves().kl()[w][12]).isZero();
            double diameter = walks.stepLength()[w] / Math.sin(Math.PI / 12);
            assertThat(walks.curves().distance()[w][6]).isCloseTo(diameter, within(1e-9));
            assertThat(walks.pca().shares()[w][0] + walks.pca().shares()[w][1]).isCloseTo(1, within(1e-9));
        }
    }

    /** The patch is what a forward pass with the displaced activation gives. */
    @Test
    void effectsAreThoseOfTheModel() {
        ExperimentResult<RandomWalkResult> result = run("{\"modes\": [\"interpolation\"], \"walks\": 1, \"steps\": 8, \"text\": \"one "
                + "two\"}");
        RandomWalkResult.Start start = result.data().start();
        HookPoint hook = HookPoint.mlpPost(1);
        int[][] tokens = {start.tokenIds()};
        double[] clean = logProbabilities(model.forward(tokens, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1).build())
                .logits());
        int last = result.data().decoded().size() - 1;
        Decoded end = result.data().decoded().get(last);
        assertThat(end.step()).isEqualTo(8);
        assertThat(end.kl()).isEqualTo(only(result).curves().kl()[0][8]).isPositive();
        double[][] line = only(result).curves().activationDistance();
        assertThat(line[0][8]).isCloseTo(2 * line[0][4], within(1e-4 * line[0][8]));
        assertThat(start.cleanLoss()).isCloseTo(-clean[start.target()], within(1e-5));
        assertThat(hook.toString()).isEqualTo(sae.config().hook().orElseThrow().toString());
        int[] grown = start.tokenIds();
        for (int id : start.cleanContinuation()) {
            double[] next = logProbabilities(model.forward(new int[][] {grown}, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1)
                    .build()).logits());
            assertThat(IntStream.range(0, next.length).boxed().max(java.util.Comparator.comparingDouble(v -> next[v])).orElseThrow())
                    .isEqualTo(id);
            grown = IntStream.concat(Arrays.stream(grown), IntStream.of(id)).toArray();
        }
    }

    private static double[] logProbabilities(Tensor logits) {
        float[] z = logits.toArray();
        double sum = IntStream.range(0, z.length).mapToDouble(i -> Math.exp(z[i])).sum();
        return IntStream.range(0, z.length).mapToDouble(i -> z[i] - Math.log(sum)).toArray();
    }

    /** The first change agrees with the listed continuations, which are generated token by token. */
    @Test
    void theFirstChangeAgreesWithTheTexts() {
        ExperimentResult<RandomWalkResult> result = run("{\"walks\": 2, \"steps\": 10, \"shownSteps\": 200, \"stepShare\": 0.05}");
        for (ModeResult walks : result.data().modes()) {
            List<Decoded> texts = result.data().decoded().stream().filter(d -> d.mode() == walks.mode()).toList();
            assertThat(texts).hasSize(11);
            int first = texts.stream().filter(d -> !Arrays.equals(d.continuation(), result.data().start().cleanContinuation()))
                    .mapToInt(Decoded::step).findFirst().orElse(-1);
            assertThat(walks.firstChange()[0]).as(walks.mode().label()).isEqualTo(first);
        }
    }

    /** A hook point in the residual stream, reached by resuming, and normalizations that are undone on the output. */
    @ParameterizedTest
    @EnumSource(SaeConfig.Normalization.class)
    void stepsAreDecodedAtTheScaleOfTheActivations(SaeConfig.Normalization normalization) {
        try (SparseAutoencoder with = sae(HookPoint.residPre(1), 12, normalization)) {
            ExperimentResult<RandomWalkResult> result = run(model, with, CORPUS, 4, "{\"walks\": 2, \"steps\": 6}");
            RandomWalkResult.Start start = result.data().start();
            ModeResult free = result.data().modes().get(WalkMode.FREE.ordinal());
            ModeResult residual = result.data().modes().get(WalkMode.RESIDUAL.ordinal());
            // Unit decoder rows: a free step is as long after decoding as before, times the scale of the normalization.
            double scale = residual.stepLength()[0] / free.stepLength()[0];
            double expected = switch (normalization) {
                case NONE -> 1;
                case CONSTANT_NORM_RESCALE -> start.activationNorm() / Math.sqrt(12);
                case LAYER_NORM -> scale;
            };
            assertThat(scale).isCloseTo(expected, within(1e-6));
            assertThat(free.curves().kl()[0][0]).isZero();
            assertThat(free.curves().reconstructionLoss()[0][0]).isCloseTo(start.reconstructionError(), within(1e-6));
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        assertThatThrownBy(() -> run("{\"modes\": []}")).isInstanceOf(Sae4jException.class).hasMessageContaining("modes");
        assertThatThrownBy(() -> run("{\"text\": \"abc\", \"position\": 3}")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("no token 3");
        assertThatThrownBy(() -> run("{\"text\": \"" + "a".repeat(32) + "\"}")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("prompt");
        try (Transformer on = model(Optional.empty())) {
            assertThatThrownBy(() -> run(on, sae, List.of(), 1, "{\"text\": \"abc\"}")).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("tokenizer");
        }
    }

    @Test
    void oneWalkIsEnough() {
        ExperimentResult<RandomWalkResult> result = run("{\"walks\": 1, \"steps\": 2}");
        assertThat(result.data().modes()).hasSize(WalkMode.values().length);
        assertThat(result.findings()).noneMatch(sentence -> sentence.contains("NaN"));
    }

    @Test
    void aStepThatDoesNotFitIntoTheDataIsSaid() {
        ExperimentResult<RandomWalkResult> result = run(small(WalkMode.DATA_SUPPORT, ", \"stepShare\": 900"));
        assertThat(result.data().modes()).isEmpty();
        assertThat(result.notes()).anyMatch(note -> note.contains("data support are omitted"));
    }

    @Test
    void reportsProgressAndStopsWhenCancelled() {
        List<String> stages = new ArrayList<>();
        Progress progress = new Progress() {
            @Override
            public void update(String stage, long done, long total) {
                stages.add(stage);
            }

            @Override
            public boolean isCancelled() {
                return stages.contains("walking, active set");
            }
        };
        ExperimentRun run = ExperimentRun.builder(model, engine).autoencoder(sae).progress(progress).build();
        assertThatThrownBy(() -> run.run(EXPERIMENT, EXPERIMENT.defaults())).isInstanceOf(CancellationException.class);
        assertThat(stages).contains("walking, free").doesNotContain("walking, circle");
    }
}
