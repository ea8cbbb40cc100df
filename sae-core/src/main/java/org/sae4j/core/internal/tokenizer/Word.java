package org.sae4j.core.internal.tokenizer;

/**
 * Tokens of a piece of text.
 *
 * @param ids token ids
 * @param starts for each the first UTF-16 unit that it covers, counted from the piece's beginning
 * @param ends for each the position after the last unit
 */
record Word(int[] ids, int[] starts, int[] ends) {}
