package org.sae4j.api;

import java.util.concurrent.CancellationException;

/**
 * How long work reports where it is and learns that it should stop. Implementations must be safe for use by several threads.
 */
@FunctionalInterface
public interface Progress {
    /** Ignores every report and never cancels. */
    Progress NONE = (stage, done, total) -> {};

    /**
     * Reports a position. Called often; implementations decide what to show.
     *
     * @param stage what is being done, a short phrase
     * @param done units finished, from 0
     * @param total units in all, or 0 if not known
     */
    void update(String stage, long done, long total);

    /** {@return whether the work should stop at the next safe point} */
    default boolean isCancelled() {
        return false;
    }

    /**
     * Stops the calling work if it was cancelled.
     *
     * @throws CancellationException if {@link #isCancelled()}
     */
    default void checkCancelled() {
        if (isCancelled()) {
            throw new CancellationException("cancelled");
        }
    }
}
