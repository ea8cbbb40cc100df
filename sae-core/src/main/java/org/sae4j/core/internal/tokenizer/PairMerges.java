package org.sae4j.core.internal.tokenizer;

import java.util.function.IntConsumer;

/**
 * Byte-pair encoding of symbols (Sennrich et al. 2016): of all adjacent pairs the one with the lowest rank, leftmost, is merged until none
 * has a rank.
 */
final class PairMerges {
    /** Up to this many symbols are merged by scanning; more with a heap, in n log n. */
    private static final int SCANNED = 48;
    private static final long NONE = Long.MAX_VALUE;

    /** For each pair the rank in the upper half, the merged id in the lower. */
    private final PairTable pairs;

    /** No merges yet, with room for some. */
    PairMerges(int expected) {
        pairs = new PairTable(expected);
    }

    /** Lets a pair of ids be merged; a pair that is known gets the new rank. */
    void put(int left, int right, int rank, int id) {
        pairs.put(left, right, (long) rank << 32 | id);
    }

    /** Tells all ids that merges make. */
    void results(IntConsumer action) {
        pairs.forEach(value -> action.accept((int) value));
    }

    private long merge(int left, int right) {
        long value = pairs.get(left, right);
        return value < 0 ? NONE : value;
    }

    /**
     * Merges symbols in place.
     *
     * @param ids token ids, replaced by those that remain
     * @param lengths for each symbol how much text it covers; sums remain
     * @param symbols how many there are
     * @return how many remain
     */
    int merge(int[] ids, int[] lengths, int symbols) {
        return symbols <= SCANNED ? scan(ids, lengths, symbols) : heap(ids, lengths, symbols);
    }

    private int scan(int[] ids, int[] lengths, int symbols) {
        int left = symbols;
        long[] possible = new long[Math.max(1, left)];
        for (int i = 0; i < possible.length; i++) {
            possible[i] = i + 1 < left ? merge(ids[i], ids[i + 1]) : NONE;
        }
        while (left > 1) {
            int best = 0;
            for (int i = 1; i + 1 < left; i++) {
                if (possible[i] >>> 32 < possible[best] >>> 32) {
                    best = i;
                }
            }
            if (possible[best] == NONE) {
                break;
            }
            ids[best] = (int) possible[best];
            lengths[best] += lengths[best + 1];
            left--;
            System.arraycopy(ids, best + 2, ids, best + 1, left - best - 1);
            System.arraycopy(lengths, best + 2, lengths, best + 1, left - best - 1);
            System.arraycopy(possible, best + 1, possible, best, left - best);
            possible[best] = best + 1 < left ? merge(ids[best], ids[best + 1]) : NONE;
            if (best > 0) {
                possible[best - 1] = merge(ids[best - 1], ids[best]);
            }
        }
        return left;
    }

    private int heap(int[] ids, int[] lengths, int symbols) {
        int[] next = new int[symbols];
        int[] previous = new int[symbols];
        LongHeap queue = new LongHeap(symbols);
        for (int i = 0; i < symbols; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
            offer(queue, ids, symbols, i, i + 1);
        }
        for (int steps = 0; !queue.isEmpty(); steps++) {
            if ((steps & Interrupts.MASK) == 0) {
                Interrupts.check();
            }
            long entry = queue.remove();
            int left = (int) entry;
            int right = ids[left] < 0 ? symbols : next[left];
            // An entry is stale if one of its symbols has been merged since.
            long merge = right >= symbols ? NONE : merge(ids[left], ids[right]);
            if (merge == NONE || merge >>> 32 != entry >>> 32) {
                continue;
            }
            ids[left] = (int) merge;
            lengths[left] += lengths[right];
            ids[right] = -1;
            next[left] = next[right];
            if (next[left] < symbols) {
                previous[next[left]] = left;
            }
            offer(queue, ids, symbols, left, next[left]);
            if (previous[left] >= 0) {
                offer(queue, ids, symbols, previous[left], left);
            }
        }
        int left = 0;
        for (int i = 0; i < symbols; i++) {
            if (ids[i] >= 0) {
                ids[left] = ids[i];
                lengths[left++] = lengths[i];
            }
        }
        return left;
    }

    private void offer(LongHeap queue, int[] ids, int symbols, int left, int right) {
        long merge = right < symbols ? merge(ids[left], ids[right]) : NONE;
        if (merge != NONE) {
            queue.add(merge >>> 32 << 32 | left);
        }
    }
}
