package org.sae4j.api.experiment;

import java.util.Objects;

/**
 * An interval estimate.
 *
 * @param low lower end
 * @param high upper end
 * @param level coverage, such as 0.95
 * @param method how it was made, such as {@code bootstrap over documents, 1000 resamples}
 */
public record Interval(double low, double high, double level, String method) {
    /** Refuses null. */
    public Interval {
        Objects.requireNonNull(method, "method");
    }
}
