package org.sae4j.core.train;

import java.util.Arrays;

/**
 * {@code L = E + A C^-a}: a loss that falls with compute to a floor, as Hoffmann et al. 2022 fit it. E, A and a make the squared errors of
 * log L least. The interval of E is its profile: those values whose best A and a fit no worse than the 95 % quantile of Student's t allows
 * for the points that there are.
 *
 * @param floor E, what no compute takes away, at least 0
 * @param floorLow lower end of E's 95 % interval
 * @param floorHigh upper end of E's 95 % interval
 * @param coefficient A, positive
 * @param exponent a; positive where the loss falls
 * @param exponentLow the lower of the exponents that go with the ends of E's interval
 * @param exponentHigh the higher of them
 * @param r2 the share of the variance of log L that the law explains; 1 if log L does not vary
 */
public record LossLaw(double floor, double floorLow, double floorHigh, double coefficient, double exponent, double exponentLow,
        double exponentHigh, double r2) {
    /** Points from which on E is fitted: one more than E, A and a. */
    public static final int LEAST_POINTS = 4;
    private static final int GRID = 2000;
    private static final int REFINEMENTS = 60;
    /** Two-sided 95 % quantiles of Student's t for 1 to 10 degrees of freedom. */
    private static final double[] T = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228};

    /** The best A and a for a floor, and what they leave. */
    private record Line(double floor, double coefficient, double exponent, double error) {}

    /**
     * The loss at a compute.
     *
     * @param compute positive
     * @return the loss
     */
    public double at(double compute) {
        return floor + coefficient * Math.pow(compute, -exponent);
    }

    /**
     * Fits the law.
     *
     * @param compute positive, at least two different ones
     * @param loss positive, as many
     * @return the fit; with fewer than {@link #LEAST_POINTS} points E is 0 and its interval reaches to the smallest loss
     * @throws IllegalArgumentException if lengths differ, a number is not positive, or compute has fewer than two different numbers
     */
    public static LossLaw fit(double[] compute, double[] loss) {
        ScalingLaw.PowerLaw.fit(compute, loss);
        double least = Arrays.stream(loss).min().orElseThrow();
        double mean = Arrays.stream(loss).map(Math::log).average().orElseThrow();
        double total = Arrays.stream(loss).map(y -> (Math.log(y) - mean) * (Math.log(y) - mean)).sum();
        Line best = line(compute, loss, 0);
        if (compute.length < LEAST_POINTS) {
            return law(best, best, line(compute, loss, least * (1 - 1e-6)), total);
        }
        int at = 0;
        for (int i = 1; i < GRID; i++) {
            Line next = line(compute, loss, least * i / GRID);
            if (next.error < best.error) {
                best = next;
                at = i;
            }
        }
        best = refine(compute, loss, least * Math.max(0, at - 1) / GRID, least * Math.min(GRID - 1e-3, at + 1) / GRID, best);
        int freedom = compute.length - 3;
        double t = freedom <= T.length ? T[freedom - 1] : 1.96 + 2.4 / freedom;
        // What rounding leaves of an exact law is no evidence.
        double allowed = Math.max(best.error, 1e-24) * (1 + t * t / freedom);
        return law(best, end(compute, loss, best.floor, 0, allowed), end(compute, loss, best.floor, least * (1 - 1e-6), allowed), total);
    }

    private static LossLaw law(Line best, Line low, Line high, double total) {
        return new LossLaw(best.floor, low.floor, high.floor, best.coefficient, best.exponent,
                Math.min(best.exponent, Math.min(low.exponent, high.exponent)),
                Math.max(best.exponent, Math.max(low.exponent, high.exponent)),
                total == 0 ? 1 : 1 - best.error / total);
    }

    /** Golden sections between two floors around the best. */
    private static Line refine(double[] compute, double[] loss, double from, double to, Line start) {
        double ratio = (Math.sqrt(5) - 1) / 2;
        double low = from;
        double high = to;
        Line best = start;
        for (int i = 0; i < REFINEMENTS; i++) {
            Line a = line(compute, loss, high - ratio * (high - low));
            Line b = line(compute, loss, low + ratio * (high - low));
            if (a.error <= b.error) {
                high = b.floor;
            } else {
                low = a.floor;
            }
            best = a.error < best.error ? a : best;
            best = b.error < best.error ? b : best;
        }
        return best;
    }

    /** The floor between the best one and a limit at which the error is what is allowed; the limit if it never is. */
    private static Line end(double[] compute, double[] loss, double best, double limit, double allowed) {
        Line far = line(compute, loss, limit);
        if (far.error <= allowed) {
            return far;
        }
        double inside = best;
        double outside = limit;
        for (int i = 0; i < REFINEMENTS; i++) {
            double middle = (inside + outside) / 2;
            if (line(compute, loss, middle).error <= allowed) {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        return line(compute, loss, inside);
    }

    /** Least squares of log(L - E) by log C, each point weighted by what its log(L - E) says of log L. */
    private static Line line(double[] compute, double[] loss, double floor) {
        double weights = 0;
        double meanX = 0;
        double meanY = 0;
        double[] weight = new double[loss.length];
        for (int i = 0; i < loss.length; i++) {
            weight[i] = Math.pow((loss[i] - floor) / loss[i], 2);
            weights += weight[i];
            meanX += weight[i] * Math.log(compute[i]);
            meanY += weight[i] * Math.log(loss[i] - floor);
        }
        meanX /= weights;
        meanY /= weights;
        double xx = 0;
        double xy = 0;
        for (int i = 0; i < loss.length; i++) {
            double dx = Math.log(compute[i]) - meanX;
            xx += weight[i] * dx * dx;
            xy += weight[i] * dx * (Math.log(loss[i] - floor) - meanY);
        }
        double slope = xy / xx;
        double coefficient = Math.exp(meanY - slope * meanX);
        double error = 0;
        for (int i = 0; i < loss.length; i++) {
            error += Math.pow(Math.log(loss[i] / (floor + coefficient * Math.pow(compute[i], slope))), 2);
        }
        return new Line(floor, coefficient, -slope, error);
    }
}
