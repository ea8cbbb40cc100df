package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.model.Tokenizer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Ids and offsets must be those of Hugging Face's own tokenizers library, for many kinds of text and many settings: 100,000 random texts
 * in all, most of them for GPT-2's own settings.
 */
class TokenizerOracleTest {
    private static final int TEXTS = 100_000;
    private static final int TEXTS_OF_A_VARIANT = 3_000;
    private static final int BATCH = 1_000;
    static final Path BASE = Path.of("..", "tools", "demo-world", "src", "main", "resources", "org", "sae4j", "demoworld", "gpt2-4l-demo",
            "tokenizer.json");
    private static final String AS_IT_IS = "as it is";
    private static final JsonMapper MAPPER = new JsonMapper();
    private static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final List<String> PIECES = List.of(" ", " ", " ", "  ", "   ", "\n", "\t", "\r\n", "\u00a0", "\u2003", "\u3000",
            "\u0085", "\u001c",
            "\u200b", "a", "the", "The", " capital", "of", "Paris", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'", "''", "1",
            "12", "2024",
            "½", "Ⅷ", "٣", "²", ".", ",", "...", "!?", "-", "_", "(", ")", "{}", "<|", "|>", "<|endoftext|>", "é", "e\u0301", "ü", "Ü",
            "ß", "ñ", "n\u0303",
            "世界", "日本語", "한국", "\u1112\u1161\u11ab", "мир", "שלום", "مرحبا", "नमस्ते", "ক\u09be", "😀", "👩\u200d👩\u200d👧", "🇫🇷", "𝒜𝓫", "𐍈",
            "ﬁ", "Å", "\u212b",
            "q\u0307\u0323", "GATTACA", "aGVsbG8=", "3+4=7", "mask", "[X]", "zz");

    @BeforeAll
    static void useTheBundledLibrary() {
        System.setProperty("RUST_FLAVOR", "cpu");
        System.setProperty("ai.djl.offline", "true");
    }

    private record Variant(String name, Consumer<ObjectNode> change) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Variant> variants() {
        return Stream.of(new Variant(AS_IT_IS, json -> { }),
                new Variant("merges as strings", TokenizerOracleTest::mergesAsStrings),
                new Variant("leading space", json -> ((ObjectNode) json.get("pre_tokenizer")).put("add_prefix_space", true)),
                new Variant("GPT-NeoX with digits", json -> {
                    json.set("normalizer", parse("{\"type\":\"NFC\"}"));
                    json.set("pre_tokenizer", sequence("{\"type\":\"Digits\",\"individual_digits\":true}"));
                    addToken(json, "  ", "normalized");
                    addToken(json, "   ", "normalized");
                    addToken(json, "\u4e16\u754c", "normalized");
                }),
                new Variant("runs of digits", json -> json.set("pre_tokenizer",
                sequence("{\"type\":\"Digits\",\"individual_digits\":false}"))),
                new Variant("NFKC in a sequence", json -> json.set("normalizer",
                        parse("{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFD\"},{\"type\":\"NFKC\"}]}"))),
                new Variant("added tokens that strip", json -> {
                    addToken(json, "mask", "lstrip");
                    addToken(json, "[X]", "rstrip", "special");
                    addToken(json, "zz", "single_word");
                    addToken(json, "'s", "lstrip", "rstrip", "normalized");
                }),
                new Variant("whole words without merges", json -> {
                    ObjectNode model = (ObjectNode) json.get("model");
                    model.put("ignore_merges", true);
                    addWords(model, "GATTACA", "Ġ...", "ä¸ĸçķĮ", "ĠParis");
                }),
                new Variant("split by pattern", json -> json.set("pre_tokenizer", sequence(split("Regex", GPT2, "Isolated", false)))),
                new Variant("digits in threes", json -> json.set("pre_tokenizer", sequence(split("Regex", "\\p{N}{1,3}", "Isolated", false),
                        "{\"type\":\"Digits\",\"individual_digits\":false}"))),
                new Variant("space before", json -> json.set("pre_tokenizer", sequence(split("String", " ", "MergedWithNext", false)))),
                new Variant("space after", json -> json.set("pre_tokenizer", sequence(split("String", " ", "MergedWithPrevious", false)))),
                new Variant("runs of space", json -> json.set("pre_tokenizer", sequence(split("Regex", "\\s", "Contiguous", false)))),
                new Variant("inverted", json -> json.set("pre_tokenizer", sequence(split("Regex", "\\p{L}+", "Isolated", true)))));
    }

    @ParameterizedTest
    @MethodSource("variants")
    void idsAndOffsetsAreThoseOfHuggingFace(Variant variant, @TempDir Path folder) throws IOException {
        ObjectNode json = (ObjectNode) MAPPER.readTree(Files.readString(BASE));
        variant.change.accept(json);
        Path file = Files.writeString(folder.resolve("tokenizer.json"), MAPPER.writeValueAsString(json));
        Tokenizer tokenizer = TokenizerFiles.read(file);
        try (HuggingFaceTokenizer oracle = oracle(file)) {
            SplittableRandom random = new SplittableRandom(7);
            int rest = Math.toIntExact(variants().count() - 1) * TEXTS_OF_A_VARIANT;
            int count = variant.name.equals(AS_IT_IS) ? TEXTS - rest : TEXTS_OF_A_VARIANT;
            for (int done = 0; done < count; done += BATCH) {
                compare(tokenizer, oracle, Stream.generate(() -> randomText(random)).limit(BATCH).toList());
            }
        }
    }

    @Test
    void theDemoCorpusIsTokenizedAlike() throws IOException {
        Tokenizer tokenizer = TokenizerFiles.read(BASE);
        List<String> lines = Files.readAllLines(BASE.resolveSibling("../labelled.tsv").normalize());
        try (HuggingFaceTokenizer oracle = oracle(BASE)) {
            compare(tokenizer, oracle,
                    lines.stream().map(line -> line.substring(line.indexOf('\t') + 1).replace("\\n", "\n")).toList());
        }
    }

    @Test
    void aLongWordIsMergedAlike() throws IOException {
        String letters = "the capital of France is Paris ".repeat(200).replace(" ", "");
        try (HuggingFaceTokenizer oracle = oracle(BASE)) {
            compare(TokenizerFiles.read(BASE), oracle, List.of(letters));
            compare(TokenizerFiles.read(BASE), oracle, List.of(" ".repeat(5000) + "a".repeat(5000)));
        }
    }

    @Test
    void vocabularyAndMergesInTwoFilesAreReadAlike(@TempDir Path folder) throws IOException {
        ObjectNode model = (ObjectNode) MAPPER.readTree(Files.readString(BASE)).get("model");
        Files.writeString(folder.resolve("vocab.json"), MAPPER.writeValueAsString(model.get("vocab")));
        List<String> merges = new ArrayList<>(List.of("#version: 0.2"));
        model.get("merges").forEach(pair -> merges.add(pair.get(0).stringValue() + " " + pair.get(1).stringValue()));
        Files.write(folder.resolve("merges.txt"), merges, StandardCharsets.UTF_8);
        Tokenizer two = TokenizerFiles.read(folder);
        Tokenizer one = TokenizerFiles.read(BASE);
        SplittableRandom random = new SplittableRandom(8);
        for (int round = 0; round < 200; round++) {
            String text = randomText(random);
            assertThat(two.encode(text).ids()).isEqualTo(one.encode(text).ids());
            assertThat(two.decode(two.encode(text).ids())).isEqualTo(text);
        }
        assertThat(two.bos()).isEqualTo(one.bos());
    }

    private static HuggingFaceTokenizer oracle(Path file) throws IOException {
        return HuggingFaceTokenizer.builder().optTokenizerPath(file).optTruncation(false).optPadding(false).build();
    }

    private static void compare(Tokenizer tokenizer, HuggingFaceTokenizer oracle, List<String> texts) {
        Encoding[] encodings = oracle.batchEncode(texts, false, false);
        String[] decoded = oracle.batchDecode(Arrays.stream(encodings).map(Encoding::getIds).toArray(long[][]::new), false);
        for (int i = 0; i < encodings.length; i++) {
            String text = texts.get(i);
            Tokenizer.Encoding actual = tokenizer.encode(text);
            int[] ids = Arrays.stream(encodings[i].getIds()).mapToInt(Math::toIntExact).toArray();
            assertThat(actual.ids()).as(text).isEqualTo(ids);
            // The oracle counts code points.
            int[] units = unitsOfCodePoints(text);
            CharSpan[] spans = encodings[i].getCharTokenSpans();
            assertThat(actual.starts()).as("starts in %s", text)
                    .isEqualTo(Arrays.stream(spans).mapToInt(span -> units[span.getStart()]).toArray());
            assertThat(actual.ends()).as("ends in %s", text)
                    .isEqualTo(Arrays.stream(spans).mapToInt(span -> units[span.getEnd()]).toArray());
            assertThat(tokenizer.decode(ids)).as(text).isEqualTo(decoded[i]);
        }
    }

    /** {@return where each code point begins, in UTF-16 units, and the text's length last} */
    private static int[] unitsOfCodePoints(String text) {
        return IntStream.rangeClosed(0, text.length())
                .filter(at -> at == 0 || at == text.length() || !Character.isSurrogatePair(text.charAt(at - 1), text.charAt(at)))
                .toArray();
    }

    /** Up to eleven pieces; one in four is any code point of Unicode but a surrogate, often of the first planes. */
    private static String randomText(SplittableRandom random) {
        StringBuilder text = new StringBuilder();
        int count = random.nextInt(12);
        for (int i = 0; i < count; i++) {
            if (random.nextInt(4) == 0) {
                text.appendCodePoint(randomCodePoint(random));
            } else {
                text.append(PIECES.get(random.nextInt(PIECES.size())));
            }
        }
        return text.toString();
    }

    private static int randomCodePoint(SplittableRandom random) {
        int[] ends = {0x80, 0x300, 0x3000, 0x10000, 0x20000, Character.MAX_CODE_POINT + 1};
        int codePoint;
        do {
            codePoint = random.nextInt(ends[random.nextInt(ends.length)]);
        } while (Character.getType(codePoint) == Character.SURROGATE);
        return codePoint;
    }

    private static ObjectNode parse(String json) {
        return (ObjectNode) MAPPER.readTree(json);
    }

    private static ObjectNode sequence(String... steps) {
        ObjectNode sequence = parse("{\"type\":\"Sequence\",\"pretokenizers\":[]}");
        ArrayNode list = (ArrayNode) sequence.get("pretokenizers");
        Arrays.stream(steps).forEach(step -> list.add(parse(step)));
        boolean words = Arrays.stream(steps).noneMatch(step -> step.contains("Split"));
        list.add(parse("{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":" + words + "}"));
        return sequence;
    }

    private static String split(String kind, String pattern, String behavior, boolean invert) {
        return MAPPER.writeValueAsString(Map.of("type", "Split", "pattern", Map.of(kind, pattern), "behavior", behavior, "invert", invert));
    }

    private static void mergesAsStrings(ObjectNode json) {
        ArrayNode strings = MAPPER.createArrayNode();
        json.get("model").get("merges").forEach(pair -> strings.add(pair.get(0).stringValue() + " " + pair.get(1).stringValue()));
        ((ObjectNode) json.get("model")).set("merges", strings);
    }

    private static void addToken(ObjectNode json, String content, String... flags) {
        ArrayNode added = (ArrayNode) json.get("added_tokens");
        int id = json.get("model").get("vocab").size() + added.size() - 1;
        ObjectNode token = added.addObject().put("id", id).put("content", content);
        for (String flag : List.of("single_word", "lstrip", "rstrip", "normalized", "special")) {
            token.put(flag, Arrays.asList(flags).contains(flag));
        }
    }

    private static void addWords(ObjectNode model, String... words) {
        ObjectNode vocab = (ObjectNode) model.get("vocab");
        for (String word : words) {
            vocab.put(word, vocab.size());
        }
    }
}
