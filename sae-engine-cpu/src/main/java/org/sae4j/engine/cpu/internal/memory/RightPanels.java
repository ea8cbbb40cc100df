package org.sae4j.engine.cpu.internal.memory;

import java.util.Arrays;
import org.sae4j.api.Tensor;
import org.sae4j.engine.cpu.internal.kernels.Reduction;
import org.sae4j.engine.cpu.internal.threads.Step;
import org.sae4j.engine.cpu.internal.threads.Workers;

/**
 * The right operand of a product, packed: for each block of the reduction and each {@code width} columns an array
 * {@code [k * width + j]}, zero beyond the last column.
 */
public final class RightPanels {
    private final int depth;
    private final int columns;
    private final int width;
    private final float[][] panels;

    public RightPanels(int depth, int columns, int width, float[][] panels) {
        this.depth = depth;
        this.columns = columns;
        this.width = width;
        this.panels = panels;
    }

    static int count(int depth, int columns, int width) {
        return Reduction.blocks(depth) * perBlock(columns, width);
    }

    private static int perBlock(int columns, int width) {
        return (columns + width - 1) / width;
    }

    public int depth() {
        return depth;
    }

    public int columns() {
        return columns;
    }

    public int width() {
        return width;
    }

    /** {@return the number of panels of a block} */
    public int perBlock() {
        return perBlock(columns, width);
    }

    public float[] panel(int block, int index) {
        return panels[block * perBlock() + index];
    }

    /** {@return a step that packs a row-major matrix: [depth, columns], or [columns, depth] if transposed} */
    public Step packing(Workers workers, float[] x, boolean transposed) {
        int chunk = 4;
        int chunks = (perBlock() + chunk - 1) / chunk;
        Workers.Task task = (index, slot) -> {
            int from = index % chunks * chunk;
            for (int panel = from; panel < Math.min(from + chunk, perBlock()); panel++) {
                pack(x, 0, transposed ? depth : columns, transposed, index / chunks, panel);
            }
        };
        return () -> workers.forEach(chunks * Reduction.blocks(depth), task);
    }

    /** Packs a part of a row-major matrix on the calling thread: rows are {@code stride} elements apart. */
    public void pack(float[] x, int at, int stride, boolean transposed) {
        for (int block = 0; block < Reduction.blocks(depth); block++) {
            for (int index = 0; index < perBlock(); index++) {
                pack(x, at, stride, transposed, block, index);
            }
        }
    }

    private void pack(float[] x, int at, int stride, boolean transposed, int block, int index) {
        int start = block * Reduction.DEPTH;
        int length = Reduction.depth(depth, block);
        int column = index * width;
        int used = Math.min(width, columns - column);
        if (transposed) {
            packTransposed(x, at + column * stride + start, stride, used, length, width, panel(block, index));
        } else {
            packRows(x, at + start * stride + column, stride, used, length, width, panel(block, index), 0);
        }
    }

    /** As the other, reading the tensor piece by piece: it may be a mapped file that should not be copied whole. */
    void pack(Workers workers, Tensor x, boolean transposed) {
        int blocks = Reduction.blocks(depth);
        workers.forEach(transposed ? perBlock() : blocks, (task, slot) -> {
            if (transposed) {
                int column = task * width;
                int used = Math.min(width, columns - column);
                float[] piece = new float[used * depth];
                x.copyTo((long) column * depth, piece, 0, piece.length);
                for (int block = 0; block < blocks; block++) {
                    packTransposed(piece, block * Reduction.DEPTH, depth, used, Reduction.depth(depth, block), width, panel(block, task));
                }
            } else {
                int length = Reduction.depth(depth, task);
                float[] line = new float[columns];
                for (int k = 0; k < length; k++) {
                    x.copyTo((long) (task * Reduction.DEPTH + k) * columns, line, 0, columns);
                    for (int index = 0; index < perBlock(); index++) {
                        packRows(line, index * width, columns, Math.min(width, columns - index * width), 1, width, panel(task, index),
                                k * width);
                    }
                }
            }
        });
    }

    private static void packRows(float[] x, int at, int stride, int used, int depth, int width, float[] panel, int to) {
        for (int k = 0; k < depth; k++) {
            int target = to + k * width;
            System.arraycopy(x, at + k * stride, panel, target, used);
            Arrays.fill(panel, target + used, target + width, 0);
        }
    }

    private static void packTransposed(float[] x, int at, int stride, int used, int depth, int width, float[] panel) {
        int j = 0;
        for (; j <= used - 4; j += 4) {
            int j0 = at + j * stride;
            int j1 = j0 + stride;
            int j2 = j1 + stride;
            int j3 = j2 + stride;
            for (int k = 0; k < depth; k++) {
                int to = k * width + j;
                panel[to] = x[j0 + k];
                panel[to + 1] = x[j1 + k];
                panel[to + 2] = x[j2 + k];
                panel[to + 3] = x[j3 + k];
            }
        }
        for (; j < width; j++) {
            for (int k = 0; k < depth; k++) {
                panel[k * width + j] = j < used ? x[at + j * stride + k] : 0;
            }
        }
    }
}
