package org.sae4j.api.experiment;

import java.util.Objects;

/**
 * A measurement beside its control. The difference decides what may be said: two intervals that overlap say nothing about it.
 *
 * @param measured the measurement
 * @param control the same without what is studied
 * @param difference measured minus control
 */
public record Comparison(Estimate measured, Estimate control, Estimate difference) {
    /** Refuses null. */
    public Comparison {
        Objects.requireNonNull(measured, "measured");
        Objects.requireNonNull(control, "control");
        Objects.requireNonNull(difference, "difference");
    }

    /**
     * Words that the difference supports.
     *
     * @param more words for a measurement above its control
     * @param less words for one below it
     * @param neither words where the interval of the difference holds 0, or there is none
     * @return one of the three
     */
    public String verdict(String more, String less, String neither) {
        Objects.requireNonNull(more, "more");
        Objects.requireNonNull(less, "less");
        Objects.requireNonNull(neither, "neither");
        return difference.verdict(0, more, less, neither);
    }
}
