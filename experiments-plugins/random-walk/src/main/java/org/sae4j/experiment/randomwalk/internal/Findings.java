package org.sae4j.experiment.randomwalk.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.randomwalk.RandomWalkConfig;
import org.sae4j.experiment.randomwalk.RandomWalkResult;
import org.sae4j.experiment.randomwalk.RandomWalkResult.ModeResult;
import org.sae4j.experiment.randomwalk.WalkMode;

/** Says what walks show. */
final class Findings {
    private static final double LEVEL = 0.95;

    private final RandomWalkConfig config;
    private final RandomWalkResult data;
    private final ExperimentContext context;

    Findings(RandomWalkConfig config, RandomWalkResult data, ExperimentContext context) {
        this.config = config;
        this.data = data;
        this.context = context;
    }

    /** An estimate over walks. */
    private record Estimate(double value, Interval interval) {
        String text(String pattern) {
            return Text.format(pattern + " [" + pattern + ", " + pattern + "]", value, interval.low(), interval.high());
        }

        /** With three significant digits. */
        String text() {
            return Text.number(value) + " [" + Text.number(interval.low()) + ", " + Text.number(interval.high()) + "]";
        }

        Estimate times(double factor) {
            return new Estimate(value * factor, new Interval(interval.low() * factor, interval.high() * factor, interval.level(),
                    interval.method()));
        }
    }

    private Estimate mean(String name, double[] values) {
        return new Estimate(Statistics.mean(values), Statistics.bootstrapMean(values, config.resamples(), LEVEL, "walks",
                context.random("random-walk interval " + name)));
    }

    private Estimate median(String name, double[] values) {
        return new Estimate(Statistics.quantile(values, 0.5), Statistics.bootstrap(values.length, drawn ->
                Statistics.quantile(Arrays.stream(drawn).mapToDouble(i -> values[i]).toArray(), 0.5), config.resamples(), LEVEL, "walks",
                context.random("random-walk interval " + name)));
    }

    private Optional<ModeResult> mode(WalkMode mode) {
        return data.modes().stream().filter(m -> m.mode() == mode).findFirst();
    }

    private static double[] at(double[][] curves, int point) {
        return Arrays.stream(curves).mapToDouble(curve -> curve[point]).toArray();
    }

    private static double[] each(ModeResult mode, ToDoubleFunction<Integer> value) {
        return IntStream.range(0, mode.stepLength().length).mapToDouble(value::applyAsDouble).toArray();
    }

    /** Squared distance at the end over its expectation T s^2. */
    private Estimate squaredDistanceRatio(ModeResult mode) {
        return mean(mode.mode() + " squared distance", each(mode, w -> {
            double reached = mode.curves().distance()[w][data.steps()] / mode.stepLength()[w];
            return reached * reached / data.steps();
        }));
    }

    private Estimate share(ModeResult mode, int component) {
        return mean(mode.mode() + " share " + component, each(mode, w -> mode.pca().shares()[w][component]));
    }

    /** The point to judge walks by: the last, or the farthest of walks that return. */
    private int judged(ModeResult mode) {
        return mode.mode() == WalkMode.CIRCLE ? data.steps() / 2 : data.steps();
    }

    private Estimate judgedKl(ModeResult mode) {
        return median(mode.mode() + " kl", at(mode.curves().kl(), judged(mode)));
    }

    /** The first step whose continuation changes; one more than there are steps if none does. */
    private double[] firstChange(ModeResult mode) {
        return Arrays.stream(mode.firstChange()).mapToDouble(t -> t < 0 ? data.steps() + 1 : t).toArray();
    }

    private static boolean moves(ModeResult mode) {
        return Arrays.stream(mode.stepLength()).allMatch(length -> length > 0);
    }

    List<String> sentences() {
        List<String> all = new ArrayList<>();
        Optional<ModeResult> random = data.modes().stream().filter(m -> m.mode().hasIndependentSteps() && moves(m)).findFirst();
        random.ifPresent(m -> {
            all.add(smoothness(m));
            all.add(likeness(m));
        });
        random.ifPresent(m -> all.add(fixedBasis(m)));
        closeness().ifPresent(all::add);
        data.modes().stream().filter(Findings::moves).findFirst().ifPresent(_ -> all.add(changes()));
        all.add(effects());
        pairs(all);
        for (ModeResult m : data.modes()) {
            if (moves(m) && (m.mode() == WalkMode.COVARIANCE || m.mode() == WalkMode.RESIDUAL_COVARIANCE)) {
                all.add(Text.format("Directions with the covariance of the data (%s) fill %.0f effective dimensions of %d, so the distance "
                        + "of single walks varies by %s instead of %s, and the first component holds %s of a walk.",
                        m.mode().label(), m.effectiveDimension(), m.dimension(), Text.percent(relativeDeviation(m)),
                        Text.percent(NullTheory.relativeDeviation(data.steps(), m.dimension())), Text.percent(share(m, 0).value())));
            }
        }
        all.add(explained());
        return all;
    }

    private static double relativeDeviation(ModeResult mode) {
        double[] ends = Arrays.stream(mode.curves().distance()).mapToDouble(curve -> curve[curve.length - 1]).toArray();
        return Statistics.standardDeviation(ends) / Statistics.mean(ends);
    }

    private String smoothness(ModeResult m) {
        return Text.format("Why the distance curve is smooth: with independent steps E|x_t - x_0|^2 = t s^2, whatever the model. After %d "
                + "steps the squared distance of %s walks is %s times that (mean over %d walks); in %.0f effective dimensions single walks "
                + "should vary by %s in distance, and they vary by %s.",
                data.steps(), m.mode().label(), squaredDistanceRatio(m).text("%.3f"),
                m.stepLength().length, m.effectiveDimension(), Text.percent(NullTheory.relativeDeviation(data.steps(),
                m.effectiveDimension())),
                Text.percent(relativeDeviation(m)));
    }

    private String likeness(ModeResult m) {
        Estimate correlation = mean(m.mode() + " cosine", m.pca().cosineCorrelation());
        return Text.format("Why runs look alike: each is drawn in the principal components of itself, and those of any high-dimensional "
                + "random walk are cosines. The first coordinate of %s walks correlates with half a cosine at %s, and the first components "
                + "hold %s, %s and %s of the variance (theory for %d steps: %s, %s, %s; in the limit 60.8%%, 15.2%%, 6.8%%)%s.",
                m.mode().label(),
                correlation.text("%.3f"), shareText(m, 0), shareText(m, 1), shareText(m, 2), data.steps(), theoryShare(0), theoryShare(1),
                theoryShare(2), Double.isNaN(m.endpointCosine()) ? ""
                : Text.format(", although the walks go different ways: the displacements of two of them have a mean absolute cosine of "
                        + "%.3f", m.endpointCosine()));
    }

    private String shareText(ModeResult m, int component) {
        return component < m.pca().shares()[0].length ? share(m, component).times(100).text("%.1f") + "%" : "none";
    }

    private String theoryShare(int component) {
        return Text.percent(data.theory().shares()[component]);
    }

    private String fixedBasis(ModeResult m) {
        Estimate fixed = mean(m.mode() + " fixed", m.fixed().varianceShare());
        double own = Arrays.stream(m.pca().shares()).mapToDouble(shares -> Arrays.stream(shares, 0,
                Math.min(Geometry.DRAWN, shares.length)).sum()).average().orElse(Double.NaN);
        return Text.format("In a basis that does not depend on the walk (the first %d principal axes of %s, %d rows) the decoded path of "
                + "%s walks has %s%% of its variance, in its own basis the walk has %s: the shape seen there is the walk's, not the "
                + "model's.",
                data.basis().axes().length, data.basis().source() == RandomWalkConfig.Basis.ACTIVATIONS ? "activations" : "the decoder",
                data.basis().rows(), m.mode().label(), fixed.times(100).text("%.1f"), Text.percent(own));
    }

    private Optional<String> closeness() {
        List<String> parts = data.modes().stream().filter(m -> !m.mode().hasIndependentSteps() && moves(m) && m.mode() != WalkMode.CIRCLE
                && m.mode() != WalkMode.INTERPOLATION).map(m -> m.mode().label() + " " + squaredDistanceRatio(m).text("%.3f")).toList();
        return parts.isEmpty() ? Optional.empty() : Optional.of("Projected walks leave the theory: squared distance after " + data.steps()
                + " steps over T s^2 is " + String.join(", ", parts) + ".");
    }

    private String changes() {
        List<String> parts = data.modes().stream().filter(Findings::moves).map(m -> Text.format("%s %.0f (%d of %d never)",
                m.mode().label(),
                Statistics.quantile(firstChange(m), 0.5), Arrays.stream(m.firstChange()).filter(t -> t < 0).count(),
                m.firstChange().length)).toList();
        return Text.format("First step whose greedy continuation of %d tokens differs from \"%s\", median over walks (%d stands for "
                + "never): %s.",
                data.start().cleanContinuation().length, data.start().cleanText(), data.steps() + 1, String.join(", ", parts));
    }

    private String effects() {
        List<String> parts = data.modes().stream().map(m -> Text.format("%s %s", m.mode().label(), judgedKl(m).text())).toList();
        return Text.format("Divergence of the next token's distribution from the clean one after %d steps (median KL in nats; circles "
                + "after half of them): %s.",
                data.steps(), String.join(", ", parts));
    }

    /** Compares kinds of walk that decode to the same distance in the root mean square. */
    private void pairs(List<String> all) {
        compare(WalkMode.FREE, WalkMode.RESIDUAL).ifPresent(all::add);
        compare(WalkMode.RESIDUAL_COVARIANCE, WalkMode.RESIDUAL).ifPresent(all::add);
    }

    private Optional<String> compare(WalkMode first, WalkMode second) {
        Optional<ModeResult> a = mode(first);
        Optional<ModeResult> b = mode(second);
        if (a.isEmpty() || b.isEmpty() || !moves(a.get()) || !moves(b.get())) {
            return Optional.empty();
        }
        double[] ka = at(a.get().curves().kl(), data.steps());
        double[] kb = at(b.get().curves().kl(), data.steps());
        Estimate difference = mean(first + " against " + second, IntStream.range(0, ka.length).mapToDouble(w -> ka[w] - kb[w]).toArray());
        double distanceA = Statistics.mean(at(a.get().curves().activationDistance(), data.steps()));
        double distanceB = Statistics.mean(at(b.get().curves().activationDistance(), data.steps()));
        String verdict = difference.interval().low() > 0 ? "change the model more than" : difference.interval().high() < 0
                ? "change the model less than" : "do not change the model measurably more or less than";
        return Optional.of(Text.format("%s walks %s %s walks: mean difference in KL %s nats after %d steps, at distances of %s and %s from "
                + "the clean activation.",
                capital(first.label()), verdict, second.label(), difference.text(), data.steps(),
                Text.number(distanceA), Text.number(distanceB)));
    }

    private static String capital(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    private String explained() {
        List<String> parts = data.modes().stream().map(m -> m.mode().label() + " " + Text.percent(Statistics.quantile(
                at(m.curves().unexplained(), judged(m)), 0.5))).toList();
        return Text.format("Whether walks stay where the autoencoder knows its way: it leaves %s of the squared norm of the start's "
                + "activation unexplained, and of the patched activation after %d steps (circles after half of them; medians) %s.",
                Text.percent(data.start().unexplained()), data.steps(), String.join(", ", parts));
    }

    List<Metric> metrics() {
        List<Metric> all = new ArrayList<>();
        for (ModeResult m : data.modes()) {
            int n = m.stepLength().length;
            Estimate kl = judgedKl(m);
            all.add(Metric.of("median KL after " + judged(m) + " steps (" + m.mode().label() + ")", kl.value(), "nats", kl.interval(), n));
            if (moves(m) && m.mode() != WalkMode.CIRCLE && m.mode() != WalkMode.INTERPOLATION) {
                Estimate ratio = squaredDistanceRatio(m);
                all.add(Metric.of("squared distance over T s^2 (" + m.mode().label() + ")", ratio.value(), "", ratio.interval(), n));
                Estimate share = share(m, 0);
                all.add(Metric.of("variance share of the first component (" + m.mode().label() + ")", share.value(), "", share.interval(),
                        n));
            }
            Estimate first = median(m.mode() + " first change", firstChange(m));
            all.add(Metric.of("median first step that changes the continuation, " + (data.steps() + 1) + " if none (" + m.mode().label()
                    + ")",
                    first.value(), "steps", first.interval(), n));
        }
        return all;
    }
}
