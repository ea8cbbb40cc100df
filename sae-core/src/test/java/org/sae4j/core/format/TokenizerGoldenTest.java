package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.model.Tokenizer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Small tokenizers of every style give what Hugging Face's tokenizers 0.23 gave: ids, offsets, added tokens and text. Made by
 * {@code src/test/python/make_tokenizer_golden.py}; with {@code -Dtokenizer.golden=FOLDER} those of another folder are compared, such as
 * one with many more texts.
 */
class TokenizerGoldenTest {
    static final Path FOLDER = Path.of("src", "test", "resources", "org", "sae4j", "core", "format", "tokenizer");
    private static final Path COMPARED = Path.of(System.getProperty("tokenizer.golden", FOLDER.toString()));
    private static final JsonMapper MAPPER = new JsonMapper();

    static List<String> styles() throws IOException {
        try (Stream<Path> folders = Files.list(COMPARED)) {
            return folders.map(folder -> folder.getFileName().toString()).sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("styles")
    void tokensAndTextAreThoseOfHuggingFace(String style) throws IOException {
        Tokenizer tokenizer = TokenizerFiles.read(COMPARED.resolve(style));
        for (String line : Files.readAllLines(COMPARED.resolve(style).resolve("cases.jsonl"))) {
            JsonNode expected = MAPPER.readTree(line);
            String text = expected.get("text").stringValue();
            Tokenizer.Encoding encoding = tokenizer.encode(text);
            assertThat(encoding.ids()).as("ids of %s", text).isEqualTo(integers(expected.get("ids")));
            int[] units = unitsOfCodePoints(text);
            int[] offsets = IntStream.of(integers(expected.get("offsets"))).map(at -> units[at]).toArray();
            assertThat(IntStream.range(0, offsets.length).map(i -> i % 2 == 0 ? encoding.starts()[i / 2] : encoding.ends()[i / 2]).toArray())
                    .as("offsets in %s", text).isEqualTo(offsets);
            int[] special = integers(expected.get("special"));
            assertThat(tokenizer.encodeWithSpecialTokens(text).ids()).as("with special tokens: %s", text).isEqualTo(special);
            assertThat(tokenizer.decode(special)).isEqualTo(expected.get("decoded").stringValue());
            assertThat(tokenizer.decodeWithoutSpecialTokens(special)).isEqualTo(expected.get("plain").stringValue());
        }
    }

    /** {@return where each code point begins, in UTF-16 units, and the text's length last} */
    static int[] unitsOfCodePoints(String text) {
        return IntStream.rangeClosed(0, text.length())
                .filter(at -> at == 0 || at == text.length() || !Character.isSurrogatePair(text.charAt(at - 1), text.charAt(at)))
                .toArray();
    }

    private static int[] integers(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::intValue).toArray();
    }
}
