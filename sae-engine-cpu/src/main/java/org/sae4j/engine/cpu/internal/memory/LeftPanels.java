package org.sae4j.engine.cpu.internal.memory;

import java.util.Arrays;
import org.sae4j.engine.cpu.internal.kernels.Reduction;
import org.sae4j.engine.cpu.internal.threads.Step;
import org.sae4j.engine.cpu.internal.threads.Workers;

/** The left operand of a product, packed: for each block of the reduction and each group of rows an array {@code [k * groupSize + r]}. */
public final class LeftPanels {
    private final Groups groups;
    private final int depth;
    private final float[][] panels;

    /** Where the operand comes from. */
    public interface Source {
        /**
         * Packs some groups of one block of the reduction.
         *
         * @param groups the groups of all rows
         * @param from first group
         * @param to after the last group
         * @param start first position of the block
         * @param depth length of the block
         * @param panels receives group {@code g} at {@code offset + g - from}
         * @param offset see panels
         */
        void pack(Groups groups, int from, int to, int start, int depth, float[][] panels, int offset);
    }

    public LeftPanels(Groups groups, int depth, float[][] panels) {
        this.groups = groups;
        this.depth = depth;
        this.panels = panels;
    }

    static int count(Groups groups, int depth) {
        return groups.count() * Reduction.blocks(depth);
    }

    public Groups groups() {
        return groups;
    }

    public int depth() {
        return depth;
    }

    public float[] panel(int block, int group) {
        return panels[block * groups.count() + group];
    }

    /** {@return a step that packs everything} */
    public Step packing(Workers workers, Source source) {
        int chunk = 16;
        int chunks = (groups.count() + chunk - 1) / chunk;
        Workers.Task task = (index, slot) -> {
            int block = index / chunks;
            int from = index % chunks * chunk;
            source.pack(groups, from, Math.min(from + chunk, groups.count()), block * Reduction.DEPTH, Reduction.depth(depth, block), panels,
                    block * groups.count() + from);
        };
        return () -> workers.forEach(chunks * Reduction.blocks(depth), task);
    }

    /** Packs everything on the calling thread. */
    public void pack(Source source) {
        for (int block = 0; block < Reduction.blocks(depth); block++) {
            source.pack(groups, 0, groups.count(), block * Reduction.DEPTH, Reduction.depth(depth, block), panels, block * groups.count());
        }
    }

    /** A dense row-major matrix that starts at {@code at} and whose rows are {@code stride} elements apart. */
    public static Source dense(float[] x, int at, int stride) {
        return (groups, from, to, start, depth, panels, offset) -> {
            for (int g = from; g < to; g++) {
                packRows(x, at + groups.start(g) * stride + start, stride, groups.size(g), depth, panels[offset + g - from]);
            }
        };
    }

    private static void packRows(float[] x, int at, int stride, int rows, int depth, float[] panel) {
        if (rows == 1) {
            System.arraycopy(x, at, panel, 0, depth);
            return;
        }
        for (int r = 0; r < rows; r += 4) {
            int r0 = at + r * stride;
            int r1 = r0 + stride;
            int r2 = r1 + stride;
            int r3 = r2 + stride;
            for (int k = 0; k < depth; k++) {
                int to = k * rows + r;
                panel[to] = x[r0 + k];
                panel[to + 1] = x[r1 + k];
                panel[to + 2] = x[r2 + k];
                panel[to + 3] = x[r3 + k];
            }
        }
    }

    /** The transpose of a dense row-major matrix that starts at {@code origin} and whose rows are {@code stride} elements apart. */
    public static Source transposed(float[] x, int origin, int stride) {
        return (groups, from, to, start, depth, panels, offset) -> {
            for (int g = from; g < to; g++) {
                int rows = groups.size(g);
                int first = groups.start(g);
                float[] panel = panels[offset + g - from];
                for (int k = 0; k < depth; k++) {
                    int at = origin + (start + k) * stride + first;
                    int target = k * rows;
                    for (int r = 0; r < rows; r++) {
                        panel[target + r] = x[at + r];
                    }
                }
            }
        };
    }

    /** Sparse rows; reads their content when packing. */
    public static Source sparse(SparseMatrix s) {
        return (groups, from, to, start, depth, panels, offset) -> {
            int[] indices = s.indices();
            float[] values = s.values();
            for (int g = from; g < to; g++) {
                int rows = groups.size(g);
                float[] panel = panels[offset + g - from];
                Arrays.fill(panel, 0, depth * rows, 0);
                for (int r = 0; r < rows; r++) {
                    int row = groups.start(g) + r;
                    int end = s.offset(row + 1);
                    for (int e = s.lowerBound(row, start); e < end && indices[e] < start + depth; e++) {
                        panel[(indices[e] - start) * rows + r] = values[e];
                    }
                }
            }
        };
    }

    /** The transpose of sparse rows; reads their content when packing. */
    public static Source sparseTransposed(SparseMatrix s) {
        return (groups, from, to, start, depth, panels, offset) -> {
            int[] indices = s.indices();
            float[] values = s.values();
            for (int g = from; g < to; g++) {
                Arrays.fill(panels[offset + g - from], 0, depth * groups.size(g), 0);
            }
            int end = groups.start(to);
            for (int k = 0; k < depth; k++) {
                int last = s.offset(start + k + 1);
                int g = from;
                int first = groups.start(g);
                int rows = groups.size(g);
                for (int e = s.lowerBound(start + k, first); e < last && indices[e] < end; e++) {
                    while (indices[e] >= first + rows) {
                        first += rows;
                        g++;
                        rows = groups.size(g);
                    }
                    panels[offset + g - from][k * rows + indices[e] - first] = values[e];
                }
            }
        };
    }
}
