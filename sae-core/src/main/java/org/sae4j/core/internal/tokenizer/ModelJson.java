package org.sae4j.core.internal.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.tokenizer.BytePairModel.Alphabet;

/** Reads the model of a {@code tokenizer.json}, and its vocabulary. */
final class ModelJson {
    private static final String AGAIN = "download the tokenizer again";

    private final JsonFile json;
    private final String type;
    private final Vocabulary vocabulary;
    private double[] scores = {};

    ModelJson(JsonFile tokenizer) {
        json = tokenizer.object("model").orElseThrow(() -> new FormatException("the tokenizer has no model", tokenizer.where(), AGAIN));
        type = json.string("type").orElseGet(this::untypedKind);
        if (!List.of("BPE", "Unigram", "WordLevel", "WordPiece").contains(type)) {
            throw new FormatException("tokenizer model \"" + type + "\" is not supported (BPE, Unigram, WordLevel and WordPiece are)",
                    json.at("type"), PatternJson.REMEDY);
        }
        vocabulary = type.equals("Unigram") ? scored() : listed(json.object("vocab")
                .orElseThrow(() -> new FormatException("the model has no vocab", json.where(), AGAIN)));
    }

    /** Old files have no type. */
    private String untypedKind() {
        return json.has("merges") ? "BPE" : json.has("max_input_chars_per_word") ? "WordPiece" : json.has("unk_id") ? "Unigram"
                : "WordLevel";
    }

    boolean isBytePair() {
        return type.equals("BPE");
    }

    Vocabulary vocabulary() {
        return vocabulary;
    }

    /** {@return what kind of tokenizer it is, in words} */
    String description(Alphabet alphabet) {
        return alphabet == Alphabet.BYTES ? "byte-level BPE" : type;
    }

    static Vocabulary listed(JsonFile vocab) {
        Vocabulary vocabulary = new Vocabulary(vocab.where(), vocab.node().size());
        for (Map.Entry<String, JsonNode> entry : vocab.node().properties()) {
            vocabulary.add(entry.getKey(), vocab.integer(entry.getKey()).orElse(-1), vocab.node().size());
        }
        return vocabulary;
    }

    private Vocabulary scored() {
        JsonNode list = json.get("vocab");
        if (list == null || !list.isArray()) {
            throw new FormatException("expected an array of tokens and scores", json.at("vocab"), AGAIN);
        }
        scores = new double[list.size()];
        Vocabulary tokens = new Vocabulary(json.at("vocab"), list.size());
        for (int id = 0; id < scores.length; id++) {
            JsonNode pair = list.get(id);
            if (!pair.isArray() || pair.size() != 2 || !pair.get(0).isString() || !pair.get(1).isNumber()) {
                throw new FormatException("expected a token and its score, found " + pair, json.at("vocab"), AGAIN);
            }
            tokens.add(pair.get(0).stringValue(), id, scores.length);
            scores[id] = pair.get(1).doubleValue();
            if (Double.isNaN(scores[id])) {
                throw new FormatException("the score of token " + id + " is not a number", json.at("vocab"), AGAIN);
            }
        }
        return tokens;
    }

    TokenModel model(Alphabet alphabet) {
        return switch (type) {
            case "BPE" -> bytePairs(alphabet);
            case "Unigram" -> new UnigramModel(vocabulary, scores, unknownId(), json.flag("byte_fallback", false));
            case "WordPiece" -> new WordModel(vocabulary.where(), vocabulary.ids(), unknown("[UNK]"), json.string("continuing_subword_prefix").orElse("##"),
                    json.integer("max_input_chars_per_word").orElse(100));
            default -> new WordModel(vocabulary.where(), vocabulary.ids(), unknown("<unk>"), "", 0);
        };
    }

    private OptionalInt unknownId() {
        OptionalInt id = json.integer("unk_id");
        if (id.isPresent() && !vocabulary.contains(id.getAsInt())) {
            throw new FormatException("unk_id " + id.getAsInt() + " is not in the vocabulary of " + vocabulary.size(), json.at("unk_id"), AGAIN);
        }
        return id;
    }

    private OptionalInt unknown(String otherwise) {
        return vocabulary.find(json.string("unk_token").orElse(otherwise));
    }

    private TokenModel bytePairs(Alphabet alphabet) {
        if (json.number("dropout").orElse(0) != 0) {
            throw new FormatException("dropout makes tokens random and is not supported", json.at("dropout"), PatternJson.REMEDY);
        }
        OptionalInt unknown = OptionalInt.empty();
        if (json.has("unk_token")) {
            unknown = vocabulary.find(json.string("unk_token").orElse(""));
            if (unknown.isEmpty()) {
                throw new FormatException("the unknown token is not in the vocabulary", json.at("unk_token"), AGAIN);
            }
        }
        String prefix = json.string("continuing_subword_prefix").orElse("");
        JsonNode list = json.get("merges");
        if (list == null || !list.isArray()) {
            throw new FormatException("the model has no array of merges", json.where(), AGAIN);
        }
        List<String[]> pairs = new ArrayList<>(list.size());
        for (JsonNode merge : list) {
            pairs.add(pair(merge));
        }
        return new BytePairModel(vocabulary, merges(pairs, vocabulary, prefix, json.at("merges")), alphabet,
                new BytePairModel.Options(unknown, json.flag("fuse_unk", false), json.flag("byte_fallback", false),
                        json.flag("ignore_merges", false), prefix, json.string("end_of_word_suffix").orElse("")));
    }

    private String[] pair(JsonNode merge) {
        if (merge.isString()) {
            return pair(merge.stringValue(), json.at("merges"));
        }
        if (merge.isArray() && merge.size() == 2 && merge.get(0).isString() && merge.get(1).isString()) {
            return new String[] {merge.get(0).stringValue(), merge.get(1).stringValue()};
        }
        throw json.mismatch("merges", "pairs of tokens", merge);
    }

    /** {@return the two tokens of a merge in one line} */
    static String[] pair(String line, String where) {
        int space = line.indexOf(' ');
        if (space <= 0 || space == line.length() - 1 || line.indexOf(' ', space + 1) >= 0) {
            throw new FormatException("a merge is two tokens with a space between, found \"" + line + '"', where, AGAIN);
        }
        return new String[] {line.substring(0, space), line.substring(space + 1)};
    }

    /** {@return merges by rank} */
    static PairMerges merges(List<String[]> pairs, Vocabulary vocabulary, String prefix, String where) {
        PairMerges merges = new PairMerges(pairs.size());
        for (int rank = 0; rank < pairs.size(); rank++) {
            String[] pair = pairs.get(rank);
            int left = vocabulary.id(pair[0]);
            int right = vocabulary.id(pair[1]);
            int whole = pair[1].length() < prefix.length() ? -1 : vocabulary.id(pair[0] + pair[1].substring(prefix.length()));
            if (left < 0 || right < 0 || whole < 0) {
                throw new FormatException("merge " + rank + " (\"" + pair[0] + "\", \"" + pair[1]
                        + "\") is not of tokens in the vocabulary", where, AGAIN);
            }
            merges.put(left, right, rank, whole);
        }
        return merges;
    }
}
