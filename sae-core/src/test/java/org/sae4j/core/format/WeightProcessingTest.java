package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Tensor;

class WeightProcessingTest {
    private static final Path GPT2 = GoldenFiles.folder("transformer").resolve("hf_f32");
    private static final Map<String, UnaryOperator<TransformerWeights>> SAME_FUNCTION = Map.of("fold_ln", WeightProcessing::foldLayerNorm,
            "center_writing_weights", WeightProcessing::centerWritingWeights, "fold_value_biases", WeightProcessing::foldValueBiases);

    @ParameterizedTest
    @ValueSource(strings = {"fold_ln", "center_writing_weights", "fold_value_biases"})
    void keepsTheLogitsAndSaysWhatItDid(String step) {
        try (TransformerWeights raw = TransformerFiles.read(GPT2)) {
            TransformerWeights processed = SAME_FUNCTION.get(step).apply(raw);
            GoldenTransformerTest.assertLogits(processed, GPT2, 1e-5);
            assertThat(processed.notes()).hasSize(raw.notes().size() + 1).last().asString().contains(step);
            assertThat(processed.config().tiedUnembedding()).isEqualTo(step.equals("fold_value_biases"));
        }
    }

    /** Norms that products alone read are folded, whichever family has them; the others stay. */
    @ParameterizedTest
    @ValueSource(strings = {"llama", "qwen3", "gemma2", "gemma3", "phi"})
    void foldsTheNormsOfEveryFamily(String family) {
        Path folder = GoldenFiles.folder("family").resolve(family);
        try (TransformerWeights raw = TransformerFiles.read(folder)) {
            TransformerWeights folded = WeightProcessing.foldLayerNorm(raw);
            GoldenTransformerTest.assertLogits(folded, folder, 2e-4);
            assertThat(folded.parameters().get("blocks.1.ln2.w") == null ? folded.parameters().get("blocks.1.ln1.w").toArray()
                    : folded.parameters().get("blocks.1.ln2.w").toArray()).containsOnly(1f);
            if (family.startsWith("gemma")) {
                assertThat(folded.parameters().get("blocks.1.ln2_post.w")).isSameAs(raw.parameters().get("blocks.1.ln2_post.w"));
            }
        }
    }

    @Test
    void normsBehindTheBranchesAndMissingBiasesAreLeftOrRefused() {
        try (TransformerWeights olmo = TransformerFiles.read(GoldenFiles.folder("family").resolve("olmo2"));
                TransformerWeights neox = TransformerFiles.read(GoldenFiles.folder("family").resolve("neox_parallel"));
                TransformerWeights gemma = TransformerFiles.read(GoldenFiles.folder("family").resolve("gemma2"))) {
            assertThat(WeightProcessing.foldLayerNorm(olmo).parameters().get("blocks.0.ln1.w"))
                    .isSameAs(olmo.parameters().get("blocks.0.ln1.w"));
            assertThatThrownBy(() -> WeightProcessing.foldLayerNorm(neox)).hasMessageContaining("needs a bias beside unembed.W_U");
            assertThatThrownBy(() -> WeightProcessing.centerUnembed(gemma)).hasMessageContaining("soft cap");
        }
    }

    @Test
    void foldedLayerNormsAreOnesAndZerosAndReadersHaveNoMean() {
        try (TransformerWeights raw = TransformerFiles.read(GPT2)) {
            Map<String, Tensor> folded = WeightProcessing.foldLayerNorm(raw).parameters();
            assertThat(folded.get("blocks.1.ln2.w").toArray()).containsOnly(1f);
            assertThat(folded.get("ln_final.b").toArray()).containsOnly(0f);
            Tensor queries = folded.get("blocks.1.attn.W_Q");
            for (int column = 0; column < queries.dim(2); column++) {
                double sum = 0;
                for (int row = 0; row < queries.dim(1); row++) {
                    sum += queries.at(2, row, column);
                }
                assertThat(sum).isCloseTo(0, within(1e-5));
            }
        }
    }

    @Test
    void centeredWritersLeaveNoMeanInTheResidualStream() {
        try (TransformerWeights raw = TransformerFiles.read(GPT2)) {
            Map<String, Tensor> centered = WeightProcessing.centerWritingWeights(raw).parameters();
            for (String name : new String[] {"embed.W_E", "pos_embed.W_pos", "blocks.0.attn.W_O", "blocks.1.mlp.W_out",
                    "blocks.1.mlp.b_out"}) {
                assertThat(sum(centered.get(name).row(0))).as(name).isCloseTo(0, within(1e-5));
            }
        }
    }

    @Test
    void centeringTheUnembeddingRemovesTheMeanLogitOnly() {
        try (TransformerWeights raw = TransformerFiles.read(GPT2)) {
            TransformerWeights centered = WeightProcessing.centerUnembed(raw);
            Tensor before = raw.parameters().get("unembed.W_U");
            Tensor after = centered.parameters().get("unembed.W_U");
            double shift = before.at(3, 0) - after.at(3, 0);
            assertThat(sum(after.row(3))).isCloseTo(0, within(1e-5));
            for (int token = 1; token < before.dim(1); token++) {
                assertThat(before.at(3, token) - after.at(3, token)).isCloseTo((float) shift, within(1e-6f));
            }
        }
    }

    @Test
    void allIsTheFourInTransformerLensOrder() {
        try (TransformerWeights raw = TransformerFiles.read(GPT2)) {
            TransformerWeights all = WeightProcessing.all(raw);
            assertThat(String.join(" ", all.notes())).containsSubsequence("fold_ln", "center_writing_weights", "center_unembed",
                    "fold_value_biases");
            assertThat(all.parameters().get("blocks.0.attn.b_V").toArray()).containsOnly(0f);
            assertThat(all.config().name()).as("what provenance records")
                    .isEqualTo(raw.config().name() + " + fold_ln + center_writing_weights + center_unembed + fold_value_biases");
        }
    }

    @Test
    void stepsAreChosenByTransformerLensNames() {
        try (TransformerWeights raw = TransformerFiles.read(GPT2)) {
            assertThat(WeightProcessing.apply(raw, List.of())).isSameAs(raw);
            TransformerWeights two = WeightProcessing.apply(raw, List.of("center_unembed", "fold_ln"));
            assertThat(two.config().name()).endsWith(" + center_unembed + fold_ln");
            assertThatThrownBy(() -> WeightProcessing.apply(raw, List.of("fold_lm"))).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("fold_lm").hasMessageContaining("center_writing_weights");
        }
    }

    private static double sum(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }
}
