package org.sae4j.api.model;

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

    /** {@return the number of ids, one more than the largest} */
    int vocabularySize();

    /** {@return the id of the token that begins every context, or empty if there is none} */
    OptionalInt bos();
}
