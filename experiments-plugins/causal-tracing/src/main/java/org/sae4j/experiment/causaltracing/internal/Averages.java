package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.causaltracing.CausalTracingResult.ReplacementAverage;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RoleAverage;
import org.sae4j.experiment.causaltracing.TokenRole;

/** Means over facts by token role. */
public final class Averages {
    /** Total effects smaller than this leave the normalised recovery undefined. */
    private static final double SMALLEST_EFFECT = 1e-6;
    /** The 97.5% quantile of the normal distribution. */
    private static final double NORMAL_QUANTILE = 1.959963984540054;

    private final int resamples;
    private final CounterRandom random;

    /**
     * Prepares means.
     *
     * @param resamples bootstrap resamples
     * @param random where resamples come from
     */
    public Averages(int resamples, CounterRandom random) {
        this.resamples = resamples;
        this.random = random;
    }

    /**
     * The interval of a mean over facts.
     *
     * @param values one value for each fact
     * @param name what the mean is
     * @return the interval; its ends are NaN for a single fact, which says nothing about others
     */
    public Interval interval(double[] values, String name) {
        return values.length < 2 ? new Interval(Double.NaN, Double.NaN, 0.95, "none, as there is only one fact")
                : Statistics.bootstrapMean(values, resamples, 0.95, "facts", random.stream(name));
    }

    /**
     * The interval of a share of independent trials (Wilson 1927), which has a width even if all of them succeed.
     *
     * @param successes trials that succeeded
     * @param n trials, at least 1
     * @param over what the trials are
     * @return the interval
     */
    public static Interval share(int successes, int n, String over) {
        double share = (double) successes / n;
        double square = NORMAL_QUANTILE * NORMAL_QUANTILE / n;
        double center = (share + square / 2) / (1 + square);
        double half = NORMAL_QUANTILE / (1 + square) * Math.sqrt(share * (1 - share) / n + square / (4 * n));
        return new Interval(successes == 0 ? 0 : center - half, successes == n ? 1 : center + half, 0.95, "Wilson over " + over);
    }

    /**
     * Indirect effects by role.
     *
     * @param traces traces scored by probability
     * @param places the restored places
     * @return one mean for each place and role that occurs
     */
    public List<RoleAverage> indirectEffects(List<Tracer.Trace> traces, List<Place> places) {
        List<RoleAverage> averages = new ArrayList<>();
        for (Place place : places) {
            for (TokenRole role : TokenRole.values()) {
                List<Tracer.Trace> with = traces.stream().filter(t -> t.traced().prompt().roles().contains(role)).toList();
                if (with.isEmpty()) {
                    continue;
                }
                double[] effects = values(with, t -> meanByRole(t, place, role) - t.corruptedMean());
                double total = Statistics.mean(values(with, t -> t.clean() - t.corruptedMean()));
                double mean = Statistics.mean(effects);
                averages.add(new RoleAverage(place.site(), place.label(), role, mean, interval(effects, name(place, role)),
                        Math.abs(total) < SMALLEST_EFFECT ? Double.NaN : mean / total, effects.length));
            }
        }
        return averages;
    }

    /**
     * Normalised recoveries by role.
     *
     * @param traces traces of the token-replacement variant
     * @param places the restored places
     * @return one mean for each place and role that occurs, over the facts whose score changes by the replacement
     */
    public List<ReplacementAverage> recoveries(List<Tracer.Trace> traces, List<Place> places) {
        List<Tracer.Trace> changed = traces.stream().filter(t -> Math.abs(t.clean() - t.corruptedMean()) >= SMALLEST_EFFECT).toList();
        List<ReplacementAverage> averages = new ArrayList<>();
        for (Place place : places) {
            for (TokenRole role : TokenRole.values()) {
                List<Tracer.Trace> with = changed.stream().filter(t -> t.traced().prompt().roles().contains(role)).toList();
                if (!with.isEmpty()) {
                    double[] recoveries = values(with, t -> (meanByRole(t, place, role) - t.corruptedMean())
                            / (t.clean() - t.corruptedMean()));
                    averages.add(new ReplacementAverage(place.site(), place.label(), role, Statistics.mean(recoveries),
                            interval(recoveries, "replacement " + name(place, role)), recoveries.length));
                }
            }
        }
        return averages;
    }

    private static String name(Place place, TokenRole role) {
        return place.site() + " " + place.label() + " " + role;
    }

    /**
     * The mean over the tokens of one role.
     *
     * @param prompt the prompt
     * @param byToken one value for each token
     * @param role the role
     * @return the mean; NaN if no token has the role
     */
    static double meanByRole(Prompt prompt, double[] byToken, TokenRole role) {
        double sum = 0;
        int n = 0;
        for (int t = 0; t < byToken.length; t++) {
            if (prompt.role(t) == role) {
                sum += byToken[t];
                n++;
            }
        }
        return sum / n;
    }

    private static double meanByRole(Tracer.Trace trace, Place place, TokenRole role) {
        return meanByRole(trace.traced().prompt(), Objects.requireNonNull(trace.restored().get(place)), role);
    }

    private static <T> double[] values(List<T> list, ToDoubleFunction<T> value) {
        return list.stream().mapToDouble(value).toArray();
    }
}
