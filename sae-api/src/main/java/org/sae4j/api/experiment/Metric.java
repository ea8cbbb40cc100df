package org.sae4j.api.experiment;

import java.util.Objects;
import java.util.Optional;

/**
 * One number of a result.
 *
 * @param name what it is, unique in its result
 * @param value the number; NaN if it is not defined
 * @param unit its unit, or empty
 * @param interval its uncertainty, if it is an estimate
 * @param n number of observations behind it, or 0 if that does not apply
 */
public record Metric(String name, double value, String unit, Optional<Interval> interval, long n) {
    /** Refuses null. */
    public Metric {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(unit, "unit");
        Objects.requireNonNull(interval, "interval");
    }

    /**
     * A number without an interval.
     *
     * @param name what it is
     * @param value the number
     * @param unit its unit, or empty
     * @return the metric
     */
    public static Metric of(String name, double value, String unit) {
        return new Metric(name, value, unit, Optional.empty(), 0);
    }

    /**
     * An estimate.
     *
     * @param name what it is
     * @param value the number
     * @param unit its unit, or empty
     * @param interval its uncertainty
     * @param n number of observations
     * @return the metric
     */
    public static Metric of(String name, double value, String unit, Interval interval, long n) {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(unit, "unit");
        Objects.requireNonNull(interval, "interval");
        return new Metric(name, value, unit, Optional.of(interval), n);
    }

    /**
     * An estimate. Without an interval it is a plain number with its n.
     *
     * @param name what it is
     * @param estimate the number with its uncertainty
     * @param unit its unit, or empty
     * @return the metric
     */
    public static Metric of(String name, Estimate estimate, String unit) {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(estimate, "estimate");
        Objects.requireNonNull(unit, "unit");
        return new Metric(name, estimate.value(), unit, estimate.hasInterval() ? Optional.of(estimate.interval()) : Optional.empty(),
                estimate.n());
    }
}
