package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import org.sae4j.engine.cpu.internal.memory.Memory;
import org.sae4j.engine.cpu.internal.memory.SparseMatrix;
import org.sae4j.engine.cpu.internal.threads.Workers;

/** Collects sparse rows that several threads produce, and puts them in order. */
final class SparseBuilder {
    /** Rows of a task. */
    private static final int CHUNK = 64;

    private final int rows;
    private final int[] rowSlot;
    private final int[] rowStart;
    private final int[] rowCount;
    private final Slot[] slots;
    private final SparseMatrix out;
    private final Workers.Task copy = this::copy;

    /** The entries of one thread. */
    static final class Slot {
        /** Room for a selection's own use. */
        long[] heap = new long[0];
        int[] columns = new int[0];
        float[] values = new float[0];
        int used;

        /** Makes room for more entries. */
        void reserve(int more) {
            if (columns.length - used < more) {
                long wanted = Math.max((long) used + more, Math.min(used * 2L, Integer.MAX_VALUE - 8L));
                int length = Memory.arrayLength(wanted, "entries of sparse rows", "engine cpu");
                columns = Arrays.copyOf(columns, length);
                values = Arrays.copyOf(values, length);
            }
        }
    }

    SparseBuilder(SparseMatrix out, int threads) {
        this.out = out;
        this.rows = out.rows();
        rowSlot = new int[rows];
        rowStart = new int[rows];
        rowCount = new int[rows];
        slots = new Slot[threads];
        Arrays.setAll(slots, i -> new Slot());
    }

    void clear() {
        for (Slot slot : slots) {
            slot.used = 0;
        }
    }

    Slot slot(int slot) {
        return slots[slot];
    }

    /** Says that a slot's entries from {@code start} on are a row. */
    void row(int row, int slot, int start) {
        rowSlot[row] = slot;
        rowStart[row] = start;
        rowCount[row] = slots[slot].used - start;
    }

    void finish(Workers workers) {
        int[] offsets = out.begin();
        long entries = 0;
        for (int row = 0; row < rows; row++) {
            entries += rowCount[row];
            offsets[row + 1] = Memory.arrayLength(entries, "entries of sparse rows", "engine cpu");
        }
        out.room();
        workers.forEach((rows + CHUNK - 1) / CHUNK, copy);
    }

    private void copy(int task, int thread) {
        for (int row = task * CHUNK; row < Math.min(task * CHUNK + CHUNK, rows); row++) {
            Slot from = slots[rowSlot[row]];
            System.arraycopy(from.columns, rowStart[row], out.indices(), out.offset(row), rowCount[row]);
            System.arraycopy(from.values, rowStart[row], out.values(), out.offset(row), rowCount[row]);
        }
    }
}
