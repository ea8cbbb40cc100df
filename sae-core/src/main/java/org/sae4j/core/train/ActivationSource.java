package org.sae4j.core.train;

import org.sae4j.api.Tensor;

/**
 * An endless sequence of activations to train on. The row at a position is always the same, so a source can be returned to a position
 * after an interruption. For one thread at a time. To write one, extend {@link PositionedSource}.
 */
public interface ActivationSource {
    /** {@return the width of a row, d_in} */
    int width();

    /** {@return the number of rows before the next one} */
    long position();

    /**
     * Goes to a position, as if that many rows had been taken from the start.
     *
     * @param position number of rows before the next one, at least 0
     * @throws IllegalArgumentException if it is negative
     */
    void seek(long position);

    /**
     * Takes the next rows.
     *
     * @param target filled with whole rows, row-major
     * @throws IllegalArgumentException if its length is no multiple of the width
     */
    void next(float[] target);

    /**
     * The rows of a tensor in their order, from the first again after the last.
     *
     * @param rows activations [..., d_in], at least one row; all axes but the last are flattened
     * @return the source
     * @throws IllegalArgumentException if there is no row
     */
    static ActivationSource sequential(Tensor rows) {
        return new TensorSource(rows, null);
    }

    /**
     * The rows of a tensor in a new random order in every epoch.
     *
     * @param rows activations [..., d_in], at least one row
     * @param seed of the orders
     * @return the source
     * @throws IllegalArgumentException if there is no row
     */
    static ActivationSource shuffled(Tensor rows, long seed) {
        return new TensorSource(rows, seed);
    }
}
