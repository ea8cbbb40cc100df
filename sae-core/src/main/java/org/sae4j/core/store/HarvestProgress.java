package org.sae4j.core.store;

/**
 * How far a harvest is.
 *
 * @param contexts contexts that the model has seen
 * @param tokens tokens in them
 * @param tokensSha256 SHA-256 over these contexts (for each its length and its ids, as little-endian 32-bit integers), in hexadecimal:
 *     whether a harvest that goes on sees the same tokens
 */
public record HarvestProgress(long contexts, long tokens, String tokensSha256) {
    /** Nothing yet. */
    public static final HarvestProgress NONE = new HarvestProgress(0, 0, "");
}
