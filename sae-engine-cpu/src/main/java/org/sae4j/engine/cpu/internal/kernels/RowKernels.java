package org.sae4j.engine.cpu.internal.kernels;


/**
 * Inner products of activations with the rows of a stored weight. A product is 32 chains of fused multiply-adds, chain c over the elements
 * c, c + 32, c + 64 and so on, each from zero; the chains are then added up in halves: c and c + 16, c and c + 8, c and c + 4, c and c + 2,
 * c and c + 1. So a result's bits depend on the two rows' values alone: not on the type that the weight is stored in, tiles, threads, other
 * rows or the width of vectors.
 */
public interface RowKernels {
    /** Chains of a product. Rows are padded with zeros to a multiple of it, which changes no bit. */
    int CHAINS = 32;
    /** Rows of a weight whose products are made at a time at most. */
    int MOST_ROWS = 64;
    /** Rows of activations in a tile. */
    int TILE_ROWS = 6;
    /** Rows of a weight in a tile. */
    int TILE_COLUMNS = 4;

    /** {@return the length of padded rows} */
    static int padded(int depth) {
        return Math.ceilDiv(depth, CHAINS) * CHAINS;
    }

    /** {@return elements of the room that {@link #chains} needs: for chains, then for a row} */
    static int room(int depth) {
        return MOST_ROWS * CHAINS + padded(depth);
    }

    /** {@return the chains that a panel holds, see {@code ChainPanels}} */
    int width();

    /**
     * The chains of the products of one row of activations with some rows of a weight.
     *
     * @param w the weight
     * @param from first row
     * @param to after the last row, at most {@link #MOST_ROWS} on
     * @param x activations, padded
     * @param xAt the first of them
     * @param room receives the chains, one product's behind the other's
     */
    void chains(StoredRows w, int from, int to, float[] x, int xAt, float[] room);

    /** Writes a row of a weight as floats, padded. */
    void unpack(StoredRows w, int row, float[] out, int at);

    /**
     * Goes on with some chains of a tile of products.
     *
     * @param steps of the panels
     * @param a a panel of {@link #TILE_ROWS} rows
     * @param b a panel of {@link #TILE_COLUMNS} rows
     * @param sums the chains, those of one product behind those of the other, row by row
     * @param at the first of them that is in the panels
     */
    void tile(int steps, float[] a, float[] b, float[] sums, int at);

    /**
     * Copies the elements of some chains, {@link #width} at a time, from a row into a panel.
     *
     * @param from the row
     * @param at the first element
     * @param to the panel
     * @param toAt where the first goes
     * @param stride distance of steps in the panel
     * @param steps number of steps
     */
    void scatter(float[] from, int at, float[] to, int toAt, int stride, int steps);

    /**
     * Adds up the chains of products that lie one behind the other from the first element on, and overwrites them.
     *
     * @param sums the chains
     * @param products number of products
     * @param out receives the products; another array, or another part of the same
     * @param at where the first goes
     */
    void fold(float[] sums, int products, float[] out, int at);
}
