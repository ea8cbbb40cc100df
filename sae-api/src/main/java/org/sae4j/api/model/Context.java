package org.sae4j.api.model;

import java.util.Objects;
import java.util.stream.IntStream;

/**
 * A row of tokens that a transformer reads at once: where each token comes from, and which of them count. Those that do not count, such as
 * the beginning-of-sequence token, are read like the others, and left out of activations, features and metrics. Immutable.
 */
public final class Context {
    private final int[] tokens;
    private final boolean[] counted;
    private final int[] documents;
    private final int[] starts;
    private final int[] ends;
    private final int count;

    Context(int[] tokens, boolean[] counted, int[] documents, int[] starts, int[] ends) {
        this.tokens = tokens;
        this.counted = counted;
        this.documents = documents;
        this.starts = starts;
        this.ends = ends;
        count = (int) IntStream.range(0, tokens.length).filter(position -> counted[position]).count();
    }

    /**
     * A context of tokens that come from no text.
     *
     * @param tokens token ids, at least one
     * @param counted for each token whether it counts
     * @param document the number of the document that they are
     * @return the context, of copies; its tokens begin and end at 0 in the text
     * @throws IllegalArgumentException if there is no token, or the lengths differ
     */
    public static Context of(int[] tokens, boolean[] counted, int document) {
        if (tokens.length == 0 || tokens.length != counted.length) {
            throw new IllegalArgumentException("a context needs a token, and as many tokens as say whether they count; found "
                    + tokens.length + " and " + counted.length);
        }
        return new Context(tokens.clone(), counted.clone(), IntStream.generate(() -> document).limit(tokens.length).toArray(),
                new int[tokens.length], new int[tokens.length]);
    }

    /** {@return the number of tokens, at least 1} */
    public int size() {
        return tokens.length;
    }

    /** {@return the number of tokens that count} */
    public int count() {
        return count;
    }

    /** {@return the token ids, a copy} */
    public int[] tokens() {
        return tokens.clone();
    }

    /**
     * One token.
     *
     * @param position from 0 to {@code size() - 1}
     * @return its id
     * @throws IndexOutOfBoundsException if there is no such position
     */
    public int token(int position) {
        return tokens[position];
    }

    /**
     * Whether a token counts.
     *
     * @param position from 0 to {@code size() - 1}
     * @return whether its activation is used
     * @throws IndexOutOfBoundsException if there is no such position
     */
    public boolean counts(int position) {
        return counted[position];
    }

    /** {@return the positions of the tokens that count, ascending} */
    public int[] positions() {
        return IntStream.range(0, tokens.length).filter(position -> counted[position]).toArray();
    }

    /**
     * The document that a token belongs to.
     *
     * @param position from 0 to {@code size() - 1}
     * @return its number in the order of reading, from 0; of an added beginning-of-sequence token, that of the token behind it
     * @throws IndexOutOfBoundsException if there is no such position
     */
    public int document(int position) {
        return documents[position];
    }

    /**
     * Where a token begins in the text of its document.
     *
     * @param position from 0 to {@code size() - 1}
     * @return the position of its first UTF-16 unit; where the token behind it begins for an added beginning-of-sequence token
     * @throws IndexOutOfBoundsException if there is no such position
     */
    public int start(int position) {
        return starts[position];
    }

    /**
     * Where a token ends in the text of its document.
     *
     * @param position from 0 to {@code size() - 1}
     * @return the position after its last UTF-16 unit, see {@link Tokenizer.Encoding}; the start for an added beginning-of-sequence token
     * @throws IndexOutOfBoundsException if there is no such position
     */
    public int end(int position) {
        return ends[position];
    }

    /**
     * The first tokens of this context.
     *
     * @param length how many
     * @return their ids
     * @throws IndexOutOfBoundsException if there are fewer
     */
    public int[] prefix(int length) {
        Objects.checkFromToIndex(0, length, tokens.length);
        return java.util.Arrays.copyOf(tokens, length);
    }

    /** {@return sizes, for messages} */
    @Override
    public String toString() {
        return "Context of " + tokens.length + " tokens, of which " + count + " count";
    }
}
