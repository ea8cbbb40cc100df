package org.sae4j.api.stats;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.Comparison;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.Interval;

/** Statistics of samples, in double precision. All methods refuse null and treat NaN as an ordinary value of {@link Double#compare}. */
public final class Statistics {
    private static final double LEVEL = 0.95;
    /** The 97.5% quantile of the normal distribution. */
    private static final double NORMAL_QUANTILE = 1.959963984540054;
    /** The 97.5% quantiles of Student's t distribution from 1 degree of freedom on. */
    private static final double[] STUDENT_QUANTILES = {12.706204736, 4.302652730, 3.182446305, 2.776445105};
    /** All of fewer observations agree in sign by chance in more than 5% of cases, which a bootstrap would take for certain. */
    private static final int LEAST_FOR_BOOTSTRAP = 6;

    private Statistics() {}

    /**
     * The arithmetic mean.
     *
     * @param values the sample
     * @return the mean; NaN for an empty sample
     */
    public static double mean(double[] values) {
        Objects.requireNonNull(values, "values");
        double sum = 0;
        for (double value : values) {
            sum += value;
        }
        return sum / values.length;
    }

    /**
     * The standard deviation with divisor n - 1.
     *
     * @param values the sample
     * @return the standard deviation; NaN for fewer than two values
     */
    public static double standardDeviation(double[] values) {
        Objects.requireNonNull(values, "values");
        double mean = mean(values);
        double sum = 0;
        for (double value : values) {
            sum += (value - mean) * (value - mean);
        }
        return values.length < 2 ? Double.NaN : Math.sqrt(sum / (values.length - 1));
    }

    /**
     * A quantile by linear interpolation between order statistics (Hyndman and Fan's type 7).
     *
     * @param values the sample, in any order
     * @param p from 0 to 1
     * @return the quantile; NaN for an empty sample
     * @throws IllegalArgumentException if p is not from 0 to 1
     */
    public static double quantile(double[] values, double p) {
        if (!(p >= 0 && p <= 1)) {
            throw new IllegalArgumentException("a quantile is from 0 to 1, found " + p);
        }
        if (values.length == 0) {
            return Double.NaN;
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double at = p * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    /**
     * Ranks from 1, ties sharing the mean of their ranks.
     *
     * @param values the sample
     * @return one rank for each value
     */
    public static double[] ranks(double[] values) {
        double[] sorted = values.clone();
        for (int i = 0; i < sorted.length; i++) {
            sorted[i] += 0.0; // -0.0 becomes 0.0, which sorts apart from it but ties with it
        }
        Arrays.sort(sorted);
        double[] rankAt = new double[sorted.length];
        for (int from = 0; from < sorted.length;) {
            int to = from + 1;
            while (to < sorted.length && Double.compare(sorted[to], sorted[from]) == 0) {
                to++;
            }
            Arrays.fill(rankAt, from, to, (from + 1 + to) / 2.0);
            from = to;
        }
        double[] ranks = new double[values.length];
        for (int i = 0; i < ranks.length; i++) {
            ranks[i] = rankAt[Arrays.binarySearch(sorted, values[i] + 0.0)];
        }
        return ranks;
    }

    /**
     * The area under the receiver operating characteristic: the probability that a random positive scores above a random negative, ties
     * counting half.
     *
     * @param scores one score for each case
     * @param positive whether each case is positive
     * @return from 0 to 1; NaN if there are no positives or no negatives
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double auroc(double[] scores, boolean[] positive) {
        checkLengths(scores.length, positive.length);
        return aurocOfRanks(ranks(scores), IntStream.range(0, positive.length).filter(i -> positive[i]).toArray());
    }

    /**
     * The area under the receiver operating characteristic from ranks, for one variable that is tested against several sets of positives.
     *
     * @param ranks as {@link #ranks} gives them
     * @param positives numbers of the positive cases, each once
     * @return from 0 to 1; NaN if there are no positives or no negatives
     * @throws IndexOutOfBoundsException if there is no such case
     */
    public static double aurocOfRanks(double[] ranks, int[] positives) {
        Objects.requireNonNull(ranks, "ranks");
        Objects.requireNonNull(positives, "positives");
        double sum = 0;
        for (int i : positives) {
            sum += ranks[i];
        }
        double n = positives.length;
        return (sum - n * (n + 1) / 2) / (n * (ranks.length - n));
    }

    /**
     * Pearson's correlation coefficient.
     *
     * @param x first variable
     * @param y second variable
     * @return from -1 to 1; NaN if a variable does not vary
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double pearson(double[] x, double[] y) {
        checkLengths(x.length, y.length);
        double meanX = mean(x);
        double meanY = mean(y);
        double xy = 0;
        double xx = 0;
        double yy = 0;
        for (int i = 0; i < x.length; i++) {
            xy += (x[i] - meanX) * (y[i] - meanY);
            xx += (x[i] - meanX) * (x[i] - meanX);
            yy += (y[i] - meanY) * (y[i] - meanY);
        }
        return xx == 0 || yy == 0 ? Double.NaN : Math.clamp(xy / Math.sqrt(xx * yy), -1.0, 1.0);
    }

    /**
     * Spearman's rank correlation coefficient.
     *
     * @param x first variable
     * @param y second variable
     * @return from -1 to 1; NaN if a variable does not vary
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double spearman(double[] x, double[] y) {
        Objects.requireNonNull(x, "x");
        Objects.requireNonNull(y, "y");
        return pearson(ranks(x), ranks(y));
    }

    /**
     * A percentile bootstrap interval (Efron 1979) of any statistic.
     *
     * @param n number of observations
     * @param statistic computed from the numbers of the drawn observations; resamples where it is NaN are left out
     * @param resamples number of resamples, at least 1
     * @param level coverage between 0 and 1
     * @param over what an observation is, for the interval's description
     * @param random where draws come from
     * @return the interval; NaN ends if no resample has a value
     * @throws IllegalArgumentException if {@code resamples} or {@code level} is out of range
     */
    public static Interval bootstrap(int n, ToDoubleFunction<int[]> statistic, int resamples, double level, String over,
            CounterRandom random) {
        Objects.requireNonNull(statistic, "statistic");
        Objects.requireNonNull(over, "over");
        Objects.requireNonNull(random, "random");
        if (resamples < 1 || !(level > 0 && level < 1)) {
            throw new IllegalArgumentException("a bootstrap needs at least 1 resample and a level between 0 and 1, found " + resamples
                    + " and "
                    + level);
        }
        double[] estimates = new double[resamples];
        int[] drawn = new int[n];
        for (int r = 0; r < resamples; r++) {
            for (int i = 0; i < n; i++) {
                drawn[i] = random.nextInt(n);
            }
            estimates[r] = n == 0 ? Double.NaN : statistic.applyAsDouble(drawn);
        }
        double[] valid = Arrays.stream(estimates).filter(e -> !Double.isNaN(e)).toArray();
        return new Interval(quantile(valid, (1 - level) / 2), quantile(valid, (1 + level) / 2), level,
                "percentile bootstrap over " + over + ", " + resamples + " resamples");
    }

    /**
     * A percentile bootstrap interval of the mean.
     *
     * @param values the observations
     * @param resamples number of resamples, at least 1
     * @param level coverage between 0 and 1
     * @param over what an observation is, for the interval's description
     * @param random where draws come from
     * @return the interval; NaN ends for an empty sample
     * @throws IllegalArgumentException as {@link #bootstrap}
     */
    public static Interval bootstrapMean(double[] values, int resamples, double level, String over, CounterRandom random) {
        Objects.requireNonNull(values, "values");
        Objects.requireNonNull(over, "over");
        Objects.requireNonNull(random, "random");
        return bootstrap(values.length, drawn -> {
            double sum = 0;
            for (int i : drawn) {
                sum += values[i];
            }
            return sum / drawn.length;
        }, resamples, level, over, random);
    }

    /**
     * The mean with its 95% interval: a percentile bootstrap from 6 observations on, Student's t for 2 to 5, and none for fewer.
     *
     * @param values the observations
     * @param resamples number of resamples, at least 1
     * @param over what an observation is, for the interval's description
     * @param random where draws come from
     * @return the estimate; NaN for an empty sample
     * @throws IllegalArgumentException as {@link #bootstrap}
     */
    public static Estimate meanEstimate(double[] values, int resamples, String over, CounterRandom random) {
        Objects.requireNonNull(values, "values");
        Objects.requireNonNull(over, "over");
        Objects.requireNonNull(random, "random");
        int n = values.length;
        double mean = mean(values);
        if (n < 2) {
            return new Estimate(mean, new Interval(Double.NaN, Double.NaN, LEVEL, "none, because there are fewer than two " + over), n);
        }
        if (n < LEAST_FOR_BOOTSTRAP) {
            double half = STUDENT_QUANTILES[n - 2] * standardDeviation(values) / Math.sqrt(n);
            return new Estimate(mean, new Interval(mean - half, mean + half, LEVEL, "Student's t over " + over), n);
        }
        return new Estimate(mean, bootstrapMean(values, resamples, LEVEL, over, random), n);
    }

    /**
     * The median with its 95% interval: a percentile bootstrap from 6 observations on, and none for fewer.
     *
     * @param values the observations
     * @param resamples number of resamples, at least 1
     * @param over what an observation is, for the interval's description
     * @param random where draws come from
     * @return the estimate; NaN for an empty sample
     * @throws IllegalArgumentException as {@link #bootstrap}
     */
    public static Estimate medianEstimate(double[] values, int resamples, String over, CounterRandom random) {
        Objects.requireNonNull(values, "values");
        Objects.requireNonNull(over, "over");
        Objects.requireNonNull(random, "random");
        Interval interval = values.length < LEAST_FOR_BOOTSTRAP
                ? new Interval(Double.NaN, Double.NaN, LEVEL, "none, because there are fewer than " + LEAST_FOR_BOOTSTRAP + " " + over)
                : bootstrap(values.length, drawn -> quantile(Arrays.stream(drawn).mapToDouble(i -> values[i]).toArray(), 0.5), resamples,
                        LEVEL, over, random);
        return new Estimate(quantile(values, 0.5), interval, values.length);
    }

    /**
     * The share of independent trials that succeeded, with its 95% interval by Wilson (1927), which has a width even if all of them do.
     *
     * @param successes trials that succeeded
     * @param n trials
     * @param over what the trials are
     * @return the estimate; NaN without trials
     * @throws IllegalArgumentException if there are more successes than trials
     */
    public static Estimate shareEstimate(long successes, long n, String over) {
        Objects.requireNonNull(over, "over");
        if (successes < 0 || successes > n) {
            throw new IllegalArgumentException("successes are from 0 to the number of trials, found " + successes + " of " + n);
        }
        if (n == 0) {
            return new Estimate(Double.NaN, new Interval(Double.NaN, Double.NaN, LEVEL, "none, because there are no " + over), 0);
        }
        double share = (double) successes / n;
        double square = NORMAL_QUANTILE * NORMAL_QUANTILE / n;
        double center = (share + square / 2) / (1 + square);
        double half = NORMAL_QUANTILE / (1 + square) * Math.sqrt(share * (1 - share) / n + square / (4 * n));
        return new Estimate(share, new Interval(successes == 0 ? 0 : center - half, successes == n ? 1 : center + half, LEVEL,
                "Wilson over " + over), n);
    }

    /**
     * Compares the means of pairs: the difference is estimated over pairs.
     *
     * @param measured one value for each pair
     * @param control the other values, in the same order
     * @param resamples number of resamples, at least 1
     * @param over what a pair is
     * @param random where draws come from
     * @return the comparison
     * @throws IllegalArgumentException if the lengths differ, or as {@link #bootstrap}
     */
    public static Comparison comparePairs(double[] measured, double[] control, int resamples, String over, CounterRandom random) {
        Objects.requireNonNull(measured, "measured");
        Objects.requireNonNull(control, "control");
        Objects.requireNonNull(over, "over");
        Objects.requireNonNull(random, "random");
        checkLengths(measured.length, control.length);
        return new Comparison(meanEstimate(measured, resamples, over, random.stream("measured")),
                meanEstimate(control, resamples, over, random.stream("control")),
                meanEstimate(IntStream.range(0, measured.length).mapToDouble(i -> measured[i] - control[i]).toArray(), resamples, over,
                        random.stream("difference")));
    }

    /**
     * Compares the means of two independent samples. The difference is resampled within both; with fewer than 6 observations in either,
     * its interval is that of Welch's t with the degrees of freedom of the smaller sample, and there is none for fewer than 2.
     *
     * @param measured the sample
     * @param control the other one
     * @param resamples number of resamples, at least 1
     * @param over what an observation is
     * @param random where draws come from
     * @return the comparison; n of the difference is that of the smaller sample
     * @throws IllegalArgumentException as {@link #bootstrap}
     */
    public static Comparison compareSamples(double[] measured, double[] control, int resamples, String over, CounterRandom random) {
        Objects.requireNonNull(measured, "measured");
        Objects.requireNonNull(control, "control");
        Objects.requireNonNull(over, "over");
        Objects.requireNonNull(random, "random");
        Estimate own = meanEstimate(measured, resamples, over, random.stream("measured"));
        Estimate other = meanEstimate(control, resamples, over, random.stream("control"));
        int least = Math.min(measured.length, control.length);
        double difference = own.value() - other.value();
        Interval interval;
        if (least < 2) {
            interval = new Interval(Double.NaN, Double.NaN, LEVEL, "none, because there are fewer than two " + over);
        } else if (least < LEAST_FOR_BOOTSTRAP) {
            double a = standardDeviation(measured);
            double b = standardDeviation(control);
            double half = STUDENT_QUANTILES[least - 2] * Math.sqrt(a * a / measured.length + b * b / control.length);
            interval = new Interval(difference - half, difference + half, LEVEL, "Welch's t over " + over);
        } else {
            CounterRandom second = random.stream("difference of control");
            interval = bootstrap(measured.length, drawn -> {
                double sum = 0;
                for (int i : drawn) {
                    sum += measured[i];
                }
                double others = 0;
                for (int i = 0; i < control.length; i++) {
                    others += control[second.nextInt(control.length)];
                }
                return sum / measured.length - others / control.length;
            }, resamples, LEVEL, over, random.stream("difference"));
        }
        return new Comparison(own, other, new Estimate(difference, interval, least));
    }

    /**
     * The two-sided p-value of the Mann-Whitney U test for an area under the curve, by the normal approximation with correction for ties.
     *
     * @param scores one score for each case
     * @param positive whether each case is positive
     * @return from 0 to 1; 1 if all scores are equal, NaN if there are no positives or no negatives
     * @throws IllegalArgumentException if the lengths differ
     */
    public static double mannWhitneyP(double[] scores, boolean[] positive) {
        double auroc = auroc(scores, positive);
        long n1 = IntStream.range(0, positive.length).filter(i -> positive[i]).count();
        long n2 = positive.length - n1;
        double n = n1 + n2;
        double[] sorted = scores.clone();
        Arrays.sort(sorted);
        double ties = 0;
        for (int from = 0; from < sorted.length;) {
            int to = from + 1;
            while (to < sorted.length && sorted[to] == sorted[from]) {
                to++;
            }
            double t = to - from;
            ties += t * t * t - t;
            from = to;
        }
        if (Double.isNaN(auroc)) {
            return Double.NaN;
        }
        // The numerator is 0 if all scores are equal and at least 3 otherwise; rounding must not make the one look like the other.
        double numerator = n + 1 - ties / (n * (n - 1));
        double variance = numerator / (12.0 * n1 * n2);
        return numerator < 1 ? 1 : Math.min(1, 2 * normalUpperTail(Math.abs(auroc - 0.5) / Math.sqrt(variance)));
    }

    /**
     * The probability that a standard normal variable exceeds a value.
     *
     * @param z the value
     * @return from 0 to 1, with relative error below 2e-7 (Numerical Recipes' erfc fit)
     */
    public static double normalUpperTail(double z) {
        double x = Math.abs(z) / Math.sqrt(2);
        double t = 1 / (1 + 0.5 * x);
        double tail = 0.5 * t * Math.exp(-x * x - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418 + t * (-0.18628806
                + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587 + t * (-0.82215223 + t * 0.17087277)))))))));
        return z >= 0 ? tail : 1 - tail;
    }

    /**
     * Benjamini and Hochberg's adjusted p-values (1995): rejecting where they are at most q bounds the false discovery rate by q.
     *
     * @param p p-values of independent or positively dependent tests; NaN for cases that were not tested
     * @return one adjusted p-value for each test; NaN where p is
     */
    public static double[] benjaminiHochberg(double[] p) {
        int[] order = IntStream.range(0, p.length).filter(i -> !Double.isNaN(p[i])).boxed()
                .sorted(Comparator.comparingDouble(i -> p[i])).mapToInt(Integer::intValue).toArray();
        double[] adjusted = new double[p.length];
        Arrays.fill(adjusted, Double.NaN);
        double least = 1;
        for (int rank = order.length; rank >= 1; rank--) {
            int i = order[rank - 1];
            least = Math.min(least, p[i] * order.length / rank);
            adjusted[i] = least;
        }
        return adjusted;
    }

    private static void checkLengths(int a, int b) {
        if (a != b) {
            throw new IllegalArgumentException("variables must have equal length, found " + a + " and " + b);
        }
    }
}
