package org.sae4j.engine.cpu.internal.kernels;

/** The blocks that the reduction of a dense product is cut into. */
public final class Reduction {
    /** Length of a block of the reduction, a power of two: a right panel of this length stays in the first-level cache. */
    public static final int DEPTH = 256;

    private Reduction() {}

    /** {@return the block of an index of the reduction} */
    public static int blockOf(int index) {
        return index / DEPTH;
    }

    /** {@return the number of blocks} */
    public static int blocks(int depth) {
        return (depth + DEPTH - 1) / DEPTH;
    }

    /** {@return the length of a block} */
    public static int depth(int depth, int block) {
        return Math.min(DEPTH, depth - block * DEPTH);
    }
}
