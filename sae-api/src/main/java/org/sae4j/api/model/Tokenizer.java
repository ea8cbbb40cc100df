package org.sae4j.api.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Turns text into token ids and back. Safe for use by several threads.
 *
 * <p>Encoding a long text can be given up by interrupting the thread: then it throws {@link java.util.concurrent.CancellationException} and
 * leaves the thread interrupted.
 */
public interface Tokenizer {
    /**
     * Tokens of a text with the places they came from.
     *
     * @param ids token ids
     * @param starts for each token the position of its first UTF-16 unit in the text
     * @param ends for each token the position after its last UTF-16 unit; a token that is a part of a character spans the character, and
     *     one that does not come from the text has 0 and 0
     */
    record Encoding(int[] ids, int[] starts, int[] ends) {
        /** Refuses null. */
        public Encoding {
            Objects.requireNonNull(ids, "ids");
            Objects.requireNonNull(starts, "starts");
            Objects.requireNonNull(ends, "ends");
        }
    }

    /**
     * Encodes a text. No beginning-of-sequence token is added. Special tokens that are written out in the text are found.
     *
     * @param text any text; unpaired surrogates count as the replacement character
     * @return ids and offsets
     */
    Encoding encode(String text);

    /**
     * Encodes a text with the tokens that the tokenizer itself adds before and after each text, such as one for its beginning. The default
     * adds none.
     *
     * @param text any text; unpaired surrogates count as the replacement character
     * @return ids and offsets
     */
    default Encoding encodeWithSpecialTokens(String text) {
        Objects.requireNonNull(text, "text");
        return encode(text);
    }

    /**
     * Decodes tokens. Incomplete UTF-8 becomes the replacement character.
     *
     * @param ids token ids
     * @return the text
     * @throws IndexOutOfBoundsException if an id is not in the vocabulary
     */
    String decode(int... ids);

    /**
     * Decodes tokens without those that control the model rather than stand for text. The default leaves none out.
     *
     * @param ids token ids
     * @return the text
     * @throws IndexOutOfBoundsException if an id is not in the vocabulary
     */
    default String decodeWithoutSpecialTokens(int... ids) {
        Objects.requireNonNull(ids, "ids");
        return decode(ids);
    }

    /**
     * Whether a token controls the model rather than stands for text, such as one for the beginning of a text. The default says no.
     *
     * @param id any number
     * @return whether it is the id of such a token
     */
    default boolean isSpecial(int id) {
        return false;
    }

    /**
     * A token as the vocabulary writes it: spaces and bytes may stand in other characters. The default gives {@link #token}.
     *
     * @param id a token id
     * @return the entry of the vocabulary
     * @throws IndexOutOfBoundsException if the id is not in the vocabulary
     */
    default String entry(int id) {
        return token(id);
    }

    /**
     * One token for display, with partial characters shown in a readable form.
     *
     * @param id a token id
     * @return the token's text
     * @throws IndexOutOfBoundsException if the id is not in the vocabulary
     */
    String token(int id);

    /**
     * Tokens that follow each other for display, one text for each. A character whose bytes are split over tokens stands at the last of
     * them, and the texts of those before are empty. Bytes that make no character, as at the ends of a cut text, are as in {@link #token}.
     *
     * @param ids token ids
     * @return as many texts as ids
     * @throws IndexOutOfBoundsException if an id is not in the vocabulary
     */
    default List<String> tokens(int... ids) {
        int bytesOfACharacter = 4;
        List<String> texts = new ArrayList<>(ids.length);
        while (texts.size() < ids.length) {
            int from = texts.size();
            for (int to = from + 1; to <= Math.min(from + bytesOfACharacter, ids.length) && texts.size() == from; to++) {
                String text = decode(Arrays.copyOfRange(ids, from, to));
                if (text.indexOf('\uFFFD') < 0) {
                    for (int i = from + 1; i < to; i++) {
                        texts.add("");
                    }
                    texts.add(to == from + 1 ? token(ids[from]) : text);
                }
            }
            if (texts.size() == from) {
                texts.add(token(ids[from]));
            }
        }
        return texts;
    }

    /** {@return the number of ids, one more than the largest} */
    int vocabularySize();

    /**
     * The token that begins every context: the one that the tokenizer adds before each text. GPT-2's tokenizer adds none; its contexts begin
     * with {@code <|endoftext|>}, as in TransformerLens.
     *
     * @return its id, or empty if contexts begin with the text
     */
    OptionalInt bos();
}
