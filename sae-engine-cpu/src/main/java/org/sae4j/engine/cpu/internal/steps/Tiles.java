package org.sae4j.engine.cpu.internal.steps;

import org.sae4j.engine.cpu.internal.kernels.Reduction;
import org.sae4j.engine.cpu.internal.memory.SparseMatrix;
import org.sae4j.engine.cpu.internal.threads.Workers;

/**
 * Goes through the entries of sparse rows, each of which needs the row of a table that its column names. Where tables are larger than a
 * cache and most of their rows are needed several times, all rows of entries are gone through for some columns before the next columns, so
 * that a part of the table is read from memory once. Parts end where blocks of the reduction end: results keep their bits.
 */
final class Tiles {
    /** Entries of a row that are worth coming back to it. */
    private static final int ENTRIES = 8;
    /** Elements of a part of the table: half of a usual second-level cache. */
    private static final int ELEMENTS = 1 << 17;

    private final Context context;
    private final SparseMatrix s;
    private final int width;
    private final Entries use;
    private final Context.Split split;
    private final Workers.Task task = this::part;
    /** For each row the first entry that was not used yet. */
    private final int[] next;
    private int tasks;
    private int columns;

    /** Uses some consecutive entries of a row. */
    @FunctionalInterface
    interface Entries {
        /**
         * Uses entries; of a row in ascending order, and of a row without entries none, once.
         *
         * @param row the row
         * @param from first entry
         * @param to after the last entry
         */
        void use(int row, int from, int to);
    }

    /**
     * Prepares.
     *
     * @param context threads
     * @param s the entries
     * @param width elements of a row of the table
     * @param use takes the entries
     */
    Tiles(Context context, SparseMatrix s, int width, Entries use) {
        this.context = context;
        this.s = s;
        this.width = width;
        this.use = use;
        next = new int[s.rows()];
        split = context.split((from, to, slot) -> {
            for (int row = from; row < to; row++) {
                use.use(row, s.offset(row), s.offset(row + 1));
            }
        });
    }

    /** Uses all entries; {@code work} is the multiply-adds of a row. */
    void run(int work) {
        double wanted = Math.max(ENTRIES / s.density(), (double) ELEMENTS / width);
        if (wanted >= s.columns() || s.entries() <= s.columns()) {
            split.run(s.rows(), work);
            return;
        }
        columns = Math.ceilDiv((int) wanted, Reduction.DEPTH) * Reduction.DEPTH;
        tasks = Math.min(context.workers().threads(), s.rows());
        context.workers().forEach(tasks, task);
    }

    private void part(int index, int slot) {
        int first = (int) ((long) index * s.rows() / tasks);
        int last = (int) ((index + 1L) * s.rows() / tasks);
        int[] indices = s.indices();
        for (int row = first; row < last; row++) {
            next[row] = s.offset(row);
        }
        for (int column = 0; column < s.columns(); column += columns) {
            for (int row = first; row < last; row++) {
                int from = next[row];
                int end = s.offset(row + 1);
                int to = from;
                while (to < end && indices[to] < column + columns) {
                    to++;
                }
                if (to > from || column == 0 && s.offset(row) == end) {
                    use.use(row, from, to);
                    next[row] = to;
                }
            }
        }
    }
}
