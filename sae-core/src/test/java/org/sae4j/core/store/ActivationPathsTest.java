package org.sae4j.core.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.format.SafetensorsWriter;
import org.sae4j.core.train.ActivationSource;

class ActivationPathsTest {
    @TempDir
    private Path folder;

    /** A tensor that counts up from a number. */
    private static Tensor counting(int from, int... shape) {
        int size = 1;
        for (int n : shape) {
            size *= n;
        }
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = from + i;
        }
        return Tensor.of(values, shape);
    }

    private Path write(String name, Map<String, Tensor> tensors, Map<String, String> metadata) {
        Path file = folder.resolve(name);
        SafetensorsWriter.write(file, tensors, metadata);
        return file;
    }

    private static ActivationPaths paths(String tensor, Path... paths) {
        return new ActivationPaths(List.of(paths), tensor, Optional.empty(), Optional.empty(), OptionalInt.empty());
    }

    private static float[] all(ActivationStore store) {
        float[] values = new float[(int) store.rows() * store.info().width()];
        store.all().sequential().next(values);
        return values;
    }

    @Test
    void aFolderOfShardsOfAnyLengthIsOneSourceOfRows() throws IOException {
        Path shards = Files.createDirectory(folder.resolve("shards"));
        write("shards/b.safetensors", Map.of("x", counting(15, 7, 3), "another", counting(0, 5)), Map.of());
        write("shards/a.safetensors", Map.of("x", counting(0, 5, 3)), Map.of("model", "theirs"));
        Files.writeString(shards.resolve("readme.txt"), "not a shard");
        Path more = write("more.safetensors", Map.of("x", counting(36, 2, 2, 3)), Map.of());
        try (ActivationStore store = paths("x", shards, more).open()) {
            assertThat(store.rows()).isEqualTo(16);
            assertThat(store.files()).isEqualTo(3);
            assertThat(store.info().modelName()).contains("theirs");
            assertThat(store.info().hook()).isEmpty();
            assertThat(all(store)).isEqualTo(counting(0, 16, 3).toArray());
            ActivationSource shuffled = store.all().shuffled(1);
            float[] epoch = new float[48];
            shuffled.next(epoch);
            assertThat(epoch).containsExactlyInAnyOrder(counting(0, 48).toArray()).isNotEqualTo(counting(0, 48).toArray());
            assertThat(store.summary(Progress.NONE).norms().max()).isEqualTo((float) Math.sqrt(45 * 45 + 46 * 46 + 47 * 47));
        }
    }

    @Test
    void headsAreTakenTogether() {
        HookPoint z = HookPoint.parse("blocks.2.attn.hook_z").orElseThrow();
        Path file = write("z.safetensors", Map.of(z.toString(), counting(0, 1, 9, 4, 8), "heads", counting(0, 9, 4, 8),
                "flat", counting(0, 9, 32), "blocks.0.hook_resid_pre", counting(0, 3, 3, 8)), Map.of("model", "demo"));
        try (ActivationStore store = paths(z.toString(), file).open()) {
            assertThat(store.info().width()).isEqualTo(32);
            assertThat(store.info().hook()).contains(z);
            assertThat(store.info().modelName()).contains("demo");
            assertThat(all(store)).isEqualTo(counting(0, 9, 32).toArray());
        }
        for (String tensor : List.of("heads", "flat")) {
            try (ActivationStore store = new ActivationPaths(List.of(file), tensor, Optional.of(z), Optional.of("said"),
                    OptionalInt.empty()).open()) {
                assertThat(store.info().width()).isEqualTo(32);
                assertThat(store.info().modelName()).contains("said");
            }
        }
        try (ActivationStore store = paths("blocks.0.hook_resid_pre", file).open()) {
            assertThat(store.info().width()).isEqualTo(8);
            assertThat(store.rows()).isEqualTo(9);
        }
        try (ActivationStore store = new ActivationPaths(List.of(file), "heads", Optional.empty(), Optional.empty(),
                OptionalInt.of(32)).open()) {
            assertThat(store.rows()).isEqualTo(9);
        }
    }

    @Test
    void whatDoesNotFitIsNamed() {
        Path file = write("a.safetensors", Map.of("x", counting(0, 4, 3), "deep", counting(0, 2, 2, 2, 2), "flat", counting(0, 4)), Map.of());
        Path wide = write("b.safetensors", Map.of("x", counting(0, 4, 2)), Map.of());
        assertThatThrownBy(() -> paths("y", file).open()).isInstanceOf(Sae4jException.class).hasMessageContaining("a.safetensors")
                .hasMessageContaining("'y'").hasMessageContaining("deep");
        assertThatThrownBy(() -> paths("x", file, wide).open()).isInstanceOf(Sae4jException.class).hasMessageContaining("b.safetensors")
                .hasMessageContaining("width 2");
        assertThatThrownBy(() -> paths("deep", file).open()).isInstanceOf(Sae4jException.class).hasMessageContaining("--hook");
        assertThatThrownBy(() -> paths("flat", file).open()).isInstanceOf(Sae4jException.class).hasMessageContaining("two axes");
        assertThatThrownBy(() -> new ActivationPaths(List.of(file), "x", Optional.empty(), Optional.empty(), OptionalInt.of(5)).open())
                .isInstanceOf(Sae4jException.class).hasMessageContaining("width 5");
        assertThatThrownBy(() -> paths("x", folder.resolve("a.safetensors").getParent().resolve("empty")).open())
                .isInstanceOf(Sae4jException.class);
        Path broken = write("c.safetensors", Map.of("x", Tensor.of(new float[] {1, Float.NaN}, 1, 2)), Map.of());
        try (ActivationStore store = paths("x", broken).open()) {
            assertThatThrownBy(() -> store.summary(Progress.NONE)).isInstanceOf(Sae4jException.class).hasMessageContaining("NaN in row 0");
        }
    }
}
