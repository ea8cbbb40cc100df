package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.ElementType;

class InspectorTest {
    @ParameterizedTest
    @CsvSource({"sae/saelens_gated, SAELens sparse autoencoder, 6", "sae/nanda, sparse autoencoder (Neel Nanda's layout), 4",
            "sae/openai_topk, OpenAI sparse autoencoder, 5", "sae/dl_standard, dictionary_learning sparse autoencoder, 4",
            "sae/dl_backup, dictionary_learning sparse autoencoder, 4", "sae/gemma_scope, Gemma Scope sparse autoencoder, 5",
            "sae/gemma_scope_compressed, Gemma Scope sparse autoencoder, 5",
            "sae/sparsify/transcode, EleutherAI sparsify sparse autoencoder, 4",
            "transformer/hf_f32, Hugging Face GPT-2, 28", "transformer/hf_sharded_untied, Hugging Face GPT-2, 29",
            "transformer/lens_pth, TransformerLens transformer, 41",
            "transformer/hf_scaled, Hugging Face GPT-2, 28", "sae/nanda.safetensors, SAELens sparse autoencoder, 7"})
    void namesTheKindAndListsTheTensors(String path, String kind, int tensors) {
        Inspection inspection = Inspector.inspect(GoldenFiles.folder("sae").resolveSibling(path));
        assertThat(inspection.kind()).isEqualTo(kind);
        assertThat(inspection.tensors()).hasSize(tensors);
        assertThat(inspection.summary().getFirst()).startsWith(kind);
    }

    @Test
    void showsTypesShapesAndConfig() {
        Inspection inspection = Inspector.inspect(GoldenFiles.folder("sae").resolve("nanda_f16"));
        assertThat(inspection.tensors()).contains(new Inspection.TensorInfo("W_enc", ElementType.F16, List.of(12, 20)));
        assertThat(inspection.metadata()).containsEntry("site", "resid_pre").containsEntry("layer", "1");
        assertThat(inspection.summary()).anyMatch(line -> line.contains("4 tensors, 512 elements (F16), 1024 bytes"));
    }

    @Test
    void describesTokenizersAndRefusesTheRest(@TempDir Path folder) throws IOException {
        assertThatThrownBy(() -> Inspector.inspect(folder)).isInstanceOf(FormatException.class).hasMessageContaining("no file of weights");
        assertThatThrownBy(() -> Inspector.inspect(folder.resolve("nothing"))).isInstanceOf(FormatException.class)
                .hasMessageContaining("No such file");
        StringBuilder vocabulary = new StringBuilder("{");
        for (int value = 0; value < 256; value++) {
            vocabulary.append(value == 0 ? "\"" : ",\"").append(value == '"' || value == '\\' ? "\\" : "")
                    .append(value < 33 ? (char) (value + 256) : value < 127 ? (char) value : value < 161 ? (char) (value + 162)
                            : value == 173 ? (char) 323 : (char) value).append("\":").append(value);
        }
        Files.writeString(folder.resolve("vocab.json"), vocabulary + "}");
        Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\n");
        assertThat(Inspector.inspect(folder.resolve("vocab.json")).kind()).isEqualTo("tokenizer");
        assertThat(Inspector.inspect(folder).summary()).containsExactly("byte-level BPE tokenizer with 256 ids");
        Files.writeString(folder.resolve("notes.json"), "{\"a\": {\"b\": 1}}");
        assertThat(Inspector.inspect(folder.resolve("notes.json")).metadata()).containsEntry("a.b", "1");
    }
}
