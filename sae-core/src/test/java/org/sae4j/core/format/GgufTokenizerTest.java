package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sae4j.core.internal.format.GgufBytes.int32;
import static org.sae4j.core.internal.format.GgufBytes.int64;
import static org.sae4j.core.internal.format.GgufBytes.join;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.internal.format.GgufBytes;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A tokenizer from a GGUF file's metadata gives the tokens of the tokenizer.json that it was converted from. */
class GgufTokenizerTest {
    private static final JsonMapper MAPPER = new JsonMapper();
    private static final String GGML = "tokenizer.ggml.";

    @TempDir
    private Path folder;

    private static JsonNode golden(String style) throws IOException {
        return MAPPER.readTree(Files.readString(TokenizerGoldenTest.FOLDER.resolve(style).resolve("tokenizer.json")));
    }

    /** Tokens in the order of ids, with types: 1 normal, 3 control, 4 user defined, 6 a byte. */
    private static GgufBytes tokens(JsonNode json, String model) {
        String[] tokens = new String[json.get("model").get("vocab").size()];
        json.get("model").get("vocab").properties().forEach(entry -> tokens[entry.getValue().intValue()] = entry.getKey());
        byte[][] types = new byte[tokens.length][];
        for (int id = 0; id < tokens.length; id++) {
            types[id] = int32(tokens[id].matches("<0x..>") ? 6 : 1);
        }
        json.get("added_tokens").forEach(token -> types[token.get("id").intValue()] = int32(token.get("special").booleanValue() ? 3 : 4));
        return new GgufBytes().text(GGML + "model", model).pair(GGML + "tokens", 9, GgufBytes.strings(tokens))
                .pair(GGML + "token_type", 9, join(int32(5), int64(tokens.length), join(types)));
    }

    private static GgufBytes byteLevel(String style, String pre) throws IOException {
        JsonNode json = golden(style);
        String[] merges = json.get("model").get("merges").valueStream()
                .map(merge -> merge.get(0).stringValue() + " " + merge.get(1).stringValue()).toArray(String[]::new);
        return tokens(json, "gpt2").text(GGML + "pre", pre).pair(GGML + "merges", 9, GgufBytes.strings(merges))
                .uint32(GGML + "bos_token_id", 0);
    }

    private Tokenizer read(GgufBytes bytes) throws IOException {
        return TokenizerFiles.read(bytes.write(folder.resolve("model.gguf")));
    }

    private static void compare(Tokenizer tokenizer, String style) throws IOException {
        for (String line : Files.readAllLines(TokenizerGoldenTest.FOLDER.resolve(style).resolve("cases.jsonl"))) {
            JsonNode expected = MAPPER.readTree(line);
            String text = expected.get("text").stringValue();
            int[] ids = expected.get("ids").valueStream().mapToInt(JsonNode::intValue).toArray();
            assertThat(tokenizer.encode(text).ids()).as(text).isEqualTo(ids);
            int[] special = expected.get("special").valueStream().mapToInt(JsonNode::intValue).toArray();
            assertThat(tokenizer.encodeWithSpecialTokens(text).ids()).as(text).isEqualTo(special);
            assertThat(tokenizer.decode(special)).isEqualTo(expected.get("decoded").stringValue());
        }
    }

    @ParameterizedTest
    @CsvSource({"gpt2, gpt-2", "llama3, llama-bpe", "qwen2, qwen2", "smollm, smollm", "o200k, gpt-4o", "bloom, bloom", "falcon, falcon"})
    void theSplitThatIsNamedGivesTheSameTokens(String style, String pre) throws IOException {
        compare(read(byteLevel(style, pre)), style);
    }

    @Test
    void tekkenIgnoresMergesAndAddsABos() throws IOException {
        Tokenizer tokenizer = read(byteLevel("tekken", "tekken"));
        assertThat(tokenizer.bos()).isEqualTo(OptionalInt.of(0));
        JsonNode first = MAPPER.readTree(Files.readAllLines(TokenizerGoldenTest.FOLDER.resolve("tekken").resolve("cases.jsonl")).getFirst());
        assertThat(tokenizer.encode(first.get("text").stringValue()).ids())
                .isEqualTo(first.get("ids").valueStream().mapToInt(JsonNode::intValue).toArray());
    }

    @Test
    void scoresGiveTheTokensOfMerges() throws IOException {
        JsonNode json = golden("llama2");
        Map<String, Integer> ranks = new HashMap<>();
        json.get("model").get("merges").forEach(merge -> ranks.putIfAbsent(merge.get(0).stringValue() + merge.get(1).stringValue(),
                ranks.size()));
        byte[][] scores = new byte[json.get("model").get("vocab").size()][];
        json.get("model").get("vocab").properties().forEach(entry -> scores[entry.getValue().intValue()] = int32(Float.floatToIntBits(
                -ranks.getOrDefault(entry.getKey(), 1_000_000))));
        GgufBytes bytes = tokens(json, "llama").pair(GGML + "scores", 9, join(int32(6), int64(scores.length), join(scores)))
                .uint32(GGML + "bos_token_id", 1).uint32(GGML + "eos_token_id", 2).uint32(GGML + "unknown_token_id", 0);
        compare(read(bytes), "llama2");
    }

    @Test
    void gpt2BeginsContextsWithItsEndOfText() throws IOException {
        assertThat(read(byteLevel("gpt2", "gpt-2").text("general.architecture", "gpt2")).bos()).isEqualTo(OptionalInt.of(0));
        assertThat(read(byteLevel("gpt2", "gpt-2").text("general.architecture", "llama")).bos()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"gpt2, klingon, klingon", "gpt2, default, does not say", "gpt2, '', does not say", "bert, gpt-2, bert", "none, gpt-2, no tokenizer"})
    void whatIsNotKnownIsRefusedByName(String model, String pre, String reason) throws IOException {
        GgufBytes bytes = new GgufBytes().text(GGML + "model", model).text(GGML + "pre", pre)
                .pair(GGML + "tokens", 9, GgufBytes.strings("a", "b")).pair(GGML + "merges", 9, GgufBytes.strings());
        assertThatThrownBy(() -> read(bytes)).isInstanceOf(FormatException.class).hasMessageContaining(reason)
                .hasMessageContaining("model.gguf");
    }

    @Test
    void inconsistentMetadataAreRefused() throws IOException {
        for (GgufBytes bytes : Arrays.asList(new GgufBytes().text(GGML + "model", "gpt2"),
                byteLevel("gpt2", "gpt-2").pair(GGML + "add_eos_token", 7, new byte[] {1}),
                tokens(golden("llama2"), "llama"),
                tokens(golden("llama2"), "llama").pair(GGML + "scores", 9, join(int32(6), int64(1), int32(0))))) {
            assertThatThrownBy(() -> read(bytes)).isInstanceOf(FormatException.class).hasMessageContaining(GGML);
        }
    }
}
