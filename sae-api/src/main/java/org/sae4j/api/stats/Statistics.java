package org.sae4j.api.stats;

import java.util.Arrays;
import java.util.Comparator;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.Interval;

/** Statistics of samples, in double precision. All methods refuse null and treat NaN as an ordinary value of {@link Double#compare}. */
public final class Statistics {
    private Statistics() {}

    /**
     * The arithmetic mean.
     *
     * @param values the sample
     * @return the mean; NaN for an empty sample
     */
    public static double mean(double[] values) {
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
        return bootstrap(values.length, drawn -> {
            double sum = 0;
            for (int i : drawn) {
                sum += values[i];
            }
            return sum / drawn.length;
        }, resamples, level, over, random);
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
