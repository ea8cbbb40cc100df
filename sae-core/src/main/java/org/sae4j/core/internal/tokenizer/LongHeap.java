package org.sae4j.core.internal.tokenizer;

import java.util.Arrays;

/** Numbers of which the least is taken first. Numbers that are added in order cost nothing to add. */
final class LongHeap {
    private static final int WAYS = 4;

    private long[] values;
    private int size;

    LongHeap(int capacity) {
        values = new long[Math.max(WAYS, capacity)];
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(long value) {
        if (size == values.length) {
            values = Arrays.copyOf(values, (int) Math.min(Integer.MAX_VALUE - 8, size * 2L));
        }
        int at = size++;
        while (at > 0) {
            int parent = (at - 1) / WAYS;
            if (values[parent] <= value) {
                break;
            }
            values[at] = values[parent];
            at = parent;
        }
        values[at] = value;
    }

    long remove() {
        long least = values[0];
        long last = values[--size];
        int at = 0;
        while (true) {
            int child = at * WAYS + 1;
            if (child >= size) {
                break;
            }
            int best = child;
            for (int other = child + 1; other < Math.min(child + WAYS, size); other++) {
                if (values[other] < values[best]) {
                    best = other;
                }
            }
            if (values[best] >= last) {
                break;
            }
            values[at] = values[best];
            at = best;
        }
        if (size > 0) {
            values[at] = last;
        }
        return least;
    }
}
