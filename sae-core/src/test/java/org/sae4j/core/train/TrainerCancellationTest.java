package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** Training may be cancelled at any event (a report of progress or a question for cancellation) and goes on from there with the same bits. */
class TrainerCancellationTest {
    private static final Tensor DATA = Planted.rows(Planted.dictionary(12, 9, 1), 200, 2, 0.1f, 2);
    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    /** Cancels at the event of a number, once. */
    private static final class CancelAt implements Progress {
        private final long at;
        private long events;
        private boolean refused;

        CancelAt(long at) {
            this.at = at;
        }

        @Override
        public void update(String stage, long done, long total) {
            events++;
        }

        @Override
        public boolean isCancelled() {
            refused |= ++events >= at;
            return refused;
        }
    }

    private static Trainer.Builder builder(Recipe recipe) {
        return Trainer.builder(engine, recipe, ActivationSource.shuffled(DATA, 3));
    }

    private static float[] weights(Trainer trainer) {
        return trainer.result().parameters().get("W_enc").toArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"neel-run1", "jumprelu", "batch-topk"})
    void atAnyEventItStopsAndGoesOnWithTheSameBits(String name, @TempDir Path folder) {
        Recipe recipe = Recipes.get(name).with(Map.of("d_sae", "21", "batch", "16", "steps", "9", "dead_after", "40"));
        recipe = switch (name) {
            case "batch-topk" -> recipe.with("k", "3");
            case "neel-run1" -> recipe.with(Map.of("resample_every", "4", "resample_batches", "2", "resample_below", "0.05"));
            default -> recipe;
        };
        CancelAt never = new CancelAt(Long.MAX_VALUE);
        float[] expected;
        try (Trainer trainer = builder(recipe).build()) {
            trainer.run(never);
            expected = weights(trainer);
        }
        assertThat(never.events).isGreaterThan(9);
        for (long at = 1; at <= never.events; at++) {
            Path checkpoints = folder.resolve("at" + at);
            CancelAt cancelled = new CancelAt(at);
            try (Trainer trainer = builder(recipe).checkpoints(checkpoints, 0).build()) {
                if (at < never.events) {
                    assertThatThrownBy(() -> trainer.run(cancelled)).as("event " + at).isInstanceOf(CancellationException.class);
                } else {
                    trainer.run(cancelled);
                }
                assertThat(Files.exists(checkpoints)).isTrue();
                trainer.run(Progress.NONE);
                assertThat(weights(trainer)).as("the same trainer after event " + at).isEqualTo(expected);
            }
            try (Trainer trainer = builder(recipe).resume(Trainer.latestCheckpoint(checkpoints).orElseThrow()).build()) {
                trainer.run(Progress.NONE);
                assertThat(weights(trainer)).as("another trainer after event " + at).isEqualTo(expected);
            }
        }
    }

    /** As a source that runs a model does when its thread is interrupted. */
    @Test
    void anInterruptedSourceLeavesACheckpointAndAnInterruptedThread(@TempDir Path folder) {
        Recipe recipe = Recipes.get("neel-run1").with(Map.of("d_sae", "21", "batch", "16", "steps", "9"));
        boolean[] training = {false};
        Trainer.Builder builder = Trainer.builder(engine, recipe, new PositionedSource(DATA.dim(1)) {
            @Override
            protected void rows(long first, float[] target) {
                if (training[0] && first >= 48) {
                    Thread.currentThread().interrupt();
                    throw new CancellationException("interrupted");
                }
                for (int i = 0; i < target.length; i++) {
                    target[i] = DATA.get((int) ((first * width() + i) % DATA.size()));
                }
            }
        });
        try (Trainer trainer = builder.checkpoints(folder, 0).build()) {
            training[0] = true;
            assertThatThrownBy(() -> trainer.run(Progress.NONE)).isInstanceOf(CancellationException.class);
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(Trainer.latestCheckpoint(folder)).get().extracting(p -> p.getFileName().toString()).asString().contains("3");
    }
}
