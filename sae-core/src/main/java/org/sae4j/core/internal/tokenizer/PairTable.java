package org.sae4j.core.internal.tokenizer;

import java.util.Arrays;
import java.util.function.LongConsumer;

/** A number for each of some pairs of integers from 0. */
final class PairTable {
    private static final int LARGEST = 1 << 26;

    private long[] keys;
    private long[] values;
    private int mask;
    private int count;

    PairTable(int expected) {
        allocate(Integer.highestOneBit(Math.clamp(expected, 8, LARGEST)) * 4);
    }

    private void allocate(int capacity) {
        mask = capacity - 1;
        keys = new long[capacity];
        values = new long[capacity];
        Arrays.fill(keys, -1);
        count = 0;
    }

    /** Sets the number of a pair, from 0. */
    void put(int left, int right, long value) {
        if (2 * count > mask) {
            long[] oldKeys = keys;
            long[] oldValues = values;
            allocate(2 * oldKeys.length);
            for (int i = 0; i < oldKeys.length; i++) {
                if (oldKeys[i] != -1) {
                    put((int) (oldKeys[i] >>> 32), (int) oldKeys[i], oldValues[i]);
                }
            }
        }
        long pair = (long) left << 32 | right;
        int slot = slot(pair);
        count += keys[slot] == -1 ? 1 : 0;
        keys[slot] = pair;
        values[slot] = value;
    }

    /** {@return the number of a pair, or -1} */
    long get(int left, int right) {
        long pair = (long) left << 32 | right;
        int slot = slot(pair);
        return keys[slot] == pair ? values[slot] : -1;
    }

    private int slot(long pair) {
        long hash = pair * 0x9e3779b97f4a7c15L;
        int slot = (int) (hash >>> 32) & mask;
        while (keys[slot] != -1 && keys[slot] != pair) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    void forEach(LongConsumer action) {
        for (int i = 0; i < keys.length; i++) {
            if (keys[i] != -1) {
                action.accept(values[i]);
            }
        }
    }
}
