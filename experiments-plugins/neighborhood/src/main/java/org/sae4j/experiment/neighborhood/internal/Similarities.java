package org.sae4j.experiment.neighborhood.internal;

/** Similarities of items with features, made row by row because all of them may not fit into memory. */
public interface Similarities {
    /** Takes one row after the other. */
    @FunctionalInterface
    interface Taker {
        /**
         * Takes a row.
         *
         * @param item the item, ascending
         * @param similarities with each feature; reused after the call
         */
        void take(int item, float[] similarities);
    }

    /** {@return the number of features} */
    int features();

    /**
     * Whether a feature has similarities at all.
     *
     * @param feature the feature
     * @return false for features without a direction
     */
    boolean defined(int feature);

    /**
     * Makes all rows, in order.
     *
     * @param taker takes them
     * @throws java.util.concurrent.CancellationException if the run was cancelled
     */
    void forEach(Taker taker);
}
