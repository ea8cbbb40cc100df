package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.model.TransformerConfig.Activation;

class TransformerFilesTest {
    /** The models of the module sae-demo-world, beside this one. */
    private static final Path MODELS = Path.of("..", "tools", "demo-world", "src", "main", "resources", "org", "sae4j", "demoworld");

    @Test
    void readsTheDemoModels() {
        try (TransformerWeights gpt2 = TransformerFiles.read(MODELS.resolve("gpt2-4l-demo"))) {
            assertThat(gpt2.config()).isEqualTo(TransformerConfig.builder("gpt2-4l-demo").layers(4).dModel(128).heads(4).dHead(32).dMlp(512)
                .nCtx(128).dVocab(1024).activation(Activation.GELU_TANH).tiedUnembedding(true).build());
            assertThat(gpt2.parameters().get("blocks.3.attn.W_V").shape()).containsExactly(4, 128, 32);
            assertThat(gpt2.parameters().get("unembed.W_U").at(7, 1000)).isEqualTo(gpt2.parameters().get("embed.W_E").at(1000, 7));
            Tokenizer tokenizer = gpt2.tokenizer().orElseThrow();
            assertThat(tokenizer.bos()).isEqualTo(OptionalInt.of(0));
            String text = "The capital of France is Paris.\n  Grüße, 世界 😀!";
            assertThat(tokenizer.decode(tokenizer.encode(text).ids())).isEqualTo(text);
        }
        try (TransformerWeights gelu = TransformerFiles.read(MODELS.resolve("gelu-1l-demo"))) {
            assertThat(gelu.config().activation()).isEqualTo(Activation.GELU);
            assertThat(gelu.parameters().get("unembed.b_U").shape()).containsExactly(1024);
            assertThat(gelu.tokenizer().orElseThrow().bos()).isEqualTo(OptionalInt.of(0));
            assertThat(gelu.notes()).isEmpty();
        }
    }
}
