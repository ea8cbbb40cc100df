package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.Transformers;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.testkit.ReferenceEngine;

/** Models of every family against Hugging Face's own computation: {@code src/test/python/make_family_golden.py}. */
class GoldenFamilyTest {
    private static final double TOLERANCE = 1e-5;

    static List<Path> folders() throws IOException {
        return GoldenFiles.cases("family");
    }

    @ParameterizedTest
    @MethodSource("folders")
    void logitsAndResidualStreamAreThoseOfHuggingFace(Path folder) {
        try (TransformerWeights weights = TransformerFiles.read(folder); Engine engine = new ReferenceEngine();
                SafetensorsFile expected = SafetensorsFile.open(GoldenFiles.expected(folder));
                Transformer model = Transformers.of(weights.description(), weights.parameters(), weights.tokenizer(), engine)) {
            int[][] tokens = GoldenFiles.ids(expected.tensor("tokens"));
            HookPoint[] hooks = model.hookPoints().stream().filter(hook -> expected.names().contains(hook.toString()))
                    .toArray(HookPoint[]::new);
            assertThat(hooks).hasSize(model.config().nLayers() + 1);
            Activations values = model.forward(tokens, ForwardPlan.capture(hooks));
            for (HookPoint hook : hooks) {
                assertClose(hook, values.get(hook), expected.tensor(hook.toString()));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("folders")
    void passesThatResumeOrContinueGiveTheSame(Path folder) {
        try (TransformerWeights weights = TransformerFiles.read(folder); Engine engine = new ReferenceEngine();
                SafetensorsFile expected = SafetensorsFile.open(GoldenFiles.expected(folder));
                Transformer model = Transformers.of(weights.description(), weights.parameters(), weights.tokenizer(), engine)) {
            int[][] tokens = GoldenFiles.ids(expected.tensor("tokens"));
            int length = tokens[0].length;
            HookPoint middle = HookPoint.residPre(1);
            HookPoint[] cached = model.cacheHooks().toArray(HookPoint[]::new);
            Activations whole = model.forward(tokens, ForwardPlan.builder().capture(cached).capture(middle, HookPoint.LOGITS).build());
            Activations resumed = model.forward(tokens,
                    ForwardPlan.builder().startAt(1, whole.get(middle)).capture(HookPoint.LOGITS).build());
            assertClose(HookPoint.LOGITS, resumed.logits(), whole.logits());
            int from = 6;
            int[][] rest = IntStream.range(0, tokens.length).mapToObj(row -> Arrays.copyOfRange(tokens[row], from, length))
                    .toArray(int[][]::new);
            Tensor continued = model.forward(rest, ForwardPlan.builder().after(whole, from).capture(HookPoint.LOGITS).build()).logits();
            int vocabulary = model.config().dVocab();
            for (int row = 0; row < tokens.length; row++) {
                for (int i = 0; i < (length - from) * vocabulary; i++) {
                    assertThat(continued.get((long) row * (length - from) * vocabulary + i)).isCloseTo(
                            whole.logits().get(((long) row * length + from) * vocabulary + i), within(1e-4f));
                }
            }
        }
    }

    @Test
    void everyFamilyIsTried() throws IOException {
        assertThat(folders()).extracting(GoldenFamilyTest::modelType).contains("llama", "mistral", "qwen2", "qwen3", "olmo2",
                "gemma", "gemma2", "gemma3_text", "gpt_neox", "gpt_neo", "opt", "phi", "falcon");
    }

    private static String modelType(Path folder) {
        return JsonFile.read(folder.resolve("config.json")).string("model_type").orElseThrow();
    }

    private static void assertClose(HookPoint hook, Tensor actual, Tensor expected) {
        double largest = IntStream.range(0, (int) expected.size()).mapToDouble(i -> Math.abs(expected.get(i))).max().orElseThrow();
        GoldenFiles.assertClose(hook.toString(), actual, expected, TOLERANCE * largest);
    }
}
