package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.format.SaeWeights;
import org.sae4j.engine.cpu.CpuEngineProvider;

class TrainerTest {
    private static final int D = 9;
    private static final Tensor DATA = Planted.rows(Planted.dictionary(12, D, 1), 200, 2, 0.1f, 2);
    private static final Map<String, String> SMALL = Map.of("d_sae", "21", "batch", "16", "steps", "12", "lr", "1e-3", "dead_after", "40");
    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private static Recipe small(String name) {
        Recipe recipe = Recipes.get(name).with(SMALL);
        return switch (name) {
            case "openai-topk", "batch-topk" -> recipe.with("k", "3");
            case "matryoshka" -> recipe.with(Map.of("k", "3", "prefixes", "5,11,21"));
            case "neel-run1" -> recipe.with(Map.of("resample_every", "5", "resample_batches", "2", "resample_below", "0.05"));
            default -> recipe;
        };
    }

    private static ActivationSource shuffled() {
        return ActivationSource.shuffled(DATA, 3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"neel-run1", "bloom-2024-02", "paper", "anthropic-april-2024", "openai-topk", "batch-topk", "matryoshka",
        "jumprelu", "gated"})
    void aResumedRunGivesTheBitsOfAnUninterruptedOne(String name, @TempDir Path folder) {
        Recipe recipe = small(name);
        Map<String, Tensor> expected;
        try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).build()) {
            trainer.run(Progress.NONE);
            expected = trainer.result().parameters();
        }
        try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).build()) {
            for (int step = 0; step < 7; step++) {
                trainer.step();
            }
            trainer.checkpoint(folder.resolve("made/checkpoint.safetensors"));
        }
        try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).resume(folder.resolve("made/checkpoint.safetensors")).build()) {
            assertThat(trainer.steps()).isEqualTo(7);
            trainer.run(Progress.NONE);
            Map<String, Tensor> actual = trainer.result().parameters();
            assertThat(actual.keySet()).isEqualTo(expected.keySet());
            actual.forEach((parameter, tensor) -> assertThat(tensor.toArray()).as(parameter).isEqualTo(expected.get(parameter).toArray()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"neel-run1", "bloom-2024-02", "paper", "anthropic-april-2024", "openai-topk", "batch-topk", "matryoshka",
        "jumprelu", "gated"})
    void aResultCanBeWrittenAndOpened(String name, @TempDir Path folder) {
        try (Trainer trainer = Trainer.builder(engine, small(name), shuffled()).origin(HookPoint.mlpPost(0), "planted").build()) {
            trainer.run(Progress.NONE);
            TrainedSae trained = trainer.result();
            SaeFiles.write(folder, trained.config(), trained.parameters(), trained.metadata());
            try (SaeWeights weights = SaeFiles.read(folder);
                    SparseAutoencoder sae = SparseAutoencoders.of(weights.config(), weights.parameters(), engine)) {
                assertThat(sae.config()).isEqualTo(trained.config());
                assertThat(sae.config().hook()).contains(HookPoint.mlpPost(0));
                assertThat(sae.reconstruct(DATA).shape()).containsExactly(200, D);
                SparseRows features = sae.encode(DATA);
                if (sae.config().architecture().equals(SaeConfig.Architecture.TOPK)) {
                    for (int row = 0; row < features.rows(); row++) {
                        assertThat(features.count(row)).isLessThanOrEqualTo(3);
                    }
                }
            }
        }
    }

    @Test
    void batchTopkBecomesAJumpReluOfTheSameSparsity() {
        Recipe recipe = small("batch-topk").with(Map.of("steps", "300", "d_sae", "32", "threshold_decay", "0.9"));
        try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).build()) {
            trainer.run(Progress.NONE);
            TrainedSae trained = trainer.result();
            assertThat(trained.config().architecture()).isEqualTo(SaeConfig.Architecture.JUMP_RELU);
            try (SparseAutoencoder sae = SparseAutoencoders.of(trained.config(), trained.parameters(), engine)) {
                assertThat(sae.encode(DATA).entries() / 200.0).isCloseTo(3, within(0.5));
            }
        }
    }

    @Test
    void cancellingLeavesAResumableState(@TempDir Path folder) {
        Recipe recipe = small("openai-topk");
        Progress cancelAfterFour = new Progress() {
            private long done;

            @Override
            public void update(String stage, long at, long total) {
                done = at;
            }

            @Override
            public boolean isCancelled() {
                return done >= 4;
            }
        };
        try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).checkpoints(folder, 3).build()) {
            assertThatThrownBy(() -> trainer.run(cancelAfterFour)).isInstanceOf(CancellationException.class);
        }
        assertThat(folder).isDirectoryContaining("glob:**checkpoint-000000003.safetensors")
                .isDirectoryContaining("glob:**checkpoint-000000004.safetensors");
        Path latest = Trainer.latestCheckpoint(folder).orElseThrow();
        assertThat(latest).isEqualTo(folder.resolve("checkpoint-000000004.safetensors"));
        assertThat(Trainer.latestCheckpoint(folder.resolve("none"))).isEmpty();
        try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).resume(latest).build()) {
            trainer.run(Progress.NONE);
            assertThat(trainer.steps()).isEqualTo(12);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 6})
    void aSourceThatIsCancelledWithinAStepOrAResamplingLeavesAResumableState(int batches, @TempDir Path folder) {
        Recipe recipe = small("neel-run1");
        float[] expected;
        try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).build()) {
            trainer.run(Progress.NONE);
            expected = trainer.result().parameters().get("W_enc").toArray();
        }
        ActivationSource cancelled = new ActivationSource() {
            private final ActivationSource rows = shuffled();
            private int taken;

            @Override
            public int width() {
                return D;
            }

            @Override
            public long position() {
                return rows.position();
            }

            @Override
            public void seek(long position) {
                rows.seek(position);
            }

            @Override
            public void next(float[] target) {
                if (taken++ == batches) {
                    throw new CancellationException("refilling");
                }
                rows.next(target);
            }
        };
        try (Trainer trainer = Trainer.builder(engine, recipe, cancelled).checkpoints(folder, 0).build()) {
            assertThatThrownBy(() -> trainer.run(Progress.NONE)).isInstanceOf(CancellationException.class);
        }
        try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).resume(Trainer.latestCheckpoint(folder).orElseThrow()).build()) {
            trainer.run(Progress.NONE);
            assertThat(trainer.result().parameters().get("W_enc").toArray()).isEqualTo(expected);
        }
    }

    @Test
    void aClosedTrainerSaysSo() {
        Trainer trainer = Trainer.builder(engine, small("openai-topk"), shuffled()).build();
        trainer.close();
        trainer.close();
        assertThatThrownBy(trainer::step).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(trainer::result).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aCheckpointOfAnotherRecipeOrNoCheckpointIsRefused(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("checkpoint.safetensors");
        try (Trainer trainer = Trainer.builder(engine, small("openai-topk"), shuffled()).build()) {
            trainer.step();
            trainer.checkpoint(file);
        }
        assertThatThrownBy(() -> Trainer.builder(engine, small("openai-topk").with("lr", "1"), shuffled()).resume(file).build())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("lr (0.001, now 1.0)");
        assertThatThrownBy(() -> Trainer.builder(engine, small("paper"), shuffled()).resume(file).build())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("openai-topk");
        ActivationSource narrow = ActivationSource.sequential(Tensor.zeros(4, D - 1));
        assertThatThrownBy(() -> Trainer.builder(engine, small("openai-topk"), narrow).resume(file).build())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("width 8");
        Path hostile = folder.resolve("hostile.safetensors");
        new Checkpoint(small("openai-topk"), Map.of(), 3, 0, -1, 1, new double[2], new double[PenaltyCoefficient.STATE], "", Map.of()).write(hostile);
        assertThatThrownBy(() -> Trainer.builder(engine, small("openai-topk"), shuffled()).resume(hostile).build())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("position -1");
        Path broken = Files.write(folder.resolve("broken.safetensors"), new byte[] {1, 2, 3});
        assertThatThrownBy(() -> Trainer.builder(engine, small("openai-topk"), shuffled()).resume(broken).build())
                .isInstanceOf(Sae4jException.class);
    }

    @Test
    void unitNormHoldsBeforeAdamOnly() {
        Recipe recipe = Recipes.NEEL_RUN1.asPublished().with(Map.of("d_sae", "21", "batch", "16"));
        Map<String, Tensor> twice = Map.of("W_dec", Tensor.of(times(Planted.dictionary(21, D, 5), 2), 21, D));
        try (Trainer still = Trainer.builder(engine, recipe.with("lr", "0"), shuffled()).init(twice).build();
                Trainer moving = Trainer.builder(engine, recipe.with("lr", "0.01"), shuffled()).init(twice).build()) {
            still.step();
            moving.step();
            double farthest = 0;
            for (int row = 0; row < 21; row++) {
                assertThat(norm(still.result().parameters().get("W_dec").row(row))).isCloseTo(1, within(1e-6));
                farthest = Math.max(farthest, Math.abs(norm(moving.result().parameters().get("W_dec").row(row)) - 1));
            }
            assertThat(farthest).isGreaterThan(1e-5);
        }
    }

    @Test
    void whatTheHeapCannotHoldIsRefusedBeforeWorkStarts() {
        long more = 2 * Runtime.getRuntime().maxMemory();
        assertThatThrownBy(() -> org.sae4j.core.internal.Heap.require(more, "for a test", "here", "choose less"))
                .isInstanceOf(Sae4jException.class).hasMessageMatching("needs " + more + " bytes of Java heap for a test, available are \\d+, "
                        + "here, choose less, or give a larger heap \\(-Xmx\\)");
        int rows = (int) Math.min(1 << 30, Runtime.getRuntime().maxMemory() / 4);
        assertThatThrownBy(() -> Trainer.builder(engine, Recipes.OPENAI_TOPK.with(Map.of("batch", Integer.toString(Math.min(rows, 1 << 24)),
                "d_sae", "4")), ActivationSource.sequential(Tensor.zeros(1, 1 << 20))).build()).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("fits in one Java array");
    }

    /** SAELens folds the decoder norms of TopK only where they are 1. As published they are 1 before the step alone. */
    @Test
    void topkFittedToTheRunLeavesUnitDecoderRows() {
        Recipe recipe = Recipes.OPENAI_TOPK.with(Map.of("d_sae", "21", "batch", "16", "k", "3", "lr", "0.01"));
        assertThat(recipe.asPublished().unitNorm()).isEqualTo(Recipe.UnitNorm.BEFORE_ADAM);
        assertThat(recipe.unitNorm()).isEqualTo(Recipe.UnitNorm.AFTER_ADAM);
        try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).build()) {
            trainer.step();
            for (int row = 0; row < 21; row++) {
                assertThat(norm(trainer.result().parameters().get("W_dec").row(row))).isCloseTo(1, within(1e-6));
            }
        }
    }

    @Test
    void theDecodersFirstMomentIsOrthogonalToItsRows(@TempDir Path folder) {
        try (Trainer trainer = Trainer.builder(engine, small("neel-run1").with("lr", "0"), shuffled()).build()) {
            trainer.step();
            trainer.checkpoint(folder.resolve("c.safetensors"));
        }
        Map<String, Tensor> state = Checkpoint.read(folder.resolve("c.safetensors")).tensors();
        for (int row = 0; row < 21; row++) {
            float[] w = state.get("W_dec").row(row);
            float[] m = state.get("m.W_dec").row(row);
            double dot = 0;
            for (int c = 0; c < D; c++) {
                dot += w[c] * m[c];
            }
            assertThat(dot).isCloseTo(0, within(1e-5 * norm(m) + 1e-12));
        }
    }

    @Test
    void neelsPenaltyGrowsWithTheBatch() {
        for (int batch : new int[] {8, 64}) {
            Recipe recipe = Recipes.NEEL_RUN1.asPublished().with(Map.of("d_sae", "21", "batch", Integer.toString(batch)));
            try (Trainer trainer = Trainer.builder(engine, recipe, shuffled()).build()) {
                TrainingMetrics metrics = trainer.step();
                assertThat(metrics.penalty()).isCloseTo(recipe.effectiveLambda(D) * metrics.l1(), within(1e-5));
                assertThat(recipe.effectiveLambda(D)).isCloseTo(3e-4 * batch, within(1e-12));
            }
        }
    }

    @Test
    void foldingTheScaleOfNormalizedInputsChangesNoReconstruction() {
        Recipe recipe = small("anthropic-april-2024");
        try (Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.sequential(DATA)).build()) {
            trainer.run(Progress.NONE);
            TrainedSae before = trainer.result();
            TrainingMetrics next = trainer.step();
            float[] batch = new float[16 * D];
            DATA.copyTo((12 * 16 % 200) * D, batch, 0, 8 * D);
            DATA.copyTo(0, batch, 8 * D, 8 * D);
            try (SparseAutoencoder sae = SparseAutoencoders.of(before.config(), before.parameters(), engine)) {
                Tensor x = Tensor.of(batch, 16, D);
                assertThat(sae.encode(x).entries() / 16.0).isCloseTo(next.l0(), within(1e-9));
                Tensor y = sae.reconstruct(x);
                double error = 0;
                double mean = 0;
                double variance = 0;
                for (int c = 0; c < D; c++) {
                    mean = 0;
                    for (int row = 0; row < 16; row++) {
                        mean += x.at(row, c) / 16;
                    }
                    for (int row = 0; row < 16; row++) {
                        error += Math.pow(x.at(row, c) - y.at(row, c), 2);
                        variance += Math.pow(x.at(row, c) - mean, 2);
                    }
                }
                assertThat(1 - error / variance).isCloseTo(next.explainedVariance(), within(1e-4));
            }
        }
    }

    /** Trained on x with its mean subtracted and its norm scaled, an autoencoder does to x what it did to those. */
    @ParameterizedTest
    @ValueSource(strings = {"neel-run1", "paper", "jumprelu", "gated"})
    void centringAndScalingAreFoldedIntoTheResult(String name, @TempDir Path folder) {
        Map<String, String> settings = Map.of("centre", "true", "normalize", "true", "statistics_rows", "200");
        Recipe recipe = small(name).with(settings).with("apply_b_dec", name.equals("neel-run1") ? "true" : "false");
        ActivationSource source = ActivationSource.sequential(DATA);
        try (Trainer trainer = Trainer.builder(engine, recipe, source).build()) {
            for (int step = 0; step < 4; step++) {
                trainer.step();
            }
            TrainedSae before = trainer.result();
            trainer.checkpoint(folder.resolve("c.safetensors"));
            TrainingMetrics next = trainer.step();
            try (Trainer resumed = Trainer.builder(engine, recipe, ActivationSource.sequential(DATA))
                    .resume(folder.resolve("c.safetensors")).build()) {
                assertThat(resumed.step().loss()).isEqualTo(next.loss());
            }
            float[] batch = new float[16 * D];
            DATA.copyTo(4 * 16 * D, batch, 0, batch.length);
            Tensor x = Tensor.of(batch, 16, D);
            try (SparseAutoencoder sae = SparseAutoencoders.of(before.config(), before.parameters(), engine)) {
                assertThat(sae.encode(x).entries() / 16.0).isCloseTo(next.l0(), within(1e-9));
                float[] y = sae.reconstruct(x).toArray();
                double error = 0;
                for (int i = 0; i < y.length; i++) {
                    error += Math.pow(batch[i] - y[i], 2) / 16;
                }
                double scale = Checkpoint.read(folder.resolve("c.safetensors")).scale();
                assertThat(error * scale * scale).isCloseTo(next.l2(), within(1e-3 * next.l2()));
            }
        }
    }

    @Test
    void topkRecoversAPlantedDictionary() {
        float[][] dictionary = Planted.dictionary(24, 16, 7);
        Tensor data = Planted.rows(dictionary, 4000, 2, 0.3f, 8);
        Recipe recipe = Recipes.OPENAI_TOPK.with(Map.of("d_sae", "48", "k", "2", "k_aux", "16", "batch", "128", "steps", "1500",
                "lr", "3e-3", "dead_after", "2000"));
        TrainingMetrics last = null;
        try (Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.shuffled(data, 9)).build()) {
            while (trainer.steps() < recipe.steps()) {
                last = trainer.step();
                assertThat(last.l0()).isLessThanOrEqualTo(2);
            }
            Tensor decoder = trainer.result().parameters().get("W_dec");
            double sum = 0;
            for (float[] atom : dictionary) {
                double best = 0;
                for (int row = 0; row < 48; row++) {
                    float[] w = decoder.row(row);
                    double dot = 0;
                    for (int c = 0; c < 16; c++) {
                        dot += w[c] * atom[c];
                    }
                    best = Math.max(best, dot / norm(w));
                }
                sum += best;
            }
            assertThat(sum / dictionary.length).isGreaterThan(0.95);
            assertThat(last.explainedVariance()).isGreaterThan(0.9);
        }
    }

    @Test
    void resamplingPointsDeadFeaturesAtInputsAndForgetsTheirMoments(@TempDir Path folder) {
        float[] bias = new float[21];
        bias[4] = -100;
        Recipe recipe = small("neel-run1").with(Map.of("dead", "resample", "resample_every", "6", "resample_inputs", "64", "l1", "0"));
        try (Trainer trainer = Trainer.builder(engine, recipe.with("dead_after", "60"), shuffled())
                .init(Map.of("b_enc", Tensor.of(bias, 21))).build()) {
            for (int step = 0; step < 6; step++) {
                trainer.step();
            }
            trainer.resampleIfDue();
            trainer.checkpoint(folder.resolve("c.safetensors"));
        }
        Checkpoint checkpoint = Checkpoint.read(folder.resolve("c.safetensors"));
        Map<String, Tensor> state = checkpoint.tensors();
        assertThat(checkpoint.position()).as("inputs looked at are skipped").isEqualTo(6 * 16 + 64);
        assertThat(state.get("b_enc").get(4)).isZero();
        assertThat(state.get("since").get(4)).isZero();
        for (String moment : List.of("m.W_enc", "v.W_enc", "m.W_dec", "v.W_dec")) {
            assertThat(state.get(moment).row(4)).as(moment).containsOnly(0f);
            assertThat(norm(state.get(moment).row(5))).as(moment + " of a living feature").isPositive();
        }
        float[] decoder = state.get("W_dec").row(4);
        assertThat(norm(decoder)).isCloseTo(1, within(1e-6));
        double best = 0;
        for (int row = 0; row < 200; row++) {
            float[] x = DATA.row(row);
            double dot = 0;
            for (int c = 0; c < D; c++) {
                dot += x[c] * decoder[c];
            }
            best = Math.max(best, dot / norm(x));
        }
        assertThat(best).as("cosine with the nearest input").isCloseTo(1, within(1e-6));
    }

    @Test
    void featuresThatRarelyFireAreDrawnAnew() {
        float[] bias = new float[21];
        bias[4] = -100;
        try (Trainer trainer = Trainer.builder(engine, small("neel-run1").with("normalize", "false"), shuffled())
                .init(Map.of("b_enc", Tensor.of(bias, 21))).build()) {
            for (int step = 0; step < 5; step++) {
                trainer.step();
            }
            assertThat(trainer.result().parameters().get("b_enc").get(4)).isLessThan(-99);
            trainer.resampleIfDue();
            assertThat(trainer.result().parameters().get("b_enc").get(4)).isZero();
            assertThat(norm(trainer.result().parameters().get("W_dec").row(4))).isCloseTo(1, within(1e-6));
        }
    }

    @Test
    void aGatedAutoencoderStartsFromAReluAutoencodersBias() {
        float[] bias = new float[21];
        Arrays.fill(bias, 0.3f);
        Tensor given = Tensor.of(bias, 21);
        assertThat(gated(Map.of("b_enc", given))).isEqualTo(gated(Map.of("b_gate", given, "b_mag", given)));
        assertThat(gated(Map.of("b_enc", given, "b_gate", Tensor.zeros(21)))).isEqualTo(gated(Map.of("b_mag", given)));
        assertThatThrownBy(() -> gated(Map.of("b_enc", given, "b_gate", given, "b_mag", given))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("b_enc");
    }

    @Test
    void theGatesOwnReconstructionCountsAsAuxiliary() {
        try (Trainer trainer = Trainer.builder(engine, small("gated").with("normalize", "false"), shuffled()).build()) {
            TrainingMetrics metrics = trainer.step();
            assertThat(metrics.error()).isEqualTo(metrics.l2());
            assertThat(metrics.auxiliary()).isPositive();
            assertThat(metrics.loss()).isEqualTo(metrics.error() + metrics.penalty() + metrics.auxiliary());
        }
    }

    private static Map<String, List<Float>> gated(Map<String, Tensor> init) {
        try (Trainer trainer = Trainer.builder(engine, small("gated"), shuffled()).init(init).build()) {
            trainer.step();
            Map<String, List<Float>> values = new TreeMap<>();
            trainer.result().parameters().forEach((name, tensor) -> {
                List<Float> list = new ArrayList<>();
                for (float value : tensor.toArray()) {
                    list.add(value);
                }
                values.put(name, list);
            });
            return values;
        }
    }

    @Test
    void initialTensorsMustFit() {
        Recipe recipe = small("neel-run1");
        assertThatThrownBy(() -> Trainer.builder(engine, recipe, shuffled()).init(Map.of("W_enc", Tensor.zeros(21, D))).build())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("[21, 9]").hasMessageContaining("[9, 21]");
        assertThatThrownBy(() -> Trainer.builder(engine, recipe, shuffled()).init(Map.of("encoder", Tensor.zeros(1))).build())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("encoder").hasMessageContaining("W_enc");
        Tensor bad = Tensor.of(new float[] {0, 0, 0, 0, Float.NaN, 0, 0, 0, 0}, D);
        assertThatThrownBy(() -> Trainer.builder(engine, recipe, shuffled()).init(Map.of("b_dec", bad)).build())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("NaN").hasMessageContaining("element 4");
    }

    @Test
    void activationsThatAreNotFiniteEndTraining() {
        float[] values = DATA.toArray();
        values[100] = Float.POSITIVE_INFINITY;
        ActivationSource source = ActivationSource.sequential(Tensor.of(values, 200, D));
        try (Trainer trainer = Trainer.builder(engine, small("neel-run1").with("normalize", "false"), source).build()) {
            assertThatThrownBy(trainer::step).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("step 1").hasMessageContaining("finite");
        }
    }

    @Test
    void metricsAreWrittenAsLinesOfJson(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("run/metrics.jsonl");
        List<TrainingMetrics> seen = new ArrayList<>();
        try (MetricsFile file = new MetricsFile(path, 0);
                Trainer trainer = Trainer.builder(engine, small("paper").asPublished(), ActivationSource.sequential(Tensor.zeros(16, D))).listener(file)
                        .listener(seen::add).build()) {
            trainer.step();
            trainer.step();
        }
        assertThat(Files.readAllLines(path)).hasSize(2).first().asString().startsWith("{\"step\":1,\"tokens\":16,\"loss\":")
                .contains("\"explained_variance\":null", "\"dead\":0", "\"l0\":");
        assertThat(seen).extracting(TrainingMetrics::step).containsExactly(1L, 2L);
    }

    @ParameterizedTest
    @ValueSource(strings = {"neel-run1", "bloom-2024-02", "paper", "anthropic-april-2024", "jumprelu", "gated"})
    void untouchedRecipesWithAPenaltyReachTheTargetL0(String name) {
        Tensor data = Planted.rows(Planted.dictionary(40, 32, 7), 4000, 4, 0.1f, 8);
        Recipe recipe = Recipes.get(name).with(Map.of("d_sae", "128", "batch", "128", "steps", "800", "target_l0", "4"));
        List<TrainingMetrics> seen = new ArrayList<>();
        try (Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.shuffled(data, 9)).listener(seen::add).build()) {
            trainer.run(Progress.NONE);
        }
        List<TrainingMetrics> last = seen.subList(750, 800);
        assertThat(last.stream().mapToDouble(TrainingMetrics::l0).average().orElseThrow()).isCloseTo(4, within(0.4));
        assertThat(last.stream().mapToDouble(TrainingMetrics::explainedVariance).average().orElseThrow()).isGreaterThan(0.2);
        assertThat(last.getLast().coefficient()).isNotEqualTo(seen.getFirst().coefficient());
    }

    @Test
    void twoWidthsOrRecipesShareNoInitialRows() {
        float[] narrow = new Initializer(Recipes.OPENAI_TOPK.with("d_sae", "21"), D).decoder(null);
        float[] wide = new Initializer(Recipes.OPENAI_TOPK.with("d_sae", "42"), D).decoder(null);
        float[] other = new Initializer(Recipes.BATCH_TOPK.with("d_sae", "21"), D).decoder(null);
        for (int i = 0; i < narrow.length; i++) {
            assertThat(wide[i]).isNotEqualTo(narrow[i]);
            assertThat(other[i]).isNotEqualTo(narrow[i]);
        }
    }

    @Test
    void theSameSeedGivesTheSameBitsAndAnotherSeedOthers() {
        float[] first = encoder(1);
        assertThat(encoder(1)).isEqualTo(first);
        assertThat(encoder(2)).isNotEqualTo(first);
    }

    private static float[] encoder(int seed) {
        try (Trainer trainer = Trainer.builder(engine, small("openai-topk").with("seed", Integer.toString(seed)), shuffled()).build()) {
            trainer.run(Progress.NONE);
            return trainer.result().parameters().get("W_enc").toArray();
        }
    }

    @Test
    void kaimingBoundsArePytorchs() {
        Recipe recipe = Recipes.NEEL_RUN1.with("d_sae", "50");
        float[] encoder = new Initializer(recipe, 30).encoder(null, new float[0]);
        double largest = 0;
        for (float value : encoder) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertThat(largest).isBetween(0.98 * Math.sqrt(6.0 / 50), Math.sqrt(6.0 / 50));
    }

    @Test
    void theGeometricMedianResistsAnOutlier() {
        float[] rows = {0, 0, 1, 0, 0, 1, 1, 1, 1000, 1000};
        assertThat(Initializer.centre(rows, 2, Recipe.BiasInitialisation.MEAN)).containsExactly(200.4f, 200.4f);
        float[] median = Initializer.centre(rows, 2, Recipe.BiasInitialisation.GEOMETRIC_MEDIAN);
        assertThat(median[0]).isBetween(0f, 1.1f);
        assertThat(median[0]).isCloseTo(median[1], within(1e-5f));
    }

    private static float[] times(float[][] rows, float factor) {
        float[] out = new float[rows.length * rows[0].length];
        for (int i = 0; i < out.length; i++) {
            out[i] = factor * rows[i / rows[0].length][i % rows[0].length];
        }
        return out;
    }

    private static double norm(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum);
    }
}
