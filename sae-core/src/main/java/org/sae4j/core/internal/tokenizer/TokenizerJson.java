package org.sae4j.core.internal.tokenizer;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.tokenizer.AddedTokens.AddedToken;

/** Reads byte-level BPE tokenizers from the JSON of Hugging Face tokenizers, or from GPT-2's own two files. */
public final class TokenizerJson {
    private static final String USE = "use a byte-level BPE tokenizer such as GPT-2's";
    /** One character class, perhaps repeated: patterns that cannot make the regular expression engine backtrack. */
    private static final Pattern SIMPLE_PATTERN = Pattern.compile(
            "(\\\\[dDsSwW]|\\\\[pP]\\{\\w+\\}|\\[\\^?[\\w -]+\\]|[ \\w])([+*?]|\\{\\d(,\\d?)?\\})?");

    /** How tokens that are not pieces of text look in a vocabulary. */
    private static final Pattern SPECIAL_TOKEN = Pattern.compile("<.*>|\\[.*\\]", Pattern.DOTALL);

    private TokenizerJson() {}

    /**
     * Reads a {@code tokenizer.json}.
     *
     * @throws FormatException if it is not a byte-level BPE, uses a feature that is not supported, or is inconsistent
     */
    public static BpeTokenizer read(JsonFile json) {
        JsonFile model = json.object("model").orElseThrow(() -> new FormatException("the tokenizer has no model", json.where(), USE));
        String type = model.string("type").orElse("BPE");
        if (!type.equals("BPE")) {
            throw new FormatException("tokenizer model \"" + type + "\" is not supported (BPE is)", model.where(), USE);
        }
        for (String key : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            if (!model.string(key).orElse("").isEmpty()) {
                throw new FormatException("not a byte-level BPE", model.at(key), USE);
            }
        }
        if (model.flag("byte_fallback", false) || model.number("dropout").orElse(0) != 0) {
            throw new FormatException("byte_fallback and dropout are not supported", model.where(), USE);
        }
        JsonFile vocab = model.object("vocab").orElseThrow(() -> new FormatException("the model has no vocab", model.where(), USE));
        JsonNode merges = model.get("merges");
        if (merges == null || !merges.isArray()) {
            throw new FormatException("the model has no array of merges", model.where(), USE);
        }
        List<String[]> pairs = new ArrayList<>(merges.size());
        for (JsonNode merge : merges) {
            pairs.add(merge(model, merge));
        }
        Vocabulary vocabulary = new Vocabulary(vocab);
        return vocabulary.tokenizer(addedTokens(json, vocabulary), normalizer(json.object("normalizer").orElse(null)), preTokenizer(json),
                pairs, model.flag("ignore_merges", false));
    }

    /**
     * Reads GPT-2's {@code vocab.json} and {@code merges.txt}.
     *
     * @param vocab token to id
     * @param merges lines of two tokens, after comments
     * @param where the file of the merges, for messages
     * @throws FormatException if the files are inconsistent, or merges are missing
     */
    public static BpeTokenizer read(JsonFile vocab, List<String> merges, String where) {
        List<String[]> pairs = new ArrayList<>(merges.size());
        for (String line : merges) {
            if (!line.isEmpty() && !line.startsWith("#version")) {
                pairs.add(pair(line, where));
            }
        }
        Vocabulary vocabulary = new Vocabulary(vocab);
        requireMerges(vocabulary, pairs, where);
        List<AddedToken> added = new ArrayList<>();
        Integer end = vocabulary.ids.get("<|endoftext|>");
        if (end != null) {
            added.add(new AddedToken(end, "<|endoftext|>", false, false, false, false));
        }
        return vocabulary.tokenizer(added, new UnicodeForm(List.of()), new Gpt2Words(), pairs, false);
    }

    /** A file of merges that ends early looks sound, and would give other ids. */
    private static void requireMerges(Vocabulary vocabulary, List<String[]> pairs, String where) {
        Set<String> made = pairs.stream().map(pair -> pair[0] + pair[1]).collect(Collectors.toSet());
        for (String token : vocabulary.ids.keySet()) {
            if (token.length() > 1 && !made.contains(token) && !SPECIAL_TOKEN.matcher(token).matches()) {
                throw new FormatException("no merge makes the token \"" + token + "\" of the vocabulary", where,
                        "check that the file is complete and belongs to the vocabulary");
            }
        }
    }

    private static String[] merge(JsonFile model, JsonNode merge) {
        if (merge.isString()) {
            return pair(merge.stringValue(), model.at("merges"));
        }
        if (merge.isArray() && merge.size() == 2 && merge.get(0).isString() && merge.get(1).isString()) {
            return new String[] {merge.get(0).stringValue(), merge.get(1).stringValue()};
        }
        throw model.mismatch("merges", "pairs of tokens", merge);
    }

    private static String[] pair(String line, String where) {
        int space = line.indexOf(' ');
        if (space <= 0 || space == line.length() - 1 || line.indexOf(' ', space + 1) >= 0) {
            throw new FormatException("a merge is two tokens with a space between, found \"" + line + '"', where,
                    "download the tokenizer again");
        }
        return new String[] {line.substring(0, space), line.substring(space + 1)};
    }

    private static List<AddedToken> addedTokens(JsonFile json, Vocabulary vocabulary) {
        List<AddedToken> tokens = new ArrayList<>();
        JsonNode list = json.get("added_tokens");
        if (list == null) {
            return tokens;
        }
        if (!list.isArray()) {
            throw json.mismatch("added_tokens", "an array", list);
        }
        for (JsonNode node : list) {
            JsonFile token = JsonFile.of(json.at("added_tokens"), node);
            String content = token.string("content").orElse("");
            OptionalInt id = token.integer("id");
            if (content.isEmpty() || id.isEmpty() || id.getAsInt() < 0) {
                throw new FormatException("an added token has a content and an id from 0", token.where(), "download the tokenizer again");
            }
            vocabulary.add(content, id.getAsInt(), token.where());
            tokens.add(new AddedToken(id.getAsInt(), content, token.flag("single_word", false), token.flag("lstrip", false),
                    token.flag("rstrip", false), token.flag("normalized", !token.flag("special", false))));
        }
        return tokens;
    }

    private static UnicodeForm normalizer(@Nullable JsonFile json) {
        List<Normalizer.Form> forms = new ArrayList<>();
        collect(json, forms);
        return new UnicodeForm(forms);
    }

    private static void collect(@Nullable JsonFile json, List<Normalizer.Form> forms) {
        if (json == null) {
            return;
        }
        String type = json.string("type").orElse("");
        switch (type) {
            case "NFC", "NFD", "NFKC", "NFKD" -> forms.add(Normalizer.Form.valueOf(type));
            case "Sequence" -> elements(json, "normalizers").forEach(element -> collect(element, forms));
            default -> throw new FormatException("normalizer \"" + type + "\" is not supported (NFC, NFD, NFKC, NFKD, Sequence are)",
                    json.where(), USE);
        }
    }

    private static List<JsonFile> elements(JsonFile json, String key) {
        JsonNode list = json.get(key);
        if (list == null || !list.isArray()) {
            throw new FormatException("expected an array", json.at(key), "download the tokenizer again");
        }
        List<JsonFile> elements = new ArrayList<>();
        for (JsonNode element : list) {
            elements.add(JsonFile.of(json.at(key), element));
        }
        return elements;
    }

    private static PreTokenizer preTokenizer(JsonFile json) {
        JsonFile root = json.object("pre_tokenizer").orElseThrow(
                () -> new FormatException("the tokenizer has no pre_tokenizer, so it is not byte-level", json.where(), USE));
        List<JsonFile> steps = root.string("type").orElse("").equals("Sequence") ? elements(root, "pretokenizers") : List.of(root);
        PreTokenizer all = null;
        for (JsonFile step : steps) {
            boolean last = step == steps.getLast();
            if (last != step.string("type").orElse("").equals("ByteLevel")) {
                throw new FormatException("the last pre-tokenizer, and only it, must be ByteLevel", step.where(), USE);
            }
            PreTokenizer next = step(step);
            all = all == null ? next : all.then(next);
        }
        if (all == null) {
            throw new FormatException("the pre-tokenizer is an empty sequence", root.where(), USE);
        }
        return all;
    }

    private static PreTokenizer step(JsonFile json) {
        String type = json.string("type").orElse("");
        return switch (type) {
            case "ByteLevel" -> {
                PreTokenizer words = json.flag("use_regex", true) ? new Gpt2Words() : (text, from, to, sink) -> sink.accept(text, from, to);
                yield json.flag("add_prefix_space", true) ? PreTokenizer.leadingSpace().then(words) : words;
            }
            case "Digits" -> new PatternSplit(Pattern.compile("\\p{N}"), json.flag("individual_digits", false)
                    ? PatternSplit.Behavior.ISOLATED : PatternSplit.Behavior.CONTIGUOUS, false);
            case "Split" -> split(json);
            default -> throw new FormatException("pre-tokenizer \"" + type + "\" is not supported (ByteLevel, Digits, Split, Sequence are)",
                    json.where(), USE);
        };
    }

    private static PreTokenizer split(JsonFile json) {
        JsonFile pattern = json.object("pattern").orElseThrow(() -> new FormatException("Split has no pattern", json.where(), USE));
        PatternSplit.Behavior behavior = switch (json.string("behavior").orElse("")) {
            case "Removed" -> throw new FormatException("behavior Removed loses text and is not supported", json.at("behavior"), USE);
            case "Isolated" -> PatternSplit.Behavior.ISOLATED;
            case "MergedWithPrevious" -> PatternSplit.Behavior.MERGED_WITH_PREVIOUS;
            case "MergedWithNext" -> PatternSplit.Behavior.MERGED_WITH_NEXT;
            case "Contiguous" -> PatternSplit.Behavior.CONTIGUOUS;
            default -> throw new FormatException("unknown behavior", json.at("behavior"), USE);
        };
        boolean invert = json.flag("invert", false);
        String literal = pattern.string("String").orElse(null);
        if (literal != null && !literal.isEmpty()) {
            return new PatternSplit(Pattern.compile(Pattern.quote(literal)), behavior, invert);
        }
        String regex = pattern.string("Regex").orElse("");
        if (regex.equals(Gpt2Words.PATTERN) && behavior == PatternSplit.Behavior.ISOLATED) {
            return new Gpt2Words();
        }
        if (!SIMPLE_PATTERN.matcher(regex).matches()) {
            throw new FormatException("Split with pattern \"" + regex
                    + "\" is not supported (GPT-2's, literal strings and single character classes"
                    + " are)", json.where(), USE);
        }
        try {
            return new PatternSplit(Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS), behavior, invert);
        } catch (IllegalArgumentException e) {
            throw new FormatException("\"" + regex + "\" is not a pattern", json.where(), USE, e);
        }
    }

    /** Tokens by text, and their bytes by id. */
    private static final class Vocabulary {
        private final String where;
        private final Map<String, Integer> ids = new HashMap<>();
        private final Map<Integer, byte[]> bytes = new HashMap<>();
        private final Map<Integer, String> names = new HashMap<>();

        Vocabulary(JsonFile vocab) {
            where = vocab.where();
            for (Map.Entry<String, JsonNode> entry : vocab.node().properties()) {
                int id = vocab.integer(entry.getKey()).orElse(-1);
                if (id < 0 || names.putIfAbsent(id, entry.getKey()) != null) {
                    throw new FormatException("ids must be different integers from 0, found " + entry.getValue(), vocab.at(entry.getKey()),
                            "download the tokenizer again");
                }
                ids.put(entry.getKey(), id);
                byte[] decoded = ByteLevel.toBytes(entry.getKey());
                bytes.put(id, decoded == null ? entry.getKey().getBytes(StandardCharsets.UTF_8) : decoded);
            }
        }

        void add(String content, int id, String at) {
            Integer known = ids.putIfAbsent(content, id);
            String other = names.putIfAbsent(id, content);
            if (known != null && known != id || other != null && !other.equals(content)) {
                throw new FormatException("added token \"" + content + "\" with id " + id + " contradicts the vocabulary", at,
                        "download the tokenizer again");
            }
            bytes.put(id, content.getBytes(StandardCharsets.UTF_8));
        }

        BpeTokenizer tokenizer(List<AddedToken> added, UnicodeForm form, PreTokenizer preTokenizer, List<String[]> merges,
                boolean ignoreMerges) {
            int largest = names.keySet().stream().mapToInt(id -> id).max().orElse(-1);
            if (largest > 2L * names.size() + 65536) {
                throw new FormatException("the largest id is " + largest + " for " + names.size() + " tokens", where,
                        "download the tokenizer again");
            }
            byte[][] byId = new byte[largest + 1][];
            bytes.forEach((id, value) -> byId[id] = value);
            int[] byteIds = new int[256];
            for (int value = 0; value < 256; value++) {
                Integer id = ids.get(String.valueOf(ByteLevel.character(value)));
                if (id == null || byId[id].length != 1) {
                    throw new FormatException("the vocabulary lacks the byte " + value + " (\"" + ByteLevel.character(value)
                            + "\"), so it is not a"
                            + " complete byte-level BPE", where, USE);
                }
                byteIds[value] = id;
            }
            Map<Long, Long> pairs = HashMap.newHashMap(merges.size());
            for (int rank = 0; rank < merges.size(); rank++) {
                String[] pair = merges.get(rank);
                Integer left = ids.get(pair[0]);
                Integer right = ids.get(pair[1]);
                Integer whole = ids.get(pair[0] + pair[1]);
                if (left == null || right == null || whole == null || byId[left].length + byId[right].length != byId[whole].length) {
                    throw new FormatException("merge " + rank + " (\"" + pair[0] + "\", \"" + pair[1]
                            + "\") is not of tokens in the vocabulary", where, "download the tokenizer again");
                }
                pairs.put((long) left << 32 | right, (long) rank << 32 | whole);
            }
            return new BpeTokenizer(added, form, preTokenizer, new BytePairs(byteIds, pairs), ignoreMerges ? words() : null, byId,
                    OptionalInt.empty());
        }

        /** Added tokens that are not in byte-level writing cannot be met as words. */
        private Map<String, Integer> words() {
            Map<String, Integer> words = new HashMap<>();
            ids.forEach((text, id) -> {
                byte[] decoded = ByteLevel.toBytes(text);
                if (decoded != null && decoded.length == Objects.requireNonNull(bytes.get(id)).length) {
                    words.put(text, id);
                }
            });
            return Map.copyOf(words);
        }
    }
}
