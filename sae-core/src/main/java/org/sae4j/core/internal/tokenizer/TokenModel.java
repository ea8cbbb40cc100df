package org.sae4j.core.internal.tokenizer;

/** Turns pieces of text into tokens. */
sealed interface TokenModel permits BytePairModel, UnigramModel, WordModel {
    /** {@return the tokens of units {@code from} to {@code to - 1} of a text, at least one} */
    Word encode(String text, int from, int to);
}
