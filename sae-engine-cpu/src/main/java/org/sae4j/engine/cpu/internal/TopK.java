package org.sae4j.engine.cpu.internal;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The largest positive entries; where values tie, the earlier wins. */
final class TopK {
    private TopK() {}

    /**
     * Appends the k largest positive eligible entries of a row, by column. The kept ones form a heap whose root is the first to go; vectors
     * without anything above the root are skipped at the speed of reading.
     */
    static void select(Kernels kernels, float[] pre, int at, int n, int k, float @Nullable [] mask, SparseBuilder.Slot to) {
        long[] heap = new long[k];
        int size = 0;
        float floor = 0;
        int end = at + n;
        for (int i = kernels.firstAbove(pre, at, end, floor); i < end; i = kernels.firstAbove(pre, i + 1, end, floor)) {
            int column = i - at;
            if (mask != null && mask[column] == 0) {
                continue;
            }
            // Ordered by value, which as a positive float orders as its bits, then from the last column to the first.
            long key = (long) Float.floatToRawIntBits(pre[i]) << 32 | ~column & 0xFFFFFFFFL;
            if (size < k) {
                up(heap, size++, key);
            } else {
                down(heap, size, key);
            }
            if (size == k) {
                floor = Float.intBitsToFloat((int) (heap[0] >>> 32));
            }
        }
        to.reserve(size);
        int[] kept = new int[size];
        for (int e = 0; e < size; e++) {
            kept[e] = ~(int) heap[e];
        }
        Arrays.sort(kept);
        for (int column : kept) {
            to.columns[to.used] = column;
            to.values[to.used++] = pre[at + column];
        }
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

    /** Keeps the largest entries of positive sparse rows, ties by row, then column. */
    static void prune(SparseMatrix s, int keep) {
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
            int[] counts = new int[256];
            long above = shift + 8;
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
        int[] offsets = new int[s.rows() + 1];
        int[] keptColumns = new int[keep];
        float[] keptValues = new float[keep];
        int kept = 0;
        for (int row = 0; row < s.rows(); row++) {
            for (int e = s.offset(row); e < s.offset(row + 1); e++) {
                if (values[e] > smallest || values[e] == smallest && ties-- > 0) {
                    keptColumns[kept] = columns[e];
                    keptValues[kept++] = values[e];
                }
            }
            offsets[row + 1] = kept;
        }
        s.set(offsets, keptColumns, keptValues);
    }
}
