package org.sae4j.core.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.core.format.EndTokens;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.GgufBytes;

/** The tokens that end texts and the templates of chats, from where GGUF files and folders have them. */
class ModelEndingsTest {
    private static final String GGML = "tokenizer.ggml.";
    private static final String TEMPLATE = "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}"
            + "{{ unk_token }}";

    @TempDir
    private Path folder;

    private Path write(GgufBytes gguf) throws IOException {
        return gguf.write(folder.resolve("chat.gguf"));
    }

    private static GgufBytes vocabulary() {
        return new GgufBytes().text("general.architecture", "llama").pair(GGML + "tokens", 9, GgufBytes.strings("<unk>", "<s>", "</s>", "a"));
    }

    @Test
    void aGgufFileEndsTextsTurnsAndMessages() throws IOException {
        assertThat(EndTokens.of(write(vocabulary()))).isEmpty();
        assertThat(EndTokens.of(write(vocabulary().uint32(GGML + "eos_token_id", 2)))).containsExactly(2);
        assertThat(EndTokens.of(write(vocabulary().uint32(GGML + "eos_token_id", 2).uint32(GGML + "eot_token_id", 1)
                .uint32(GGML + "eom_token_id", 3)))).containsExactly(1, 2, 3);
    }

    @Test
    void aFoldersGenerationConfigurationComesFirst() throws IOException {
        Files.writeString(folder.resolve("config.json"), "{\"eos_token_id\": 5}");
        assertThat(EndTokens.of(folder)).containsExactly(5);
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [7, 6]}");
        assertThat(EndTokens.of(folder)).containsExactly(6, 7);
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": null}");
        assertThat(EndTokens.of(folder)).containsExactly(5);
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": \"</s>\"}");
        assertThatThrownBy(() -> EndTokens.of(folder)).isInstanceOf(FormatException.class).hasMessageContaining("eos_token_id")
                .hasMessageContaining("generation_config.json");
    }

    @Test
    void aGgufFilesTemplateHasTheTextsOfItsSpecialTokens() throws IOException {
        Path file = write(vocabulary().text("tokenizer.chat_template", TEMPLATE).uint32(GGML + "bos_token_id", 1)
                .uint32(GGML + "eos_token_id", 2).uint32(GGML + "unknown_token_id", 0));
        assertThat(ChatTemplate.of(file).orElseThrow().render(List.of(new ChatMessage("user", "a"), new ChatMessage("assistant", "b"))))
                .isEqualTo("<s>[user]a</s>[assistant]b</s><unk>");
    }

    @Test
    void aGgufFileWithoutTemplateOrWithATokenBeyondItsVocabulary() throws IOException {
        assertThat(ChatTemplate.of(write(vocabulary()))).isEmpty();
        Path file = write(vocabulary().text("tokenizer.chat_template", TEMPLATE).uint32(GGML + "eos_token_id", 99));
        assertThat(ChatTemplate.of(file).orElseThrow().render(List.of(new ChatMessage("user", "a")))).isEqualTo("[user]a");
    }

    @Test
    void aBrokenTemplateIsRefusedWithItsKey() throws IOException {
        Path file = write(vocabulary().text("tokenizer.chat_template", "{% for m in messages %}"));
        assertThatThrownBy(() -> ChatTemplate.of(file)).isInstanceOf(FormatException.class).hasMessageContaining("chat.gguf")
                .hasMessageContaining("tokenizer.chat_template");
    }
}
