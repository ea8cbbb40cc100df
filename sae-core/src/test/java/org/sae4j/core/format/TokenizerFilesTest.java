package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.model.Tokenizer;

class TokenizerFilesTest {
    private static final Path BASE = TokenizerOracleTest.BASE;
    private final Tokenizer tokenizer = TokenizerFiles.read(BASE);

    @TempDir
    private Path folder;

    @Test
    void offsetsAreUtf16UnitsAndPartsOfACharacterSpanIt() {
        Tokenizer.Encoding encoding = tokenizer.encode("a😀b");
        assertThat(tokenizer.decode(encoding.ids())).isEqualTo("a😀b");
        int last = encoding.ids().length - 1;
        assertThat(last).isGreaterThan(1);
        assertThat(encoding.starts()[1]).isEqualTo(1);
        assertThat(encoding.ends()[last - 1]).isEqualTo(3);
        assertThat(encoding.starts()[last]).isEqualTo(3);
        assertThat(encoding.ends()[last]).isEqualTo(4);
    }

    @Test
    void unpairedSurrogatesAreTheReplacementCharacter() {
        Tokenizer.Encoding broken = tokenizer.encode("a\ud83db\ude00");
        assertThat(broken.ids()).isEqualTo(tokenizer.encode("a\ufffdb\ufffd").ids());
        assertThat(broken.ends()[broken.ends().length - 1]).isEqualTo(4);
    }

    @Test
    void emptyTextHasNoTokens() {
        assertThat(tokenizer.encode("").ids()).isEmpty();
        assertThat(tokenizer.decode()).isEmpty();
    }

    @Test
    void partsOfCharactersAreShownReadably() {
        int[] ids = tokenizer.encode("😀").ids();
        assertThat(tokenizer.token(ids[0])).startsWith("\\x");
        assertThat(tokenizer.token(0)).isEqualTo("<|endoftext|>");
        assertThat(tokenizer.decode(ids[0])).isEqualTo("\ufffd");
    }

    @Test
    void splitCharactersAreShownAtTheirLastToken() {
        int[] cat = tokenizer.encode("cat ").ids();
        int[] smile = tokenizer.encode("😀").ids();
        int[] ids = tokenizer.encode("cat 😀 sat, 桥").ids();
        assertThat(smile.length).isGreaterThan(1);
        List<String> shown = tokenizer.tokens(ids);
        assertThat(shown).hasSameSizeAs(ids).contains("").anyMatch(text -> text.endsWith("😀"));
        assertThat(String.join("", shown)).isEqualTo("cat 😀 sat, 桥");
        int[] cut = Arrays.copyOf(smile, smile.length - 1);
        assertThat(tokenizer.tokens(cut)).containsExactlyElementsOf(IntStream.of(cut).mapToObj(tokenizer::token).toList());
        int[] end = Arrays.copyOfRange(ids, cat.length + smile.length - 1, ids.length);
        assertThat(tokenizer.tokens(end)).hasSameSizeAs(end).contains("at");
        assertThat(tokenizer.tokens()).isEmpty();
        assertThatThrownBy(() -> tokenizer.tokens(1024)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void idsOutsideTheVocabularyAreRefused() {
        assertThat(tokenizer.vocabularySize()).isEqualTo(1024);
        for (int id : new int[] {-1, 1024, Integer.MAX_VALUE}) {
            assertThatThrownBy(() -> tokenizer.decode(id)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> tokenizer.token(id)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void manyThreadsGetTheSameTokens() throws Exception {
        String text = String.join("\n", Files.readAllLines(BASE.resolveSibling("../labelled.tsv").normalize()).subList(0, 200));
        int[] expected = TokenizerFiles.read(BASE).encode(text).ids();
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            Callable<int[]> encode = () -> tokenizer.encode(text).ids();
            for (Future<int[]> ids : threads.invokeAll(IntStream.range(0, 12).mapToObj(i -> encode).toList())) {
                assertThat(ids.get()).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"bos_token": "!"}                     | {}                                     | 1
            {"bos_token_id": 2}                    | {}                                     | 2
            {"bos_token_id": 2}                    | {"bos_token": {"content": "#"}}        | 3
            {"bos_token_id": 99999}                | {}                                     | 0
            {}                                     | {"bos_token": null}                    | 0
            """)
    void theFirstTokenOfAContextComesFromTheConfigs(String config, String tokenizerConfig, int bos) throws IOException {
        Files.copy(BASE, folder.resolve("tokenizer.json"));
        Files.writeString(folder.resolve("config.json"), config);
        Files.writeString(folder.resolve("tokenizer_config.json"), tokenizerConfig);
        assertThat(TokenizerFiles.read(folder).bos()).isEqualTo(OptionalInt.of(bos));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "type": "BPE"                          | "type": "Neural"                       | Neural
            "type": "BPE"                          | "type": "Unigram"                      | array of tokens and scores
            "dropout": null                        | "dropout": 0.1                         | dropout
            "normalizer": null                     | "normalizer": {"type": "Precompiled"}  | Precompiled
            "post_processor": null                 | "post_processor": {"type": "Magic"}    | Magic
            "type": "ByteLevel"                    | "type": "UnicodeScripts"               | UnicodeScripts
            "unk_token": null                      | "unk_token": "nowhere"                 | unknown token
            "!": 1,                                | "!": 2,                                | different integers
            "!": 1,                                | "!": 2000000000,                       | largest id
            "id": 0,                               | "id": 5,                               | contradicts the vocabulary
            "merges": [                            | "merges": [["!", "!"],                 | not of tokens
            """)
    void whatCannotBeRunExactlyIsRefused(String from, String to, String reason) throws IOException {
        String json = Files.readString(BASE);
        assertThat(json).contains(from);
        Path file = Files.writeString(folder.resolve("tokenizer.json"), json.replaceFirst(Pattern.quote(from), to));
        assertThatThrownBy(() -> TokenizerFiles.read(file)).isInstanceOf(FormatException.class).hasMessageContaining(reason)
                .hasMessageContaining("tokenizer.json");
    }

    @ParameterizedTest
    @ValueSource(strings = {"(a)\\1", "(?~a)", "\\X", "(?:a?)*", "(?<=a+)b", "(?i:ss)", "[b-a]", "(a", "a)", "\\p{Klingon}"})
    void patternsThatAreNotSupportedAreRefused(String pattern) throws IOException {
        Path file = splitBy(pattern);
        assertThatThrownBy(() -> TokenizerFiles.read(file)).isInstanceOf(FormatException.class).hasMessageContaining(pattern)
                .hasMessageContaining("pretokenizers[0]: pattern: Regex");
    }

    private Path splitBy(String pattern) throws IOException {
        String json = Files.readString(BASE).replaceFirst("\"pre_tokenizer\": \\{[^}]*\\}", Matcher.quoteReplacement("""
                "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                    {"type": "Split", "pattern": {"Regex": "%s"}, "behavior": "Isolated", "invert": false},
                    {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}""".formatted(pattern.replace("\\", "\\\\"))));
        return Files.writeString(folder.resolve("tokenizer.json"), json);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(a+)+b", "(?:a|aa)+$", "(a+a+)+b", "a+$|.", "a+(?=.*b)"})
    void patternsThatTakeForeverElsewhereEnd(String pattern) throws IOException {
        String text = "a".repeat(50_000) + "c";
        Tokenizer split = TokenizerFiles.read(splitBy(pattern));
        assertThat(split.decode(split.encode(text).ids())).isEqualTo(text);
    }

    @Test
    void thousandsOfStepsAreRefused() throws IOException {
        String step = "{\"type\": \"Digits\", \"individual_digits\": true}, ";
        String json = Files.readString(BASE).replaceFirst("\"pre_tokenizer\": \\{", "\"pre_tokenizer\": {\"type\": \"Sequence\", "
                + "\"pretokenizers\": [" + step.repeat(20_000) + "{\"type\": \"Digits\"}], \"was\": {");
        json = json.replaceFirst("(?s)(\"was\": \\{[^}]*\\})", "$1}");
        Path file = Files.writeString(folder.resolve("tokenizer.json"), json);
        assertThatThrownBy(() -> TokenizerFiles.read(file)).isInstanceOf(FormatException.class).hasMessageContaining("64 steps");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt2", "llama3", "llama2", "gemma", "unigram"})
    void millionsOfSpacesAreTokenized(String style) {
        String spaces = " ".repeat(5_000_000);
        Tokenizer.Encoding encoding = TokenizerFiles.read(TokenizerGoldenTest.FOLDER.resolve(style)).encode(spaces);
        assertThat(encoding.ends()[encoding.ends().length - 1]).isEqualTo(spaces.length());
    }

    @Test
    void aLongTextTakesTimeInProportion() {
        String text = "The capital of France is Paris.  ".repeat(50_000);
        Tokenizer trims = TokenizerFiles.read(TokenizerGoldenTest.FOLDER.resolve("llama3"));
        assertThat(trims.decode(trims.encode(text).ids())).isEqualTo(text);
    }

    @Test
    void aLongTextIsGivenUpWhenTheThreadIsInterrupted() {
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(() -> tokenizer.encode("The capital of France. ".repeat(10_000))).isInstanceOf(CancellationException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @ParameterizedTest
    @CsvSource({"llama2, 1", "llama3, 0", "gemma, 2", "qwen2, -1", "neox, -1", "unigram, -1"})
    void aContextBeginsWithTheTokenThatTheTokenizerAdds(String style, int bos) throws IOException {
        Files.copy(TokenizerGoldenTest.FOLDER.resolve(style).resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"llama\", \"bos_token_id\": 3}");
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"bos_token\": \"<|endoftext|>\"}");
        assertThat(TokenizerFiles.read(folder).bos()).isEqualTo(bos < 0 ? OptionalInt.empty() : OptionalInt.of(bos));
    }

    @Test
    void specialTokensAreKnownAndLeftOutWhenAskedFor() {
        Tokenizer llama = TokenizerFiles.read(TokenizerGoldenTest.FOLDER.resolve("llama2"));
        int[] ids = llama.encodeWithSpecialTokens("the capital").ids();
        assertThat(llama.isSpecial(ids[0])).isTrue();
        assertThat(llama.isSpecial(ids[1])).isFalse();
        assertThat(llama.decode(ids)).isEqualTo("<s> the capital");
        assertThat(llama.decodeWithoutSpecialTokens(ids)).isEqualTo("the capital");
        assertThat(llama.entry(ids[1])).startsWith("\u2581");
        assertThat(llama.token(ids[1])).startsWith(" ");
        assertThat(llama.tokens(ids)).hasSameSizeAs(ids).first().isEqualTo("<s>");
    }
}
