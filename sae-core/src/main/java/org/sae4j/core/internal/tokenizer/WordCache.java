package org.sae4j.core.internal.tokenizer;

import org.jspecify.annotations.Nullable;

/** Tokens of recent words. A word takes the place of another with the same slot; entries are immutable, so threads need no lock. */
final class WordCache {
    private static final int SLOTS = 1 << 15;
    private static final int LONGEST_WORD = 64;

    /** What makes the tokens of units {@code from} to {@code to - 1} of a text. */
    @FunctionalInterface
    interface Source {
        Word encode(String text, int from, int to);
    }

    private record Entry(String text, Word word) {}

    private final @Nullable Entry[] entries = new Entry[SLOTS];
    private final Source source;

    WordCache(Source source) {
        this.source = source;
    }

    /** {@return the tokens of units {@code from} to {@code to - 1} of a text} */
    Word get(String text, int from, int to) {
        if (to - from > LONGEST_WORD) {
            return source.encode(text, from, to);
        }
        int hash = 0;
        for (int i = from; i < to; i++) {
            hash = 31 * hash + text.charAt(i);
        }
        int slot = (hash ^ hash >>> 15) & SLOTS - 1;
        Entry entry = entries[slot];
        if (entry != null && entry.text.length() == to - from && text.startsWith(entry.text, from)) {
            return entry.word;
        }
        Word word = source.encode(text, from, to);
        entries[slot] = new Entry(text.substring(from, to), word);
        return word;
    }
}
