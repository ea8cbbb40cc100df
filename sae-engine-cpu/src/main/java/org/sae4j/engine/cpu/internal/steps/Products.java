package org.sae4j.engine.cpu.internal.steps;

import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.kernels.Reduction;
import org.sae4j.engine.cpu.internal.memory.Groups;
import org.sae4j.engine.cpu.internal.memory.LeftPanels;
import org.sae4j.engine.cpu.internal.memory.RightPanels;
import org.sae4j.engine.cpu.internal.threads.Step;
import org.sae4j.engine.cpu.internal.threads.Workers;

/**
 * Dense products. The reduction is cut into blocks that stay in the cache. Every element is the sum of its blocks in order, each one chain
 * of fused multiply-adds in order: its bits depend on its row of the left and its column of the right operand alone, not on tiles, threads
 * or other rows. Products of attention are chains over the whole reduction ({@link #chain}).
 */
public final class Products {
    /** Panels of the right operand in a tile. */
    private static final int TILE_PANELS = 8;
    /** Rows of the left operand in a tile. */
    private static final int TILE_ROWS = 192;
    /** Rows of a product that is never written as a whole which a thread holds at a time. */
    private static final int HELD_ROWS = 192;

    private final Kernels kernels;
    private final Workers workers;
    /** For each thread a tile of results whose last columns do not exist. */
    private final float[][] edges;

    public Products(Kernels kernels, Workers workers) {
        this.kernels = kernels;
        this.workers = workers;
        edges = new float[workers.threads()][kernels.groupRows() * kernels.panelWidth()];
    }

    Groups groups(int rows) {
        return new Groups(rows, kernels.groupRows());
    }

    /** {@return a step for {@code c = f(a b + bias)}, or {@code c += a b} then f and bias; c is row-major with as many columns as b} */
    Step product(LeftPanels a, RightPanels b, float[] c, boolean accumulate, float @Nullable [] bias, Op.Function f) {
        Groups groups = a.groups();
        int perTile = Math.max(1, TILE_ROWS / kernels.groupRows());
        int down = (groups.count() + perTile - 1) / perTile;
        int across = (b.perBlock() + TILE_PANELS - 1) / TILE_PANELS;
        int n = b.columns();
        Workers.Task tile = (task, slot) -> {
            // Neighbouring tasks share the rows of a, which are then in the cache.
            int from = task / across * perTile;
            int to = Math.min(from + perTile, groups.count());
            int first = task % across * TILE_PANELS;
            int last = Math.min(first + TILE_PANELS, b.perBlock());
            int base = groups.start(from);
            multiply(a, from, to, b, first, last, c, base * n, n, n, accumulate, slot);
            int column = first * b.width();
            int width = Math.min(last * b.width(), n) - column;
            if (bias != null || f != Op.Function.IDENTITY) {
                for (int row = base; row < groups.start(to); row++) {
                    kernels.finish(f, c, row * n + column, bias, column, width);
                }
            }
        };
        return () -> workers.forEach(down * across, tile);
    }

    /** Takes a row of a product. */
    @FunctionalInterface
    interface RowUse {
        /**
         * Takes a row.
         *
         * @param row its number
         * @param c holds it, with room for whole panels; may be changed
         * @param at its first element
         * @param slot of the calling thread
         */
        void use(int row, float[] c, int at, int slot);
    }

    /** {@return a step that makes a product some rows at a time, and never writes it as a whole} */
    Step blocks(LeftPanels a, RightPanels b, RowUse use) {
        Groups groups = a.groups();
        int stride = b.perBlock() * b.width();
        // As many tasks for each thread: none waits while another works on its last.
        int most = HELD_ROWS / kernels.groupRows();
        int tasks = Math.min(Math.ceilDiv(Math.ceilDiv(groups.count(), most), workers.threads()) * workers.threads(), groups.count());
        float[][] held = new float[workers.threads()][];
        Workers.Task block = (task, slot) -> {
            if (held[slot] == null) {
                held[slot] = new float[Math.min(HELD_ROWS, groups.rows()) * stride];
            }
            float[] c = held[slot];
            int from = (int) ((long) task * groups.count() / tasks);
            int to = (int) ((task + 1L) * groups.count() / tasks);
            for (int first = 0; first < b.perBlock(); first += TILE_PANELS) {
                multiply(a, from, to, b, first, Math.min(first + TILE_PANELS, b.perBlock()), c, 0, stride, stride, false, slot);
            }
            int base = groups.start(from);
            for (int row = base; row < groups.start(to); row++) {
                use.use(row, c, (row - base) * stride, slot);
            }
        };
        return () -> workers.forEach(tasks, block);
    }

    /**
     * One tile, on the calling thread, whose elements are chains over the whole reduction, however it is cut, or go on with the chains in
     * c: a reduction can then be cut anywhere without a change of bits. Parameters are those of {@link #multiply}.
     */
    void chain(LeftPanels a, int from, int to, RightPanels b, int first, int last, float[] c, int at, int stride, int columns,
            boolean accumulate) {
        multiply(a, from, to, b, first, last, c, at, stride, columns, accumulate, Kernels.CONTINUE,
                new float[kernels.groupRows() * kernels.panelWidth()]);
    }

    /**
     * One tile, on the calling thread.
     *
     * @param a left operand
     * @param from first group
     * @param to after the last group
     * @param b right operand
     * @param first first panel
     * @param last after the last panel
     * @param c result
     * @param at element of c of the first group's first row and column 0
     * @param stride distance of rows in c
     * @param columns columns that a row of c has room for: at least those of b; whole panels if more
     * @param accumulate whether to add to c
     * @param slot of the calling thread
     */
    void multiply(LeftPanels a, int from, int to, RightPanels b, int first, int last, float[] c, int at, int stride, int columns,
            boolean accumulate, int slot) {
        multiply(a, from, to, b, first, last, c, at, stride, columns, accumulate, Kernels.ADD, edges[slot]);
    }

    private void multiply(LeftPanels a, int from, int to, RightPanels b, int first, int last, float[] c, int at, int stride, int columns,
            boolean accumulate, int onto, float[] edge) {
        Groups groups = a.groups();
        int width = b.width();
        int blocks = Reduction.blocks(a.depth());
        int base = groups.start(from);
        for (int block = 0; block < blocks; block++) {
            int depth = Reduction.depth(a.depth(), block);
            int mode = accumulate || block > 0 ? onto : Kernels.SET;
            int panel = first;
            while (panel < last) {
                int column = panel * width;
                boolean four = panel + 4 <= last && column + 4 * width <= columns && groups.size(to - 1) == 1;
                int step = four ? 4 : 1;
                for (int g = from; g < to; g++) {
                    int size = groups.size(g);
                    float[] left = a.panel(block, g);
                    int target = at + (groups.start(g) - base) * stride + column;
                    if (four && size == 1) {
                        kernels.row(depth, left, b.panel(block, panel), b.panel(block, panel + 1), b.panel(block, panel + 2),
                                b.panel(block, panel + 3), c, target, mode);
                    } else {
                        for (int p = panel; p < panel + step; p++) {
                            tile(size, depth, left, b.panel(block, p), c, target + (p - panel) * width, stride,
                                    Math.min(width, columns - p * width), mode, edge);
                        }
                    }
                }
                panel += step;
            }
        }
        if (blocks == 0 && !accumulate) {
            for (int row = 0; row < groups.start(to) - base; row++) {
                int start = at + row * stride;
                java.util.Arrays.fill(c, start + first * width, start + Math.min(last * width, columns), 0);
            }
        }
    }

    private void tile(int rows, int depth, float[] a, float[] b, float[] c, int at, int stride, int columns, int mode, float[] edge) {
        int width = kernels.panelWidth();
        if (columns == width) {
            kernels.tile(rows, depth, a, b, c, at, stride, mode);
            return;
        }
        for (int r = 0; r < rows && mode != Kernels.SET; r++) {
            System.arraycopy(c, at + r * stride, edge, r * width, columns);
        }
        kernels.tile(rows, depth, a, b, edge, 0, width, mode);
        for (int r = 0; r < rows; r++) {
            System.arraycopy(edge, r * width, c, at + r * stride, columns);
        }
    }
}
