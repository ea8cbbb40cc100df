package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig.Activation;
import org.sae4j.core.Transformers;
import org.sae4j.testkit.ReferenceEngine;

/** Transformers in the formats of other projects, read and run, against Hugging Face transformers in double precision. */
class GoldenTransformerTest {
    static List<Path> cases() throws IOException {
        return GoldenFiles.cases("transformer");
    }

    @Test
    void everyFormatHasCases() throws IOException {
        assertThat(cases()).hasSizeGreaterThanOrEqualTo(8);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void logitsAreThoseOfPyTorch(Path folder) {
        try (TransformerWeights weights = TransformerFiles.read(folder)) {
            assertLogits(weights, folder, 1e-5);
        }
    }

    static void assertLogits(TransformerWeights weights, Path folder, double tolerance) {
        try (SafetensorsFile expected = SafetensorsFile.open(GoldenFiles.expected(folder)); Engine engine = new ReferenceEngine();
                Transformer transformer = Transformers.of(weights.description(), weights.parameters(), weights.tokenizer(), engine)) {
            Tensor logits = logits(transformer, GoldenFiles.ids(expected.tensor("tokens")));
            GoldenFiles.assertClose("logits", logits, expected.tensor("logits"), tolerance);
        }
    }

    private static Tensor logits(Transformer transformer, int[][] ids) {
        return transformer.forward(ids, ForwardPlan.logits()).get(HookPoint.LOGITS);
    }

    @Test
    void variantsAreRecognized() {
        try (TransformerWeights plain = read("hf_plain_f16"); TransformerWeights untied = read("hf_sharded_untied");
                TransformerWeights relu = read("hf_bin_bf16"); TransformerWeights lens = read("lens_pth");
                TransformerWeights pre = read("lens_pre")) {
            assertThat(plain.config().activation()).isEqualTo(Activation.GELU);
            assertThat(plain.config().normEps()).isEqualTo(1e-3f);
            assertThat(plain.config().tiedUnembedding()).isTrue();
            assertThat(untied.config().tiedUnembedding()).isFalse();
            assertThat(relu.config().activation()).isEqualTo(Activation.RELU);
            assertThat(lens.notes()).singleElement().asString().contains("d_vocab says 38, but the tensors have 37");
            assertThat(pre.config().name()).isEqualTo("lens-pre");
            assertThat(pre.notes()).singleElement().asString().contains("LNPre");
        }
    }

    static TransformerWeights read(String name) {
        return TransformerFiles.read(GoldenFiles.folder("transformer").resolve(name));
    }
}
