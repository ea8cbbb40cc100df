package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.SparseMatrix;

/** The largest positive entries; where values tie, the earlier wins. */
final class TopK {
    private TopK() {}

    /** Columns that are compared with the same floor: few at first, while the floor rises quickly. */
    private static final int FIRST_BLOCK = 64;
    private static final int LAST_BLOCK = 512;

    /**
     * Appends the k largest positive eligible entries of a row, by column. The kept ones form a heap whose root is the first to go; most
     * columns are only compared with that.
     */
    static void select(Kernels kernels, float[] pre, int at, int n, int k, float @Nullable [] mask, SparseBuilder.Slot to) {
        to.reserve(Math.max(k, LAST_BLOCK) + Kernels.ROOM);
        if (to.heap.length < k) {
            to.heap = new long[k];
        }
        long[] heap = to.heap;
        int size = 0;
        float floor = 0;
        int block = FIRST_BLOCK;
        for (int start = 0; start < n; start += block, block = Math.min(2 * block, LAST_BLOCK)) {
            // The room behind the row's place serves for the candidates.
            int end = kernels.above(pre, at + start, Math.min(block, n - start), floor, to.columns, to.values, to.used);
            for (int e = to.used; e < end; e++) {
                int column = start + to.columns[e];
                if (!(to.values[e] > floor) || mask != null && mask[column] == 0) {
                    continue;
                }
                // Ordered by value, which as a positive float orders as its bits, then from the last column to the first.
                long key = (long) Float.floatToRawIntBits(to.values[e]) << 32 | ~column & 0xFFFFFFFFL;
                if (size < k) {
                    up(heap, size++, key);
                } else {
                    down(heap, size, key);
                }
                if (size == k) {
                    floor = Float.intBitsToFloat((int) (heap[0] >>> 32));
                }
            }
        }
        for (int e = 0; e < size; e++) {
            to.columns[to.used + e] = ~(int) heap[e];
        }
        Arrays.sort(to.columns, to.used, to.used + size);
        for (int e = to.used; e < to.used + size; e++) {
            to.values[e] = pre[at + to.columns[e]];
        }
        to.used += size;
    }

    private static void up(long[] heap, int last, long key) {
        int i = last;
        while (i > 0) {
            int parent = (i - 1) >>> 1;
            if (heap[parent] <= key) {
                break;
            }
            heap[i] = heap[parent];
            i = parent;
        }
        heap[i] = key;
    }

    private static void down(long[] heap, int size, long key) {
        int i = 0;
        int child = 1;
        while (child < size) {
            if (child + 1 < size && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= key) {
                break;
            }
            heap[i] = heap[child];
            i = child;
            child = 2 * i + 1;
        }
        heap[i] = key;
    }

    /** Keeps the largest entries of positive sparse rows, ties by row, then column; {@code counts} has room for 256. */
    static void prune(SparseMatrix s, int keep, int[] counts) {
        int entries = s.entries();
        if (entries <= keep) {
            return;
        }
        int[] columns = s.indices();
        float[] values = s.values();
        // The bits of the smallest kept value, found digit by digit.
        int prefix = 0;
        int needed = keep;
        for (int shift = 24; shift >= 0; shift -= 8) {
            Arrays.fill(counts, 0);
            long above = shift + 8L;
            for (int e = 0; e < entries; e++) {
                int bits = Float.floatToRawIntBits(values[e]);
                if ((long) bits >>> above == (long) prefix >>> above) {
                    counts[bits >>> shift & 255]++;
                }
            }
            int digit = 255;
            while (counts[digit] < needed) {
                needed -= counts[digit--];
            }
            prefix |= digit << shift;
        }
        float smallest = Float.intBitsToFloat(prefix);
        int ties = needed;
        int kept = 0;
        int from = 0;
        int[] offsets = s.begin();
        for (int row = 0; row < s.rows(); row++) {
            int end = offsets[row + 1];
            for (int e = from; e < end; e++) {
                if (values[e] > smallest || values[e] == smallest && ties-- > 0) {
                    columns[kept] = columns[e];
                    values[kept++] = values[e];
                }
            }
            from = end;
            offsets[row + 1] = kept;
        }
    }
}
