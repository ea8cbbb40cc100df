package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
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
import org.sae4j.testkit.ReferenceEngine;

/** TransformerLens' own models at all of their hook points: {@code src/test/python/make_lens_golden.py}. */
class GoldenLensTest {
    private static final Set<String> REFUSED = Set.of("lens_rotary_adjacent");

    static List<Path> folders() throws IOException {
        return GoldenFiles.cases("lens").stream().filter(folder -> !REFUSED.contains(folder.getFileName().toString())).toList();
    }

    @ParameterizedTest
    @MethodSource("folders")
    void everyHookPointHasItsNameItsShapeAndItsValue(Path folder) {
        try (TransformerWeights weights = TransformerFiles.read(folder); Engine engine = new ReferenceEngine();
                SafetensorsFile expected = SafetensorsFile.open(GoldenFiles.expected(folder));
                Transformer model = Transformers.of(weights.description(), weights.parameters(), weights.tokenizer(), engine)) {
            int[][] tokens = GoldenFiles.ids(expected.tensor("tokens"));
            Set<String> names = new TreeSet<>(expected.names());
            names.remove("tokens");
            assertThat(model.hookPoints()).extracting(HookPoint::toString).containsExactlyInAnyOrderElementsOf(names);
            Activations values = model.forward(tokens, ForwardPlan.capture(model.hookPoints().toArray(HookPoint[]::new)));
            for (HookPoint hook : model.hookPoints()) {
                Tensor right = expected(weights, hook, expected.tensor(hook.toString()));
                double largest = IntStream.range(0, (int) right.size()).mapToDouble(i -> Math.abs(right.get(i))).filter(Double::isFinite)
                        .max().orElseThrow();
                GoldenFiles.assertClose(hook.toString(), values.get(hook), right, 1e-5 * Math.max(1, largest));
            }
        }
    }

    /** LayerNorm's hook point lies behind weight and bias here, as in TransformerLens before version 3. */
    private static Tensor expected(TransformerWeights weights, HookPoint hook, Tensor normalized) {
        String norm = hook.toString().replace(".hook_normalized", "");
        Tensor weight = weights.parameters().get(norm + ".w");
        Tensor bias = weights.parameters().get(norm + ".b");
        if (norm.equals(hook.toString()) || weight == null || bias == null) {
            return normalized;
        }
        float[] values = normalized.toArray();
        for (int i = 0; i < values.length; i++) {
            int column = i % Math.toIntExact(weight.size());
            values[i] = values[i] * weight.get(column) + bias.get(column);
        }
        return Tensor.of(values, normalized.shape());
    }

    @Test
    void whatCannotBeRunExactlyIsRefusedByName() {
        for (String name : REFUSED) {
            assertThatThrownBy(() -> TransformerFiles.read(GoldenFiles.folder("lens").resolve(name))).isInstanceOf(FormatException.class)
                    .hasMessageContaining("rotary_adjacent_pairs");
        }
    }

    @Test
    void theToysAreTried() throws IOException {
        assertThat(folders()).extracting(folder -> folder.getFileName().toString())
                .containsAll(Arrays.asList("lens_attn_only", "lens_solu_ln", "lens_silu_parallel", "lens_shortformer", "lens_rotary"));
    }
}
