package org.sae4j.engine.cpu.internal;

import java.util.Arrays;

/** Collects sparse rows that several threads produce, and puts them in order. */
final class SparseBuilder {
    private final int rows;
    private final int[] rowSlot;
    private final int[] rowStart;
    private final int[] rowCount;
    private final Slot[] slots;

    /** The entries of one thread. */
    static final class Slot {
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

    SparseBuilder(int rows, int threads) {
        this.rows = rows;
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

    void finish(SparseMatrix out, Workers workers) {
        int[] offsets = new int[rows + 1];
        long entries = 0;
        for (int row = 0; row < rows; row++) {
            entries += rowCount[row];
            offsets[row + 1] = Memory.arrayLength(entries, "entries of sparse rows", "engine cpu");
        }
        int[] indices = new int[(int) entries];
        float[] values = new float[(int) entries];
        int chunk = 64;
        workers.forEach((rows + chunk - 1) / chunk, (task, slot) -> {
            for (int row = task * chunk; row < Math.min(task * chunk + chunk, rows); row++) {
                Slot from = slots[rowSlot[row]];
                System.arraycopy(from.columns, rowStart[row], indices, offsets[row], rowCount[row]);
                System.arraycopy(from.values, rowStart[row], values, offsets[row], rowCount[row]);
            }
        });
        out.set(offsets, indices, values);
    }
}
