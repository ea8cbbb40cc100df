package org.sae4j.experiment.randomwalk.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Comparison;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.Metric;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.randomwalk.RandomWalkConfig;
import org.sae4j.experiment.randomwalk.RandomWalkResult;
import org.sae4j.experiment.randomwalk.RandomWalkResult.ModeResult;
import org.sae4j.experiment.randomwalk.WalkMode;

/** Says what walks show. */
final class Findings {
    /** From this correlation with half a cosine on a walk is said to look like one. */
    private static final double COSINE = 0.95;

    private final RandomWalkConfig config;
    private final RandomWalkResult data;
    private final ExperimentContext context;

    Findings(RandomWalkConfig config, RandomWalkResult data, ExperimentContext context) {
        this.config = config;
        this.data = data;
        this.context = context;
    }

    private Estimate mean(String name, double[] values) {
        return Statistics.meanEstimate(values, config.resamples(), "walks", context.random("random-walk interval " + name));
    }

    private Estimate median(String name, double[] values) {
        return Statistics.medianEstimate(values, config.resamples(), "walks", context.random("random-walk interval " + name));
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
        if (!data.modes().isEmpty()) {
            all.add(effects());
        }
        pairs(all);
        data.modes().stream().filter(m -> moves(m) && (m.mode() == WalkMode.COVARIANCE || m.mode() == WalkMode.RESIDUAL_COVARIANCE))
                .forEach(m -> all.add(covariance(m)));
        all.add(explained());
        return all;
    }

    private static double relativeDeviation(ModeResult mode) {
        double[] ends = Arrays.stream(mode.curves().distance()).mapToDouble(curve -> curve[curve.length - 1]).toArray();
        return Statistics.standardDeviation(ends) / Statistics.mean(ends);
    }

    private String covariance(ModeResult m) {
        double expected = NullTheory.relativeDeviation(data.steps(), m.dimension());
        String varies = Double.isNaN(relativeDeviation(m)) ? "one walk says nothing about how much walks vary"
                : Text.format("%d walks vary by %s in distance (isotropic directions: %s)", m.stepLength().length,
                        Text.percent(relativeDeviation(m)), Text.percent(expected));
        return Text.format("Directions with the covariance of the data (%s) fill %.0f effective dimensions of %d; %s, and the first "
                + "component holds %s%% of a walk's variance.", m.mode().label(), m.effectiveDimension(), m.dimension(), varies,
                share(m, 0).times(100).text());
    }

    private String smoothness(ModeResult m) {
        Estimate ratio = squaredDistanceRatio(m);
        String varies = Double.isNaN(relativeDeviation(m)) ? "" : Text.format("; in %.0f effective dimensions single walks should vary by "
                + "%s in distance, and they vary by %s", m.effectiveDimension(), Text.percent(NullTheory.relativeDeviation(data.steps(),
                m.effectiveDimension())), Text.percent(relativeDeviation(m)));
        return Text.format("Why the distance curve is smooth: with independent steps E|x_t - x_0|^2 = t s^2, whatever the model. After %d "
                + "steps the squared distance of %s walks is %s times that (n = %d walks), %s%s.", data.steps(), m.mode().label(),
                ratio.text(), ratio.n(), ratio.verdict(1, "which is more than theory has", "which is less than theory has",
                        "no measurable difference from theory"), varies);
    }

    private String likeness(ModeResult m) {
        Estimate correlation = mean(m.mode() + " cosine", m.pca().cosineCorrelation());
        String measured = Text.format("The first coordinate of %s walks correlates with half a cosine at %s, and the first components hold "
                + "%s, %s and %s of the variance (theory for %d steps: %s, %s, %s; in the limit 60.8%%, 15.2%%, 6.8%%; n = %d walks).",
                m.mode().label(), correlation.text(), shareText(m, 0), shareText(m, 1), shareText(m, 2), data.steps(), theoryShare(0),
                theoryShare(1), theoryShare(2), correlation.n());
        String apart = Double.isNaN(m.endpointCosine()) ? "" : Text.format(" The displacements of two walks have a mean absolute cosine of "
                + "%.3f.", m.endpointCosine());
        return (correlation.above(COSINE) ? "Why runs look alike: each is drawn in the principal components of itself, and those of any "
                + "high-dimensional random walk are cosines. " : "These walks are not cosines in their own principal components, so theory "
                + "does not say how they look. ") + measured + apart;
    }

    private String shareText(ModeResult m, int component) {
        return component < m.pca().shares()[0].length ? share(m, component).times(100).text() + "%" : "none";
    }

    private String theoryShare(int component) {
        return Text.percent(data.theory().shares()[component]);
    }

    private String fixedBasis(ModeResult m) {
        double[] own = Arrays.stream(m.pca().shares()).mapToDouble(shares -> Arrays.stream(shares, 0,
                Math.min(Geometry.DRAWN, shares.length)).sum()).toArray();
        Comparison shares = Statistics.comparePairs(m.fixed().varianceShare(), own, config.resamples(), "walks",
                context.random("random-walk interval " + m.mode() + " fixed"));
        return Text.format("In a basis that does not depend on the walk (the first %d principal axes of %s, %d rows) the decoded path of "
                + "%s walks has %s%% of its variance, in its own basis the walk has %s%% (n = %d walks)%s.",
                data.basis().axes().length, data.basis().source() == RandomWalkConfig.Basis.ACTIVATIONS ? "activations" : "the decoder",
                data.basis().rows(), m.mode().label(), shares.measured().times(100).text(), shares.control().times(100).text(),
                shares.measured().n(), shares.verdict(": these axes show the path as well as its own do",
                        ": most of the shape that the walk has in its own basis is not seen along these axes", ""));
    }

    private Optional<String> closeness() {
        List<String> parts = data.modes().stream().filter(m -> !m.mode().hasIndependentSteps() && moves(m) && m.mode() != WalkMode.CIRCLE
                && m.mode() != WalkMode.INTERPOLATION).map(m -> m.mode().label() + " " + squaredDistanceRatio(m).text()
                + squaredDistanceRatio(m).verdict(1, " (farther)", " (nearer)", " (no measurable difference)")).toList();
        return parts.isEmpty() ? Optional.empty() : Optional.of("Walks whose steps are projected need not follow the theory: squared "
                + "distance after " + data.steps() + " steps over T s^2 is " + String.join(", ", parts) + ".");
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
        return Text.format("Divergence of the next token's distribution from the clean one after %d steps (median KL in nats over %d walks "
                + "from one start; circles after half of them): %s.",
                data.steps(), data.modes().getFirst().stepLength().length, String.join(", ", parts));
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
        Comparison kl = Statistics.comparePairs(ka, kb, config.resamples(), "walks", context.random("random-walk interval " + first
                + " against " + second));
        double distanceA = Statistics.mean(at(a.get().curves().activationDistance(), data.steps()));
        double distanceB = Statistics.mean(at(b.get().curves().activationDistance(), data.steps()));
        return Optional.of(Text.format("%s walks %s %s walks: mean KL %s and %s nats after %d steps, difference %s over %d walks, at "
                + "distances of %s and %s from the clean activation.", capital(first.label()), kl.verdict("change the model more than",
                "change the model less than", "do not change the model measurably more or less than"), second.label(),
                Estimate.number(kl.measured().value()), Estimate.number(kl.control().value()), data.steps(), kl.difference().text(),
                kl.difference().n(), Estimate.number(distanceA), Estimate.number(distanceB)));
    }

    private static String capital(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }

    private String explained() {
        List<String> parts = data.modes().stream().map(m -> m.mode().label() + " " + Text.percent(Statistics.quantile(
                at(m.curves().unexplained(), judged(m)), 0.5))).toList();
        return Text.format("Whether walks stay where the autoencoder reconstructs well: it misses %s of the squared norm of the start's "
                + "activation unexplained, and of the patched activation after %d steps (circles after half of them; medians) %s.",
                Text.percent(data.start().unexplained()), data.steps(), String.join(", ", parts));
    }

    List<Metric> metrics() {
        List<Metric> all = new ArrayList<>();
        for (ModeResult m : data.modes()) {
            all.add(Metric.of("median KL after " + judged(m) + " steps (" + m.mode().label() + ")", judgedKl(m), "nats"));
            if (moves(m) && m.mode() != WalkMode.CIRCLE && m.mode() != WalkMode.INTERPOLATION) {
                all.add(Metric.of("squared distance over T s^2 (" + m.mode().label() + ")", squaredDistanceRatio(m), ""));
                all.add(Metric.of("variance share of the first component (" + m.mode().label() + ")", share(m, 0), ""));
            }
            all.add(Metric.of("median first step that changes the continuation, " + (data.steps() + 1) + " if none (" + m.mode().label()
                    + ")", median(m.mode() + " first change", firstChange(m)), "steps"));
        }
        return all;
    }
}
