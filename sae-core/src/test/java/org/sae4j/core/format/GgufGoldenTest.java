package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.Transformers;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.testkit.ReferenceEngine;

/** GGUF models of every architecture against transformers' computation on their values: {@code src/test/python/make_gguf_golden.py}. */
class GgufGoldenTest {
    private static final double TOLERANCE = 1e-5;

    static List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(GoldenFiles.folder("gguf"))) {
            return files.filter(file -> file.toString().endsWith(".gguf")).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("files")
    void logitsAndResidualStreamAreThoseOfTheDequantizedModel(Path file) {
        JsonFile expected = JsonFile.read(Path.of(file.toString().replaceFirst("gguf$", "json")));
        int[] tokens = Arrays.stream(numbers(expected.node().get("tokens"))).mapToInt(id -> (int) id).toArray();
        try (Engine engine = new ReferenceEngine(); Transformer model = Transformers.open(file, engine)) {
            assertThat(model.tokenizer()).isEmpty();
            HookPoint residual = HookPoint.parse("blocks.1.hook_resid_pre").orElseThrow();
            Activations found = model.forward(new int[][] {tokens},
                    ForwardPlan.builder().capture(HookPoint.LOGITS).capture(residual).build());
            assertClose(found.get(HookPoint.LOGITS), expected.node().get("logits"), tokens.length - 1);
            assertClose(found.get(residual), expected.node().get("resid_pre_1"), tokens.length - 1);
        }
    }

    private static double[] numbers(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false).mapToDouble(JsonNode::doubleValue).toArray();
    }

    private static void assertClose(Tensor found, JsonNode expected, int position) {
        double[] values = numbers(expected);
        double largest = 0;
        for (double value : values) {
            largest = Math.max(largest, Math.abs(value));
        }
        float[] row = found.row(position);
        assertThat(row).hasSize(values.length);
        for (int i = 0; i < values.length; i++) {
            assertThat((double) row[i]).isCloseTo(values[i], within(TOLERANCE * largest));
        }
    }

    @Test
    void weightsStayInTheirType() {
        try (TransformerWeights weights = TransformerFiles.read(GoldenFiles.folder("gguf").resolve("gptneox.gguf"))) {
            assertThat(weights.parameters().get("blocks.0.attn.W_K").type()).isEqualTo(ElementType.Q8_0);
            assertThat(weights.parameters().get("blocks.0.mlp.W_in").type()).isEqualTo(ElementType.Q8_0);
            assertThat(weights.parameters().get("embed.W_E").type()).isEqualTo(ElementType.Q8_0);
            assertThat(weights.parameters().get("blocks.0.ln1.w").type()).isEqualTo(ElementType.F32);
        }
    }

    @Test
    void aFolderWithOneModelIsThatModel(@TempDir Path folder) throws IOException {
        Path file = Files.copy(GoldenFiles.folder("gguf").resolve("qwen2.gguf"), folder.resolve("one.gguf"));
        try (TransformerWeights weights = TransformerFiles.read(folder)) {
            assertThat(weights.description().config().nLayers()).isEqualTo(2);
        }
        Files.copy(file, folder.resolve("two.gguf"));
        assertThatThrownBy(() -> TransformerFiles.read(folder)).isInstanceOf(FormatException.class)
                .hasMessageContaining("2 GGUF models (one, two)");
    }
}
