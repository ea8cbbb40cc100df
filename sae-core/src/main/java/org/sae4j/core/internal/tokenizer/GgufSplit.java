package org.sae4j.core.internal.tokenizer;

import java.util.List;
import java.util.stream.Collectors;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.json.JsonWriter;

/**
 * What a name in {@code tokenizer.ggml.pre} means: how text is split, and more.
 *
 * @param json the pre-tokenizer as a {@code tokenizer.json} has it
 * @param ignoresMerges whether a piece that is a token is not divided
 * @param addsBos whether a beginning-of-sequence token is added where the file does not say
 * @param composes whether text is normalized to NFC
 */
record GgufSplit(String json, boolean ignoresMerges, boolean addsBos, boolean composes) {
    private static final String REST = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String LLAMA3 = CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}" + REST;
    private static final String QWEN2 = CONTRACTIONS + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}" + REST;
    private static final String UPPER = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String CASE_REST = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String TEKKEN = UPPER + "*" + LOWER + "+|" + UPPER + "+" + LOWER + "*|\\p{N}" + CASE_REST;
    private static final String O200K = UPPER + "*" + LOWER + "+" + CONTRACTIONS + "?|" + UPPER + "+" + LOWER + "*" + CONTRACTIONS
            + "?|\\p{N}{1,3}" + CASE_REST;
    private static final String BLOOM = " ?[^(\\s|[.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c])]+";
    private static final String WORDS = "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}";
    private static final String BYTES = "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": false}";
    private static final List<String> KNOWN = List.of("llama-bpe", "qwen2", "gpt-2", "smollm", "dbrx", "tekken", "gpt-4o", "falcon", "bloom");

    /**
     * Finds a name.
     *
     * @param name the name, or empty if the file has none
     * @param where the key, for messages
     * @throws FormatException if it is not known
     */
    static GgufSplit named(String name, String where) {
        return switch (name) {
            case "llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2" -> new GgufSplit(split(LLAMA3), true, true, false);
            case "qwen2", "deepseek-r1-qwen" -> new GgufSplit(split(QWEN2), false, false, true);
            case "gpt-2", "phi-2", "olmo", "mpt" -> new GgufSplit(WORDS, false, false, false);
            case "smollm", "starcoder", "refact", "command-r", "codeshell" -> new GgufSplit(
                    sequence("{\"type\": \"Digits\", \"individual_digits\": true}", WORDS), false, false, false);
            case "dbrx", "smaug-bpe", "chatglm-bpe" -> new GgufSplit(split(LLAMA3), false, false, false);
            case "tekken" -> new GgufSplit(split(TEKKEN), true, true, false);
            case "gpt-4o", "llama4" -> new GgufSplit(split(O200K), false, false, false);
            case "bloom", "poro-chat" -> new GgufSplit(split(BLOOM), false, false, false);
            case "falcon" -> new GgufSplit(sequence("{\"type\": \"Punctuation\", \"behavior\": \"Contiguous\"}", WORDS,
                    "{\"type\": \"Digits\", \"individual_digits\": false}", isolated("[0-9][0-9][0-9]")), false, false, false);
            default -> throw new FormatException(name.isEmpty() || name.equals("default")
                    ? "the file does not say how text is split" : "the split \"" + name + "\" is not known (" + String.join(", ", KNOWN)
                    + " and their relatives are)", where,
                    "use a file of a newer converter or a Hugging Face folder with a tokenizer.json, or give token ids");
        };
    }

    private static String split(String pattern) {
        return sequence(isolated(pattern), BYTES);
    }

    private static String isolated(String pattern) {
        return "{\"type\": \"Split\", \"pattern\": {\"Regex\": " + JsonWriter.compact(pattern)
                + "}, \"behavior\": \"Isolated\", \"invert\": false}";
    }

    private static String sequence(String... steps) {
        return List.of(steps).stream().collect(Collectors.joining(", ", "{\"type\": \"Sequence\", \"pretokenizers\": [", "]}"));
    }
}
