package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.format.Inspection;
import org.sae4j.core.format.Inspector;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.format.SaeWeights;
import org.sae4j.core.output.Existing;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** Training over time: every checkpoint opens as the autoencoder of its step. */
class CheckpointAsAutoencoderTest {
    private static final Tensor DATA = Planted.rows(Planted.dictionary(12, 9, 1), 200, 2, 0.4f, 2);
    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = new CpuEngineProvider().open(EngineOptions.DEFAULT);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    private static Trainer trainer(Recipe recipe) {
        return Trainer.builder(engine, recipe, ActivationSource.shuffled(DATA, 3)).origin(HookPoint.residPost(4), "planted").build();
    }

    static Stream<Recipe> recipes() {
        Stream<Recipe> architectures = Stream.of("abs_topk(k=3)", "matching_pursuit(max_iterations=3, residual_threshold=0.25)")
                .map(architecture -> Recipes.OPENAI_TOPK.with(Map.of("d_sae", "20", "batch", "16", "steps", "12", "dead", "none",
                        "architecture", architecture)));
        return Stream.concat(architectures, presets());
    }

    private static Stream<Recipe> presets() {
        return Recipes.all().stream().flatMap(preset -> {
            Map<String, String> settings = new HashMap<>(Map.of("d_sae", "20", "batch", "16", "steps", "12"));
            settings.putAll(preset.name().contains("topk") || preset.name().contains("batch") ? Map.of("k", "3") : Map.of());
            settings.putAll(preset.name().equals("matryoshka") ? Map.of("matryoshka", "5,20", "k", "3") : Map.of());
            Recipe recipe = preset.with(settings);
            return Stream.of(recipe, recipe.with(Map.of("centre", "true", "normalize", "true", "apply_b_dec", "false")).with(Map.of(
                    "statistics_rows", "64")));
        });
    }

    @ParameterizedTest
    @MethodSource("recipes")
    void aCheckpointOpensAsTheAutoencoderOfItsStepToTheBit(Recipe recipe, @TempDir Path folder) {
        Path file = folder.resolve("checkpoint-000000007.safetensors");
        TrainedSae trained;
        try (Trainer trainer = trainer(recipe)) {
            for (int i = 0; i < 7; i++) {
                trainer.step();
            }
            trainer.checkpoint(file);
            trained = trainer.result();
        }
        try (SaeWeights read = SaeFiles.read(file)) {
            assertThat(read.config()).isEqualTo(trained.config());
            assertThat(read.parameters().keySet()).isEqualTo(trained.parameters().keySet());
            trained.parameters().forEach((name, tensor) -> assertThat(read.parameters().get(name).toArray()).as(name)
                    .containsExactly(tensor.toArray()));
            assertThat(read.notes()).anyMatch(note -> note.contains("step 7 of 12") && note.contains(recipe.name()));
        }
    }

    @Test
    void foldersOfCheckpointsNameThemAndAreInspected(@TempDir Path folder) throws IOException {
        Recipe recipe = Recipes.OPENAI_TOPK.with(Map.of("d_sae", "20", "batch", "16", "steps", "12", "k", "3"));
        Path run = folder.resolve("run");
        try (Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.shuffled(DATA, 3)).origin(HookPoint.residPost(4), "planted")
                .checkpoints(run.resolve("checkpoints"), 5).keepCheckpoints(9).existing(Existing.REFUSE).build()) {
            trainer.run(Progress.NONE);
        }
        assertThatThrownBy(() -> SaeFiles.read(run.resolve("checkpoints"))).isInstanceOf(FormatException.class)
                .hasMessageContaining("checkpoint-000000005.safetensors, checkpoint-000000010.safetensors, checkpoint-000000012.safetensors");
        assertThatThrownBy(() -> SaeFiles.read(run)).isInstanceOf(FormatException.class)
                .hasMessageContaining("checkpoints/checkpoint-000000005.safetensors");
        assertThatThrownBy(() -> Inspector.inspect(run)).isInstanceOf(FormatException.class)
                .hasMessageContaining("checkpoints/checkpoint-000000005.safetensors");
        Path file = run.resolve("checkpoints/checkpoint-000000005.safetensors");
        Inspection inspection = Inspector.inspect(file);
        assertThat(inspection.kind()).isEqualTo("sparse autoencoder in a checkpoint of a training");
        assertThat(inspection.summary()).anyMatch(line -> line.startsWith("after step 5 of 12 of a training with recipe openai-topk: a topk "
                + "autoencoder at blocks.4.hook_resid_post of planted"));
        byte[] bytes = Files.readAllBytes(file);
        String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
        for (String[] change : new String[][] {{"sae4j-checkpoint-4", "sae4j-checkpoint-3"}, {"\"topk\"", "\"tops\""},
            {"\"scale\":\"1", "\"scale\":\"0"}, {"topk(k=3)", "topk(k=x)"}}) {
            assertThat(text).contains(change[0]);
            Path broken = folder.resolve("broken.safetensors");
            Files.write(broken, text.replace(change[0], change[1]).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
            assertThatThrownBy(() -> SaeFiles.read(broken)).as(change[1]).isInstanceOf(FormatException.class)
                    .hasMessageContaining("broken.safetensors");
        }
    }
}
