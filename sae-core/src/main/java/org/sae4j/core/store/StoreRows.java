package org.sae4j.core.store;

import org.sae4j.api.CounterRandom;
import org.sae4j.core.train.ActivationSource;

/** Rows of a store: all of them, or those up to a norm. Sources work until the store is closed. */
public final class StoreRows {
    /** What is read at once, and the size of the blocks that a shuffled store is read in. */
    private static final int WINDOW_BYTES = 4 << 20;
    private static final long BLOCK_BYTES = 8L << 20;
    /** A small store has blocks that are smaller, so that there are some to permute. */
    private static final long LEAST_BLOCKS = 64;

    private final ActivationStore store;
    private final int[] leftOut;

    StoreRows(ActivationStore store, int[] leftOut) {
        this.store = store;
        this.leftOut = leftOut;
    }

    /** {@return the number of rows} */
    public long count() {
        return store.rows() - leftOut.length;
    }

    /** {@return how many rows of the store are left out} */
    public int leftOut() {
        return leftOut.length;
    }

    /**
     * The rows as they lie in the store, from the first again after the last.
     *
     * @return a source at its start
     */
    public ActivationSource sequential() {
        return source(RowOrder.sequential(count()));
    }

    /**
     * The rows in a random order, another one in every epoch: any row may come at any place. To go to a position costs the same wherever it
     * is; no table of the order is held.
     *
     * <p>A store whose rows lie in the order of their tokens is read row by row, along a permutation of all rows. One that
     * {@link ActivationStore#shuffle} wrote is read block by block at the speed of sequential reading, along a permutation of the blocks:
     * every epoch is an evenly drawn order of all rows for itself, and rows of one block stay neighbors in all epochs.
     *
     * @param seed of the orders
     * @return a source at its start
     */
    public ActivationSource shuffled(long seed) {
        CounterRandom random = new CounterRandom(seed).stream("order of a store");
        if (store.shuffleSeed().isEmpty()) {
            return source(RowOrder.permuted(count(), random));
        }
        long blockRows = Math.clamp(count() / LEAST_BLOCKS, 1, Math.max(1, BLOCK_BYTES / store.info().rowBytes()));
        return source(RowOrder.blocks(count(), blockRows, random));
    }

    private ActivationSource source(RowOrder order) {
        return new StoreSource(store, RowOrder.without(order, leftOut), Math.max(1, WINDOW_BYTES / store.info().rowBytes()));
    }
}
