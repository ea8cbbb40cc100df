package org.sae4j.core.internal.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.tokenizer.AddedTokens.AddedToken;
import org.sae4j.core.internal.tokenizer.BytePairModel.Alphabet;

/** Reads tokenizers from the JSON of Hugging Face tokenizers, or from GPT-2's own two files. */
public final class TokenizerJson {
    private static final String AGAIN = "download the tokenizer again";
    private static final String END_OF_TEXT = "<|endoftext|>";
    /** How tokens that are not pieces of text look in a vocabulary. */
    private static final Pattern SPECIAL_TOKEN = Pattern.compile("<.*>|\\[.*\\]", Pattern.DOTALL);

    private TokenizerJson() {}

    /**
     * Reads a {@code tokenizer.json}. Its sections on truncation and padding say how batches are cut, not what the tokens of a text are;
     * transformers switches them off as well.
     *
     * @param json the file
     * @return the tokenizer
     * @throws FormatException if it uses a feature that is not supported, or is inconsistent
     */
    public static PipelineTokenizer read(JsonFile json) {
        ModelJson model = new ModelJson(json);
        PreTokenizerJson preTokenizer = PreTokenizerJson.read(json.object("pre_tokenizer"), model.isBytePair());
        TokenModel tokenModel = model.model(preTokenizer.alphabet());
        Vocabulary vocabulary = model.vocabulary();
        List<AddedToken> added = addedTokens(json, vocabulary);
        TokenDecoder decoder = DecoderJson.read(json.object("decoder"));
        return new PipelineTokenizer(new TokenizerSpec(model.description(preTokenizer.alphabet()), vocabulary, added,
                NormalizerJson.read(json.object("normalizer")), preTokenizer.splitter(), tokenModel,
                PostProcessorJson.read(json.object("post_processor"), vocabulary), decoder, DecoderJson.writing(decoder)));
    }

    /**
     * Reads GPT-2's {@code vocab.json} and {@code merges.txt}.
     *
     * @param vocab token to id
     * @param merges lines of two tokens, after comments
     * @param where the file of the merges, for messages
     * @return the tokenizer
     * @throws FormatException if the files are inconsistent, or merges are missing
     */
    public static PipelineTokenizer read(JsonFile vocab, List<String> merges, String where) {
        List<String[]> pairs = new ArrayList<>(merges.size());
        for (String line : merges) {
            if (!line.isEmpty() && !line.startsWith("#version")) {
                pairs.add(ModelJson.pair(line, where));
            }
        }
        Vocabulary vocabulary = ModelJson.listed(vocab);
        requireMerges(vocabulary, pairs, where);
        List<AddedToken> added = vocabulary.find(END_OF_TEXT).stream().mapToObj(id -> AddedToken.special(id, END_OF_TEXT)).toList();
        BytePairModel model = new BytePairModel(vocabulary, ModelJson.merges(pairs, vocabulary, "", where), Alphabet.BYTES,
                BytePairModel.Options.PLAIN);
        return new PipelineTokenizer(new TokenizerSpec("byte-level BPE", vocabulary, added, new TextNormalizer.Sequence(List.of()),
                new Gpt2Words(), model, new PostProcessor.Sequence(List.of()), new TokenDecoder.Bytes(),
                TokenizerSpec.Writing.BYTE_CHARACTERS));
    }

    /** A file of merges that ends early looks sound, and would give other ids. */
    private static void requireMerges(Vocabulary vocabulary, List<String[]> pairs, String where) {
        Set<String> made = pairs.stream().map(pair -> pair[0] + pair[1]).collect(Collectors.toSet());
        for (String token : vocabulary.ids().keySet()) {
            if (token.length() > 1 && !made.contains(token) && !SPECIAL_TOKEN.matcher(token).matches()) {
                throw new FormatException("no merge makes the token \"" + token + "\" of the vocabulary", where,
                        "check that the file is complete and belongs to the vocabulary");
            }
        }
    }

    private static List<AddedToken> addedTokens(JsonFile json, Vocabulary vocabulary) {
        List<AddedToken> tokens = new ArrayList<>();
        int next = vocabulary.modelSize();
        for (JsonFile token : json.objects("added_tokens")) {
            String content = token.string("content").orElse("");
            int id = token.integer("id").orElse(-1);
            if (content.isEmpty() || id < 0) {
                throw new FormatException("an added token has a content and an id from 0", token.where(), AGAIN);
            }
            boolean known = vocabulary.id(content) >= 0;
            vocabulary.addToModel(content, id, next, token.where());
            next += known ? 0 : 1;
            tokens.add(new AddedToken(id, content, token.flag("single_word", false), token.flag("lstrip", false),
                    token.flag("rstrip", false), token.flag("normalized", !token.flag("special", false)), token.flag("special", false)));
        }
        return tokens;
    }
}
