package org.sae4j.api.sae;

import java.util.List;
import org.sae4j.api.model.Context;

/** A text with the feature activations of its tokens, those that count: which tokens, where in the text, what features. Immutable. */
public final class EncodedText {
    private final String text;
    private final List<Context> contexts;
    private final int[] contextOf;
    private final int[] positions;
    private final int leftOut;
    private final SparseRows features;

    EncodedText(String text, List<Context> contexts, int[] contextOf, int[] positions, int leftOut, SparseRows features) {
        this.text = text;
        this.contexts = contexts;
        this.contextOf = contextOf;
        this.positions = positions;
        this.leftOut = leftOut;
        this.features = features;
    }

    /** {@return the text} */
    public String text() {
        return text;
    }

    /** {@return feature activations, one row for each token that counts, in the order of the text} */
    public SparseRows features() {
        return features;
    }

    /** {@return the number of tokens that count, which is that of the rows of {@link #features()}} */
    public int size() {
        return positions.length;
    }

    /** {@return how many tokens the model read for this text that do not count, such as the beginning-of-sequence token of each context} */
    public int leftOut() {
        return leftOut;
    }

    /** {@return the ids of the tokens that count, in order} */
    public int[] tokens() {
        int[] tokens = new int[positions.length];
        for (int row = 0; row < tokens.length; row++) {
            tokens[row] = token(row);
        }
        return tokens;
    }

    /**
     * One token.
     *
     * @param row from 0 to {@code size() - 1}
     * @return its id
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public int token(int row) {
        return context(row).token(positions[row]);
    }

    /**
     * Where a token begins.
     *
     * @param row from 0 to {@code size() - 1}
     * @return the position of its first UTF-16 unit in the text
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public int start(int row) {
        return context(row).start(positions[row]);
    }

    /**
     * Where a token ends.
     *
     * @param row from 0 to {@code size() - 1}
     * @return the position after its last UTF-16 unit in the text; a token that is a part of a character spans the character
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public int end(int row) {
        return context(row).end(positions[row]);
    }

    /**
     * What the model read when it came to a token.
     *
     * @param row from 0 to {@code size() - 1}
     * @return the context that the token is in
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public Context context(int row) {
        return contexts.get(contextOf[row]);
    }

    /**
     * A token's position in its context.
     *
     * @param row from 0 to {@code size() - 1}
     * @return the position in {@link #context}
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public int position(int row) {
        return positions[row];
    }

    /** {@return sizes, for messages} */
    @Override
    public String toString() {
        return "EncodedText of " + text.length() + " characters, " + size() + " tokens in " + contexts.size() + " contexts";
    }
}
