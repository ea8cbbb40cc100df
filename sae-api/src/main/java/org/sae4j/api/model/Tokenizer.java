package org.sae4j.api.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/** Turns text into token ids and back. Safe for use by several threads. */
public interface Tokenizer {
    /**
     * Tokens of a text with the places they came from.
     *
     * @param ids token ids
     * @param starts for each token the position of its first UTF-16 unit in the text
     * @param ends for each token the position after its last UTF-16 unit; a token that is a part of a character spans the character
     */
    record Encoding(int[] ids, int[] starts, int[] ends) {}

    /**
     * Encodes a text. No beginning-of-sequence token is added.
     *
     * @param text any text; unpaired surrogates count as the replacement character
     * @return ids and offsets
     */
    Encoding encode(String text);

    /**
     * Decodes tokens. Incomplete UTF-8 becomes the replacement character.
     *
     * @param ids token ids
     * @return the text
     * @throws IndexOutOfBoundsException if an id is not in the vocabulary
     */
    String decode(int... ids);

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

    /** {@return the id of the token that begins every context, or empty if there is none} */
    OptionalInt bos();
}
