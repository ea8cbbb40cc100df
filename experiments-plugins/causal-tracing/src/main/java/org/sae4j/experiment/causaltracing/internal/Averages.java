package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.causaltracing.CausalTracingResult.ReplacementAverage;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RoleAverage;
import org.sae4j.experiment.causaltracing.TokenRole;

/** Means over facts by token role. */
public final class Averages {
    /** Total effects smaller than this leave the normalised recovery undefined. */
    private static final double SMALLEST_EFFECT = 1e-6;

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
     * A mean over facts.
     *
     * @param values one value for each fact
     * @param name what the mean is
     * @return the mean; without an interval for a single fact, which says nothing about others
     */
    public Estimate mean(double[] values, String name) {
        return Statistics.meanEstimate(values, resamples, "facts", random.stream(name));
    }

    /** A mean over another, over the same facts. Without an interval for a single fact. */
    private Estimate ratio(double[] numerators, double[] denominators, String name) {
        int n = numerators.length;
        Interval interval = n < 2 ? mean(numerators, name).interval() : Statistics.bootstrap(n, drawn -> {
            double numerator = 0;
            double denominator = 0;
            for (int i : drawn) {
                numerator += numerators[i];
                denominator += denominators[i];
            }
            return numerator / denominator;
        }, resamples, 0.95, "facts", random.stream(name));
        return new Estimate(Statistics.mean(numerators) / Statistics.mean(denominators), interval, n);
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
                Estimate effect = mean(effects, name(place, role));
                averages.add(new RoleAverage(place.site(), place.label(), role, effect, Math.abs(total) < SMALLEST_EFFECT ? Double.NaN
                        : effect.value() / total));
            }
        }
        return averages;
    }

    /**
     * Normalised recoveries by role.
     *
     * @param traces traces of the token-replacement variant
     * @param places the restored places
     * @return one ratio of means for each place and role that occurs; nothing where the mean change by the replacement may be 0
     */
    public List<ReplacementAverage> recoveries(List<Tracer.Trace> traces, List<Place> places) {
        List<ReplacementAverage> averages = new ArrayList<>();
        for (Place place : places) {
            for (TokenRole role : TokenRole.values()) {
                List<Tracer.Trace> with = traces.stream().filter(t -> t.traced().prompt().roles().contains(role)).toList();
                double[] lost = values(with, t -> t.clean() - t.corruptedMean());
                String name = "replacement " + name(place, role);
                Estimate total = mean(lost, name + " total");
                if (total.hasInterval() ? total.above(0) : Math.abs(total.value()) >= SMALLEST_EFFECT) {
                    averages.add(new ReplacementAverage(place.site(), place.label(), role, ratio(values(with, t -> meanByRole(t, place,
                            role) - t.corruptedMean()), lost, name)));
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
