package org.sae4j.core.internal.tokenizer;

import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Tokens of recent words, bounded: when the young generation is full the old one is dropped. */
final class WordCache {
    private static final int GENERATION = 1 << 15;
    private static final int LONGEST_WORD = 64;

    private volatile ConcurrentHashMap<String, int[]> young = new ConcurrentHashMap<>();
    private volatile ConcurrentHashMap<String, int[]> old = new ConcurrentHashMap<>();

    int @Nullable [] get(String word) {
        int[] ids = young.get(word);
        if (ids == null) {
            ids = old.get(word);
            if (ids != null) {
                put(word, ids);
            }
        }
        return ids;
    }

    void put(String word, int[] ids) {
        if (word.length() > LONGEST_WORD) {
            return;
        }
        young.put(word, ids);
        if (young.mappingCount() > GENERATION) {
            synchronized (this) {
                if (young.mappingCount() > GENERATION) {
                    old = young;
                    young = new ConcurrentHashMap<>();
                }
            }
        }
    }
}
