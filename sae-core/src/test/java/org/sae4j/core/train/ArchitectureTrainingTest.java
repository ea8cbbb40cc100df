package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** Training of any architecture by its name: those that engines choose features of, and those that choose on the host. */
class ArchitectureTrainingTest {
    private static final int D = 12;
    private static final int ACTIVE = 3;
    private static final Tensor DATA = Planted.rows(Planted.dictionary(24, D, 1), 2048, ACTIVE, 0.2f, 4);

    private static Recipe recipe(Map<String, String> settings) {
        return Recipes.OPENAI_TOPK.with(Map.of("d_sae", "24", "batch", "128", "steps", "300", "dead", "none", "lr", "3e-3")).with(settings);
    }

    private static TrainedSae train(Engine engine, Recipe recipe) {
        try (Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.shuffled(DATA, 3)).build()) {
            trainer.run(Progress.NONE);
            return trainer.result();
        }
    }

    private static Engine engine() {
        return new CpuEngineProvider().open(EngineOptions.DEFAULT);
    }

    @Test
    void anArchitectureByItsNameIsTrainedAsTheActivation() {
        try (Engine engine = engine()) {
            Map<String, Tensor> byName = train(engine, recipe(Map.of("architecture", "topk(k=3)", "unit_norm", "after_adam", "steps",
                    "20"))).parameters();
            Map<String, Tensor> byActivation = train(engine, recipe(Map.of("k", "3", "unit_norm", "after_adam", "steps", "20"))).parameters();
            assertThat(byName.keySet()).isEqualTo(byActivation.keySet());
            byName.forEach((name, tensor) -> assertThat(tensor.toArray()).as(name).containsExactly(byActivation.get(name).toArray()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"abs_topk(k=3)", "matching_pursuit(max_iterations=3)"})
    void whatChoosesOnTheHostLearnsIsSavedAndReadBack(String architecture, @TempDir Path folder) {
        Recipe recipe = recipe(Map.of("architecture", architecture));
        try (Engine engine = engine()) {
            TrainedSae untrained = train(engine, recipe.with("steps", "1"));
            TrainedSae trained = train(engine, recipe);
            SaeFiles.write(folder.resolve("sae"), trained.config(), trained.parameters(), trained.metadata());
            try (SparseAutoencoder before = SparseAutoencoders.of(untrained.config(), untrained.parameters(), engine);
                    SparseAutoencoder after = SparseAutoencoders.open(folder.resolve("sae"), engine)) {
                assertThat(after.config().architecture()).isEqualTo(trained.config().architecture());
                double unexplained = 1 - Evaluator.evaluate(before, DATA, Progress.NONE).explainedVariance();
                assertThat(1 - Evaluator.evaluate(after, DATA, Progress.NONE).explainedVariance()).isLessThan(unexplained / 2);
            }
        }
    }

    @Test
    void aTrainingGoesOnAsIfItHadNotStopped(@TempDir Path folder) {
        Recipe recipe = recipe(Map.of("architecture", "abs_topk(k=3)", "steps", "12"));
        try (Engine engine = engine(); Trainer whole = Trainer.builder(engine, recipe, ActivationSource.shuffled(DATA, 3)).build();
                Trainer first = Trainer.builder(engine, recipe, ActivationSource.shuffled(DATA, 3)).build()) {
            whole.run(Progress.NONE);
            for (int i = 0; i < 5; i++) {
                first.step();
            }
            first.checkpoint(folder.resolve("c.safetensors"));
            try (Trainer second = Trainer.builder(engine, recipe, ActivationSource.shuffled(DATA, 3)).resume(folder.resolve("c.safetensors"))
                    .build()) {
                second.run(Progress.NONE);
                second.result().parameters().forEach((name, tensor) -> assertThat(tensor.toArray()).as(name)
                        .containsExactly(whole.result().parameters().get(name).toArray()));
            }
        }
    }

    @Test
    void settingsThatDoNotFitAreRefusedBeforeAnythingIsTrained() {
        assertThatThrownBy(() -> recipe(Map.of("architecture", "topk(k=3")).check(D)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("topk(k=32)");
        assertThatThrownBy(() -> recipe(Map.of("architecture", "no_such")).check(D)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("no architecture no_such");
        assertThatThrownBy(() -> recipe(Map.of("architecture", "topk(j=3)")).check(D)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("found j");
        assertThatThrownBy(() -> recipe(Map.of("architecture", "group_max(k=3)")).check(D)).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("has no group_max");
        assertThatThrownBy(() -> recipe(Map.of("architecture", "abs_topk(k=3)", "dead", "aux_k")).check(D))
                .isInstanceOf(Sae4jException.class).hasMessageContaining("dead none");
        assertThat(recipe(Map.of("architecture", " abs_topk( k = 3 ) ")).settings()).containsEntry("architecture", "abs_topk(k=3)");
    }
}
