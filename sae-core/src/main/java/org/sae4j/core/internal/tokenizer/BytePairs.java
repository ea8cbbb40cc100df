package org.sae4j.core.internal.tokenizer;

import java.util.Arrays;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * Byte-pair encoding of one word (Sennrich et al. 2016): of all adjacent pairs the one with the lowest rank, leftmost, is merged until none
 * has a rank.
 */
final class BytePairs {
    /** Words up to this length are merged by scanning; longer ones with a queue, in n log n. */
    private static final int SCANNED = 96;
    private static final int NONE = Integer.MAX_VALUE;

    private final int[] byteIds;
    private final long[] keys;
    private final int[] ranks;
    private final int[] merged;
    private final int mask;

    /**
     * Merges by pair of ids.
     *
     * @param byteIds the id of each byte
     * @param merges for a pair of ids, left in the upper half: the rank in the upper half and the merged id
     */
    BytePairs(int[] byteIds, Map<Long, Long> merges) {
        this.byteIds = byteIds;
        int capacity = Integer.highestOneBit(Math.max(8, merges.size())) * 4;
        mask = capacity - 1;
        keys = new long[capacity];
        ranks = new int[capacity];
        merged = new int[capacity];
        Arrays.fill(keys, -1);
        merges.forEach((pair, value) -> {
            int slot = slot(pair);
            keys[slot] = pair;
            ranks[slot] = (int) (value >>> 32);
            merged[slot] = (int) (long) value;
        });
    }

    private int slot(long pair) {
        long hash = pair * 0x9e3779b97f4a7c15L;
        int slot = (int) (hash >>> 32) & mask;
        while (keys[slot] != -1 && keys[slot] != pair) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private int find(int left, int right) {
        long pair = (long) left << 32 | right;
        int slot = slot(pair);
        return keys[slot] == pair ? slot : -1;
    }

    private int rank(int left, int right) {
        int slot = find(left, right);
        return slot < 0 ? NONE : ranks[slot];
    }

    /** {@return the ids of the first {@code length} bytes} */
    int[] encode(byte[] bytes, int length) {
        int[] ids = new int[length];
        for (int i = 0; i < length; i++) {
            ids[i] = byteIds[bytes[i] & 0xff];
        }
        return length <= SCANNED ? scan(ids) : queue(ids);
    }

    private int[] scan(int[] ids) {
        int count = ids.length;
        int[] pairRanks = new int[Math.max(1, count)];
        for (int i = 0; i + 1 < count; i++) {
            pairRanks[i] = rank(ids[i], ids[i + 1]);
        }
        while (count > 1) {
            int best = 0;
            for (int i = 1; i + 1 < count; i++) {
                if (pairRanks[i] < pairRanks[best]) {
                    best = i;
                }
            }
            if (pairRanks[best] == NONE) {
                break;
            }
            ids[best] = merged[find(ids[best], ids[best + 1])];
            count--;
            System.arraycopy(ids, best + 2, ids, best + 1, count - best - 1);
            System.arraycopy(pairRanks, best + 1, pairRanks, best, count - best);
            pairRanks[best] = best + 1 < count ? rank(ids[best], ids[best + 1]) : NONE;
            if (best > 0) {
                pairRanks[best - 1] = rank(ids[best - 1], ids[best]);
            }
        }
        return Arrays.copyOf(ids, count);
    }

    private int[] queue(int[] ids) {
        int count = ids.length;
        int[] next = new int[count];
        int[] previous = new int[count];
        PriorityQueue<Long> pairs = new PriorityQueue<>();
        for (int i = 0; i < count; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
            offer(pairs, ids, i, i + 1);
        }
        while (!pairs.isEmpty()) {
            long pair = pairs.remove();
            int left = (int) pair;
            int right = ids[left] < 0 ? count : next[left];
            // An entry is stale if one of its symbols has been merged since.
            if (right >= count || rank(ids[left], ids[right]) != (int) (pair >>> 32)) {
                continue;
            }
            ids[left] = merged[find(ids[left], ids[right])];
            ids[right] = -1;
            next[left] = next[right];
            if (next[left] < count) {
                previous[next[left]] = left;
            }
            offer(pairs, ids, left, next[left]);
            if (previous[left] >= 0) {
                offer(pairs, ids, previous[left], left);
            }
        }
        return Arrays.stream(ids).filter(id -> id >= 0).toArray();
    }

    private void offer(PriorityQueue<Long> pairs, int[] ids, int left, int right) {
        if (right < ids.length) {
            int rank = rank(ids[left], ids[right]);
            if (rank != NONE) {
                pairs.add((long) rank << 32 | left);
            }
        }
    }
}
