package org.sae4j.api.experiment;

import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;

/**
 * A number that was estimated from observations, with what it takes to say something about it. Words about a number follow from its
 * interval: {@link #verdict} gives a direction only where the whole interval lies on one side, and {@link #ratio} gives none over a number
 * that may be 0. {@link org.sae4j.api.stats.Statistics} makes estimates.
 *
 * @param value the number; NaN if it is not defined
 * @param interval its uncertainty; its ends are NaN where nothing can be said about it
 * @param n number of observations behind it
 */
public record Estimate(double value, Interval interval, long n) {
    private static final int SIGNIFICANT = 3;
    private static final int MOST_DECIMALS = 6;

    /** Refuses null. */
    public Estimate {
        Objects.requireNonNull(interval, "interval");
    }

    /** {@return whether the uncertainty is known: both ends of the interval are numbers} */
    public boolean hasInterval() {
        return !Double.isNaN(interval.low()) && !Double.isNaN(interval.high());
    }

    /**
     * Whether the number is certainly larger.
     *
     * @param reference what to compare with
     * @return whether the whole interval lies above; false without an interval
     */
    public boolean above(double reference) {
        return hasInterval() && interval.low() > reference;
    }

    /**
     * Whether the number is certainly smaller.
     *
     * @param reference what to compare with
     * @return whether the whole interval lies below; false without an interval
     */
    public boolean below(double reference) {
        return hasInterval() && interval.high() < reference;
    }

    /**
     * Words that the interval supports.
     *
     * @param reference what to compare with
     * @param above words for a number that is {@linkplain #above above} it
     * @param below words for a number that is {@linkplain #below below} it
     * @param neither words for all others
     * @return one of the three
     */
    public String verdict(double reference, String above, String below, String neither) {
        Objects.requireNonNull(above, "above");
        Objects.requireNonNull(below, "below");
        Objects.requireNonNull(neither, "neither");
        return above(reference) ? above : below(reference) ? below : neither;
    }

    /**
     * A change in words. The direction is named only where the interval excludes 0.
     *
     * @param rises verb of a change above 0, such as {@code rises}
     * @param falls verb of a change below 0, such as {@code falls}
     * @param unit the unit, such as {@code nats}, or empty
     * @return such as {@code falls by 0.41 [0.37, 0.45] nats}, {@code does not change measurably (0.01 [-0.02, 0.03] nats)}, or
     *     {@code changes by 0.0123 nats (no interval, n = 1)}
     */
    public String change(String rises, String falls, String unit) {
        Objects.requireNonNull(rises, "rises");
        Objects.requireNonNull(falls, "falls");
        Objects.requireNonNull(unit, "unit");
        String of = unit.isEmpty() ? "" : " " + unit;
        if (!hasInterval()) {
            return "changes by " + number(value) + of + " (no interval, n = " + n + ")";
        }
        return above(0) ? rises + " by " + text() + of : below(0) ? falls + " by " + negated().text() + of
                : "does not change measurably (" + text() + of + ")";
    }

    private Estimate negated() {
        return new Estimate(-value, new Interval(-interval.high(), -interval.low(), interval.level(), interval.method()), n);
    }

    /**
     * This number over another, where that can be told.
     *
     * @param denominator the other number
     * @return the ratio; empty unless both intervals exclude 0
     */
    public OptionalDouble ratio(Estimate denominator) {
        Objects.requireNonNull(denominator, "denominator");
        boolean told = (above(0) || below(0)) && (denominator.above(0) || denominator.below(0));
        return told ? OptionalDouble.of(value / denominator.value) : OptionalDouble.empty();
    }

    /**
     * The same in another unit.
     *
     * @param factor above 0
     * @return value and interval times the factor
     * @throws IllegalArgumentException if the factor is not above 0
     */
    public Estimate times(double factor) {
        if (!(factor > 0)) {
            throw new IllegalArgumentException("a factor must be above 0, found " + factor);
        }
        return new Estimate(value * factor, new Interval(interval.low() * factor, interval.high() * factor, interval.level(),
                interval.method()), n);
    }

    /**
     * The number with its interval, such as {@code 0.412 [0.377, 0.451]}. All have as many decimals as the interval's width needs, so
     * that numbers that differ within it look alike.
     *
     * @return the text; without an interval the number, followed by {@code (no interval, n = 1)}
     */
    public String text() {
        if (!hasInterval()) {
            return number(value) + " (no interval, n = " + n + ")";
        }
        double width = interval.high() - interval.low();
        int decimals = width > 0 ? Math.clamp((long) (1 - Math.floor(Math.log10(width))), 0, MOST_DECIMALS) : SIGNIFICANT;
        if (Math.max(Math.abs(interval.low()), Math.abs(interval.high())) < Math.pow(10, -MOST_DECIMALS)) {
            return number(value) + " [" + number(interval.low()) + ", " + number(interval.high()) + "]";
        }
        return fixed(value, decimals) + " [" + fixed(interval.low(), decimals) + ", " + fixed(interval.high(), decimals) + "]";
    }

    private static String fixed(double value, int decimals) {
        String text = String.format(Locale.ROOT, "%." + decimals + "f", value);
        return text.matches("-0\\.?0*") ? text.substring(1) : text;
    }

    /**
     * A number for a sentence, with three significant digits.
     *
     * @param value the number
     * @return such as {@code 0.0412}, {@code 128}, {@code 3.10e-07}; {@code undefined} for NaN
     */
    public static String number(double value) {
        double size = Math.abs(value);
        if (Double.isNaN(value)) {
            return "undefined";
        }
        if (size == 0 || Double.isInfinite(value)) {
            return size == 0 ? "0" : value > 0 ? "infinite" : "minus infinite";
        }
        return size >= 1e5 || size < 1e-4 ? String.format(Locale.ROOT, "%." + (SIGNIFICANT - 1) + "e", value)
                : fixed(value, Math.max(0, SIGNIFICANT - 1 - (int) Math.floor(Math.log10(size))));
    }

    @Override
    public String toString() {
        return text();
    }
}
