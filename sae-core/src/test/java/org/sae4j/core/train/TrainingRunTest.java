package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.output.Existing;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** A training from settings to a folder, in a few lines. */
class TrainingRunTest {
    private static final Tensor DATA = Planted.rows(Planted.dictionary(12, 9, 1), 200, 2, 0.1f, 2);
    private static final Recipe RECIPE = Recipes.JUMPRELU.with(Map.of("d_sae", "21", "batch", "16", "steps", "12", "target_l0", "3"));
    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private static TrainingRun.Builder run(Path folder, Existing existing) {
        return TrainingRun.builder(engine, RECIPE, ActivationSource.shuffled(DATA, 3)).output(folder, existing).rows(200)
                .data(Map.of("rows", "planted")).origin(Optional.of(HookPoint.mlpPost(0)), Optional.of("planted"));
    }

    @Test
    void aFolderHasAllThatBelongsToAnAutoencoder(@TempDir Path folder) throws IOException {
        TrainingRun.Result result;
        try (TrainingRun run = run(folder, Existing.REFUSE).evaluation(sae -> Evaluator.evaluate(sae, DATA, Progress.NONE), 5).build()) {
            assertThat(run.remarks()).anySatisfy(remark -> assertThat(remark).contains("rows for each feature"));
            result = run.run(Progress.NONE);
            assertThat(run.steps()).isEqualTo(12);
        }
        assertThatThrownBy(() -> run(folder, Existing.REFUSE).build()).as("nothing is lost").hasMessageContaining("already has");
        assertThat(MetricsFile.read(folder.resolve("metrics.jsonl"))).hasSize(12);
        assertThat(MetricsFile.read(folder.resolve("evaluation.jsonl"))).hasSize(2);
        assertThat(folder.resolve("checkpoints/checkpoint-000000012.safetensors")).exists();
        assertThat(Files.readString(folder.resolve(ModelCard.FILE))).contains("## Is it good?", result.assessment().headline(),
                "| rows | planted |");
        try (SparseAutoencoder sae = SparseAutoencoders.open(folder, engine)) {
            assertThat(sae.config().hook()).contains(HookPoint.mlpPost(0));
            assertThat(Evaluator.evaluate(sae, DATA, Progress.NONE).explainedVariance())
                    .isEqualTo(result.evaluation().explainedVariance());
        }
    }

    @Test
    void anInterruptedRunGoesOnToTheSameBits(@TempDir Path folder) {
        TrainingRun.Result whole;
        try (TrainingRun run = run(folder.resolve("whole"), Existing.REFUSE).build()) {
            whole = run.run(Progress.NONE);
        }
        int[] done = {0};
        Progress stop = new Progress() {
            @Override
            public void update(String stage, long at, long total) {
                done[0] = (int) at;
            }

            @Override
            public boolean isCancelled() {
                return done[0] >= 7;
            }
        };
        Path folderOfTwo = folder.resolve("two");
        try (TrainingRun run = run(folderOfTwo, Existing.REFUSE).build()) {
            assertThatThrownBy(() -> run.run(stop)).isInstanceOf(CancellationException.class);
        }
        assertThat(folderOfTwo.resolve("cfg.json")).doesNotExist();
        try (TrainingRun run = run(folderOfTwo, Existing.RESUME).build()) {
            assertThat(run.steps()).isEqualTo(7);
            assertThat(run.resumedFrom()).isPresent();
            TrainingRun.Result result = run.run(Progress.NONE);
            whole.trained().parameters().forEach((name, tensor) ->
                    assertThat(result.trained().parameters().get(name).toArray()).as(name).isEqualTo(tensor.toArray()));
            assertThat(result.assessment()).isEqualTo(whole.assessment());
        }
        assertThat(MetricsFile.read(folderOfTwo.resolve("metrics.jsonl"))).hasSize(12);
    }

    @Test
    void withoutAFolderNothingIsWrittenAndAfterCloseNothingRuns() {
        TrainingRun run = TrainingRun.builder(engine, RECIPE, ActivationSource.shuffled(DATA, 3)).build();
        assertThat(run.run(Progress.NONE).evaluation().tokens()).isPositive();
        run.close();
        run.close();
        assertThatThrownBy(() -> run.run(Progress.NONE)).isInstanceOf(IllegalStateException.class);
    }
}
