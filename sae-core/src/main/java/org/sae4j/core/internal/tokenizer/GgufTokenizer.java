package org.sae4j.core.internal.tokenizer;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.GgufArray;
import org.sae4j.core.internal.format.GgufMetadata;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.tokenizer.AddedTokens.AddedToken;
import org.sae4j.core.internal.tokenizer.regex.Regex;

/**
 * Makes tokenizers of the metadata of GGUF files, keys {@code tokenizer.ggml.*}: byte-level BPE with the split patterns that {@code pre}
 * names, and SentencePiece BPE by scores. The tokens are those of Hugging Face's tokenizers, which are not always those of llama.cpp: a byte
 * that is not in the vocabulary is left out before tokens are merged, and Qwen's text is normalized to NFC.
 */
public final class GgufTokenizer {
    private static final String PREFIX = "tokenizer.ggml.";
    private static final String SPACE = "\u2581";
    private static final int UNKNOWN = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;
    /** Every token is divided in all ways, so a long one would take long. */
    private static final int LONGEST_TOKEN = 2_000;

    private final GgufMetadata metadata;
    private final Vocabulary vocabulary;
    private final List<AddedToken> added = new ArrayList<>();

    private GgufTokenizer(GgufMetadata metadata) {
        this.metadata = metadata;
        List<String> tokens = array("tokens").map(GgufArray::strings).orElseThrow(() -> missing("tokens"));
        vocabulary = new Vocabulary(metadata.at(PREFIX + "tokens"), tokens.size());
        int[] types = array("token_type").map(GgufArray::integers).orElse(new int[0]);
        if (types.length != 0 && types.length != tokens.size()) {
            throw new FormatException("there are " + types.length + " types for " + tokens.size() + " tokens",
                    metadata.at(PREFIX + "token_type"), "use a file with valid metadata");
        }
        for (int id = 0; id < tokens.size(); id++) {
            vocabulary.add(tokens.get(id), id, tokens.size());
            int type = types.length == 0 ? 1 : types[id];
            if (!tokens.get(id).isEmpty() && (type == UNKNOWN || type == CONTROL || type == USER_DEFINED)) {
                added.add(new AddedToken(id, tokens.get(id), false, false, false, false, type != USER_DEFINED));
            }
        }
    }

    /**
     * Makes the tokenizer of a file.
     *
     * @param metadata the file's metadata, which are read only now
     * @return the tokenizer, or empty if the file says that it has none
     * @throws FormatException if the kind or the split patterns are not known, or the metadata are inconsistent; the message names the key
     */
    public static Optional<PipelineTokenizer> read(GgufMetadata metadata) {
        String model = metadata.string(PREFIX + "model").orElse("none");
        return switch (model) {
            case "none", "no_vocab" -> Optional.empty();
            case "gpt2" -> Optional.of(new GgufTokenizer(metadata).byteLevel());
            case "llama" -> Optional.of(new GgufTokenizer(metadata).sentencePiece());
            default -> throw new FormatException("the tokenizer \"" + model + "\" is not supported (gpt2 and llama are)",
                    metadata.at(PREFIX + "model"), "give token ids, or use a Hugging Face folder with a tokenizer.json");
        };
    }

    private Optional<GgufArray> array(String key) {
        return metadata.array(PREFIX + key);
    }

    private FormatException missing(String key) {
        return new FormatException("the tokenizer has no " + key, metadata.at(PREFIX + key), "use a file with complete metadata");
    }

    private PipelineTokenizer byteLevel() {
        String where = metadata.at(PREFIX + "pre");
        GgufSplit split = GgufSplit.named(metadata.string(PREFIX + "pre").orElse(""), where);
        JsonFile json = JsonFile.parse(where, split.json().getBytes(StandardCharsets.UTF_8));
        PreTokenizerJson preTokenizer = PreTokenizerJson.read(Optional.of(json), true);
        List<String[]> pairs = new ArrayList<>();
        for (String merge : array("merges").map(GgufArray::strings).orElseThrow(() -> missing("merges"))) {
            pairs.add(pair(merge));
        }
        PairMerges merges = ModelJson.merges(pairs, vocabulary, "", metadata.at(PREFIX + "merges"));
        BytePairModel model = new BytePairModel(vocabulary, merges, preTokenizer.alphabet(),
                new BytePairModel.Options(OptionalInt.empty(), false, false, split.ignoresMerges(), "", ""));
        TextNormalizer normalizer = split.composes() ? new UnicodeForm(Normalizer.Form.NFC) : new TextNormalizer.Sequence(List.of());
        PipelineTokenizer tokenizer = new PipelineTokenizer(new TokenizerSpec("byte-level BPE", vocabulary, added, normalizer,
                preTokenizer.splitter(), model, ends(split.addsBos()), new TokenDecoder.Bytes(), TokenizerSpec.Writing.BYTE_CHARACTERS));
        boolean gpt2 = metadata.string("general.architecture").orElse("").equals("gpt2") && !metadata.has(PREFIX + "add_bos_token");
        return gpt2 ? tokenizer.withBos(token("bos_token_id")) : tokenizer;
    }

    /** The first token may begin with a space. */
    private String[] pair(String merge) {
        int space = merge.indexOf(' ', 1);
        if (space < 0 || space == merge.length() - 1) {
            throw new FormatException("a merge is two tokens with a space between, found \"" + merge + '"', metadata.at(PREFIX + "merges"),
                    "use a file with valid metadata");
        }
        return new String[] {merge.substring(0, space), merge.substring(space + 1)};
    }

    private PipelineTokenizer sentencePiece() {
        float[] scores = array("scores").map(GgufArray::floats).orElseThrow(() -> missing("scores"));
        if (scores.length != vocabulary.size()) {
            throw new FormatException("there are " + scores.length + " scores for " + vocabulary.size() + " tokens",
                    metadata.at(PREFIX + "scores"), "use a file with valid metadata");
        }
        boolean prefix = metadata.flag(PREFIX + "add_space_prefix", true);
        TextNormalizer spaces = TextNormalizer.Replace.literal(" ", SPACE);
        TextNormalizer normalizer = prefix ? new TextNormalizer.Sequence(List.of(new TextNormalizer.Prepend(SPACE), spaces)) : spaces;
        List<TokenDecoder> decoders = new ArrayList<>(List.of(new TokenDecoder.Replace(Regex.literal(SPACE), " "),
                new TokenDecoder.ByteFallback(), new TokenDecoder.Fuse()));
        if (prefix) {
            decoders.add(new TokenDecoder.Strip(' ', 1, 0));
        }
        BytePairModel model = new BytePairModel(vocabulary, mergesByScore(scores), BytePairModel.Alphabet.CHARACTERS,
                new BytePairModel.Options(token("unknown_token_id"), true, true, false, "", ""));
        return new PipelineTokenizer(new TokenizerSpec("SentencePiece BPE", vocabulary, added, normalizer, PreTokenizer.sequence(List.of()),
                model, ends(true), new TokenDecoder.Sequence(decoders), TokenizerSpec.Writing.SENTENCE_PIECE));
    }

    /** Two tokens are merged if together they are a token, that with the highest score first. */
    private PairMerges mergesByScore(float[] scores) {
        float[] descending = scores.clone();
        Arrays.sort(descending);
        PairMerges merges = new PairMerges(2 * scores.length);
        for (int id = 0; id < scores.length; id++) {
            String token = vocabulary.text(id);
            if (Float.isNaN(scores[id]) || token.length() > LONGEST_TOKEN) {
                throw new FormatException("token " + id + " has the score " + scores[id] + " and " + token.length() + " characters",
                        metadata.at(PREFIX + "scores"), "use a file with valid metadata");
            }
            // Equal scores have the same rank: the place in the order of the last of them.
            int place = Arrays.binarySearch(descending, scores[id]);
            while (place + 1 < descending.length && descending[place + 1] == scores[id]) {
                place++;
            }
            for (int at = 1; at < token.length(); at++) {
                int left = vocabulary.id(token.substring(0, at));
                int right = left < 0 ? -1 : vocabulary.id(token.substring(at));
                if (right >= 0) {
                    merges.put(left, right, descending.length - 1 - place, id);
                }
            }
        }
        return merges;
    }

    private PostProcessor ends(boolean addsBos) {
        return new PostProcessor.Template(added("add_bos_token", addsBos, "bos_token_id"), added("add_eos_token", false, "eos_token_id"));
    }

    private List<Integer> added(String flag, boolean otherwise, String key) {
        if (!metadata.flag(PREFIX + flag, otherwise)) {
            return List.of();
        }
        return List.of(token(key).orElseThrow(() -> missing(key)));
    }

    private OptionalInt token(String key) {
        OptionalInt id = metadata.integer(PREFIX + key);
        if (id.isPresent() && !vocabulary.contains(id.getAsInt())) {
            throw new FormatException("token " + id.getAsInt() + " is not in the vocabulary of " + vocabulary.size(),
                    metadata.at(PREFIX + key), "use a file with valid metadata");
        }
        return id;
    }
}
