package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;

class SafetensorsFileTest {
    private static final Map<String, Tensor> TENSORS = Map.of("b", Tensor.of(new float[] {1, Float.NaN, -0f, 4, 5, 6}, 2, 3), "a",
            Tensor.of(new float[] {7}), "empty", Tensor.zeros(0, 3));

    @TempDir
    private Path folder;

    private Path write() {
        Path path = folder.resolve("deep/er/x.safetensors");
        SafetensorsWriter.write(path, TENSORS, Map.of("format", "pt", "by", "test \"quoted\" ü"));
        return path;
    }

    @Test
    void whatWasWrittenIsReadToTheBit() {
        try (SafetensorsFile file = SafetensorsFile.open(write())) {
            assertThat(file.names()).containsExactly("a", "b", "empty");
            assertThat(file.metadata()).containsOnly(Map.entry("format", "pt"), Map.entry("by", "test \"quoted\" ü"));
            assertThat(file.type("b")).isEqualTo(ElementType.F32);
            assertThat(file.shape("a")).isEmpty();
            TENSORS.forEach((name, tensor) -> {
                assertThat(file.tensor(name).shape()).isEqualTo(tensor.shape());
                assertThat(file.tensor(name).toArray()).isEqualTo(tensor.toArray());
            });
            assertThat(Float.floatToRawIntBits(file.tensor("b").get(2))).isEqualTo(Float.floatToRawIntBits(-0f));
        }
    }

    @Test
    void dataThatBeginAtAnOddByteAreRead() {
        Path odd = GoldenFiles.folder("sae").resolve("saelens_standard/sae_weights.safetensors");
        try (SafetensorsFile file = SafetensorsFile.open(odd);
                SafetensorsFile expected = SafetensorsFile.open(GoldenFiles.expected(odd.getParent()))) {
            assertThat(file.tensor("W_enc").segment().address() % 4).isNotZero();
            assertThat(file.tensor("W_enc").toArray()).isEqualTo(expected.tensor("W_enc").toArray());
        }
    }

    @Test
    void afterCloseValuesAreGoneButNamesAreNot() {
        SafetensorsFile file = SafetensorsFile.open(write());
        Tensor tensor = file.tensor("b");
        file.close();
        file.close();
        assertThat(file.names()).hasSize(3);
        assertThatThrownBy(() -> tensor.get(0)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> file.tensor("b")).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
    }

    @Test
    void missingTensorsAreNamedWithWhatIsThere() {
        try (SafetensorsFile file = SafetensorsFile.open(write())) {
            assertThatThrownBy(() -> file.tensor("W")).isInstanceOf(FormatException.class).hasMessageContaining("W")
                    .hasMessageContaining("found a, b, empty");
        }
    }

    @Test
    void aFileThatCannotBeWrittenLeavesTheOldOne() throws IOException {
        Path path = write();
        byte[] before = Files.readAllBytes(path);
        SafetensorsFile closed = SafetensorsFile.open(path);
        Tensor gone = closed.tensor("b");
        closed.close();
        assertThatThrownBy(() -> SafetensorsWriter.write(path, Map.of("b", gone), Map.of())).isInstanceOf(IllegalStateException.class);
        assertThat(Files.readAllBytes(path)).isEqualTo(before);
        try (Stream<Path> files = Files.list(path.getParent())) {
            assertThat(files).containsExactly(path);
        }
        Path impossible = path.resolve("below-a-file");
        assertThatThrownBy(() -> SafetensorsWriter.write(impossible, TENSORS, Map.of())).isInstanceOf(FormatException.class)
                .hasMessageContaining("cannot be written");
    }

    @Test
    void theReservedNameIsRefused() {
        assertThatThrownBy(() -> SafetensorsWriter.write(folder.resolve("x"), Map.of("__metadata__", Tensor.zeros(1)), Map.of()))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
