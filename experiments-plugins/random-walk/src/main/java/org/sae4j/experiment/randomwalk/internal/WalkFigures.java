package org.sae4j.experiment.randomwalk.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Figure.Axis;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.randomwalk.RandomWalkConfig;
import org.sae4j.experiment.randomwalk.RandomWalkResult;
import org.sae4j.experiment.randomwalk.RandomWalkResult.Decoded;
import org.sae4j.experiment.randomwalk.RandomWalkResult.ModeResult;
import org.sae4j.experiment.randomwalk.WalkMode;

/** The figures of a result. */
final class WalkFigures {
    /** Walks of one kind drawn in one scatter plot. */
    private static final int DRAWN_WALKS = 4;
    private static final double[] NONE = {};
    private static final Axis STEP = Axis.of("step (count)");

    private final RandomWalkConfig config;
    private final RandomWalkResult data;
    private final long seed;
    private final double[] steps;

    WalkFigures(RandomWalkConfig config, RandomWalkResult data, long seed) {
        this.config = config;
        this.data = data;
        this.seed = seed;
        steps = IntStream.rangeClosed(0, data.steps()).asDoubleStream().toArray();
    }

    List<Figure> figures() {
        List<Figure> all = new ArrayList<>();
        all.add(decoded());
        if (data.modes().isEmpty()) {
            return all;
        }
        all.addAll(distance());
        all.addAll(cosine());
        all.addAll(bands("kl", "Effect on the model",
                "Divergence of the next token's distribution from the clean one when a walk's point is patched into the model, the "
                + "autoencoder's error kept.", "KL divergence (nats)", m -> m.curves().kl(), List.of()));
        all.addAll(bands("loss", "Loss along the walks",
                "Loss of " + (data.start().targetFromCorpus() ? "the token that follows in the corpus"
                : "the clean model's most probable token") + ".", "loss (nats)", m -> m.curves().loss(),
                List.of(constant("clean", data.start().cleanLoss()))));
        all.addAll(reconstruction());
        all.addAll(bands("unexplained", "How well the autoencoder explains where walks are",
                "Squared error of reconstructing the patched activation over its squared norm.",
                "unexplained share of the squared norm (ratio)", m -> m.curves().unexplained(),
                List.of(constant("start", data.start().unexplained()))));
        all.add(unchanged());
        all.add(ends());
        all.add(topTokenMap());
        own().ifPresent(all::add);
        ownOfModes().ifPresent(all::add);
        space().ifPresent(all::add);
        shares().ifPresent(all::add);
        fixed().ifPresent(all::add);
        return all;
    }

    private String origin() {
        return "n = " + config.walks() + " walks of each kind, seed " + seed;
    }

    private Figure.Line constant(String name, double value) {
        return theory(name, _ -> value);
    }

    private Figure.Line theory(String name, DoubleUnaryOperator value) {
        return Figure.Line.reference(name, steps, Arrays.stream(steps).map(value).toArray());
    }

    private Figure.Line median(String name, double[][] curves) {
        return new Figure.Line(name, steps, quantile(curves, 0.5), quantile(curves, 0.025), quantile(curves, 0.975), false);
    }

    private double[] quantile(double[][] curves, double p) {
        return IntStream.rangeClosed(0, data.steps()).mapToDouble(t -> Statistics.quantile(Arrays.stream(curves)
                .mapToDouble(curve -> curve[t]).toArray(), p)).toArray();
    }

    /** Random walks, and apart from them interpolations and circles, whose scale would hide the walks. */
    private List<Figure> bands(String id, String title, String caption, String axis, Function<ModeResult, double[][]> curves,
            List<Figure.Line> references) {
        List<ModeResult> paths = data.modes().stream().filter(m -> isPath(m.mode())).toList();
        List<ModeResult> walks = data.modes().stream().filter(m -> !isPath(m.mode())).toList();
        if (paths.isEmpty() || walks.isEmpty()) {
            return List.of(band(id, title, caption, axis, data.modes(), curves, references));
        }
        return List.of(band(id, title, caption, axis, walks, curves, references),
                band(id + "-paths", title + ", interpolation and circle", caption, axis, paths, curves, references));
    }

    private static boolean isPath(WalkMode mode) {
        return mode == WalkMode.INTERPOLATION || mode == WalkMode.CIRCLE;
    }

    private Figure band(String id, String title, String caption, String axis, List<ModeResult> modes,
            Function<ModeResult, double[][]> curves, List<Figure.Line> references) {
        List<Figure.Line> lines = new ArrayList<>(modes.stream().map(m -> median(m.mode().label(), curves.apply(m))).toList());
        lines.addAll(references);
        return new Figure.Lines(id, title, caption + " Median and band from the 2.5% to the 97.5% quantile over walks; " + origin() + ".",
                STEP, Axis.of(axis), lines);
    }

    private List<Figure> distance() {
        // The walk's dimension, not the effective one that was measured: the band is a prediction.
        List<Figure.Line> expected = data.modes().stream().filter(m -> m.mode() == WalkMode.FREE).map(m -> expectedDistance(m.dimension()))
                .toList();
        return bands("distance", "Distance from the start",
                "Euclidean distance in the walk's own space, in steps of that walk. Dashed: the root mean square of any walk with "
                + "independent steps, sqrt(t), whatever the model; its band is where 95% of free walks are expected.",
                "distance (steps)", this::distanceInSteps,
                expected.isEmpty() ? List.of(theory("independent steps", Math::sqrt)) : expected);
    }

    private Figure.Line expectedDistance(int dimension) {
        double[] half = Arrays.stream(steps).map(t -> t < 1 ? 0 : 1.96 * NullTheory.relativeDeviation((int) t, dimension)).toArray();
        return new Figure.Line("independent steps", steps, data.theory().distance(), IntStream.rangeClosed(0, data.steps())
                .mapToDouble(t -> Math.sqrt(t) * (1 - half[t])).toArray(), IntStream.rangeClosed(0, data.steps())
                .mapToDouble(t -> Math.sqrt(t) * (1 + half[t])).toArray(), true);
    }

    private double[][] distanceInSteps(ModeResult m) {
        return IntStream.range(0, m.stepLength().length).mapToObj(w -> Arrays.stream(m.curves().distance()[w])
                .map(d -> m.stepLength()[w] > 0 ? d / m.stepLength()[w] : 0).toArray()).toArray(double[][]::new);
    }

    private List<Figure> cosine() {
        List<Figure.Line> references = new ArrayList<>();
        references.add(theory("independent steps, features", t -> 1 / Math.sqrt(1 + t * config.stepShare() * config.stepShare())));
        data.modes().stream().filter(m -> m.mode().inActivationSpace()).findFirst().ifPresent(m -> {
            double share = m.stepLength()[0] / data.start().activationNorm();
            references.add(theory("independent steps, activations", t -> 1 / Math.sqrt(1 + t * share * share)));
        });
        return bands("cosine", "Cosine with the start",
                "Cosine between a walk's point and its start, in the walk's own space. Dashed: directions orthogonal to the start and to "
                + "each other.", "cosine (ratio)", m -> m.curves().cosine(), references);
    }

    private List<Figure> reconstruction() {
        List<Figure.Line> references = new ArrayList<>();
        references.add(constant("start", data.start().reconstructionError()));
        data.modes().stream().filter(m -> m.mode() == WalkMode.RESIDUAL).findFirst().ifPresent(m -> {
            // Walks in the activation space take the root mean square of a decoded free step.
            double step = m.stepLength()[0];
            references.add(theory("free, expected", t -> data.start().reconstructionError() + t * step * step / m.dimension()));
        });
        return bands("reconstruction-loss", "Reconstruction loss",
                "Mean squared error of the decoded features against the model's activation at the start; walks in the activation space are "
                + "encoded first. Dashed: the start, and the start plus t decoded steps of free walks.",
                "mean squared error (activation squared)", m -> m.curves().reconstructionLoss(), references);
    }

    private Figure unchanged() {
        List<Figure.Line> lines = data.modes().stream().map(m -> new Figure.Line(m.mode().label(), steps, Arrays.stream(steps).map(t ->
                Arrays.stream(m.firstChange()).filter(first -> first < 0 || first > t).count() / (double) m.firstChange().length).toArray(),
                NONE, NONE, false)).toList();
        return new Figure.Lines("unchanged", "Walks whose continuation is still the clean one",
                "Share of walks on which every point so far keeps the greedy continuation of "
                + data.start().cleanContinuation().length + " tokens, \"" + data.start().cleanText() + "\"; "
                + origin() + ".", STEP, Axis.of("walks (share)"), lines);
    }

    private Figure ends() {
        List<List<Object>> rows = new ArrayList<>();
        for (ModeResult m : data.modes()) {
            int t = m.mode() == WalkMode.CIRCLE ? data.steps() / 2 : data.steps();
            double[][] active = Arrays.stream(m.curves().activeFeatures()).map(line -> Arrays.stream(line).asDoubleStream().toArray())
                    .toArray(double[][]::new);
            rows.add(List.of(m.mode().label(), m.dimension(), m.effectiveDimension(), quantile(distanceInSteps(m), 0.5)[t],
                    quantile(m.curves().activationDistance(), 0.5)[t], quantile(active, 0.5)[t],
                    quantile(m.curves().reconstructionLoss(), 0.5)[t], quantile(m.curves().unexplained(), 0.5)[t],
                    quantile(m.curves().kl(), 0.5)[t]));
        }
        return new Figure.Table("ends", "Where walks end", "After " + data.steps()
                + " steps, circles after half of them; medians over walks. The start has "
                + data.start().features().length + " active features, reconstruction loss "
                + Estimate.number(data.start().reconstructionError()) + " and leaves " + Text.percent(data.start().unexplained())
                + " unexplained. Effective dimension: 1 / mean squared cosine of two steps of a walk. " + origin() + ".",
                List.of("kind of walk", "dimensions", "effective dimensions", "distance (steps)", "distance of activations",
                        "features that are not 0", "reconstruction loss (activation squared)", "unexplained (share)", "KL (nats)"), rows);
    }

    private Figure topTokenMap() {
        double[][] values = data.modes().stream().map(m -> quantile(m.curves().cleanTopProbability(), 0.5)).toArray(double[][]::new);
        return new Figure.Heatmap("clean-token", "Probability of the clean model's most probable token", "Median over walks; " + origin()
                + ".",
                STEP, Axis.of("kind of walk"), IntStream.rangeClosed(0, data.steps()).mapToObj(Integer::toString).toList(),
                data.modes().stream().map(m -> m.mode().label()).toList(), values,
                new Figure.ColorScale(Figure.Palette.SEQUENTIAL, 0, 1, "probability"));
    }

    /** The walks to show: of the first kind with independent steps, or of the first kind. */
    private Optional<ModeResult> shown() {
        Optional<ModeResult> random = data.modes().stream().filter(m -> m.mode().hasIndependentSteps() && moves(m)).findFirst();
        return random.or(() -> data.modes().stream().filter(WalkFigures::moves).findFirst());
    }

    private static boolean moves(ModeResult mode) {
        return Arrays.stream(mode.stepLength()).allMatch(length -> length > 0);
    }

    private Figure.Points path(String name, double[][] scores, double scale, int dimensions) {
        double[][] scaled = Arrays.stream(scores, 0, dimensions).map(line -> Arrays.stream(line).map(v -> v / scale).toArray())
                .toArray(double[][]::new);
        List<String> labels = IntStream.rangeClosed(0, data.steps()).mapToObj(t -> name + ", step " + t).toList();
        return new Figure.Points(name, scaled[0], scaled[1], dimensions > 2 ? scaled[2] : NONE, labels, NONE);
    }

    private List<Axis> ownAxes(int dimensions) {
        return IntStream.rangeClosed(1, dimensions).mapToObj(k -> Axis.of("own component " + k + " (steps)")).toList();
    }

    private List<Figure.Points> runs(ModeResult m, int dimensions) {
        List<Figure.Points> groups = new ArrayList<>(IntStream.range(0, Math.min(DRAWN_WALKS, m.stepLength().length)).mapToObj(w ->
                path(m.mode().label() + " walk " + w, m.pca().scores()[w], m.stepLength()[w], dimensions)).toList());
        groups.add(path("any random walk (theory)", data.theory().scores(), 1, dimensions));
        return groups;
    }

    private Optional<Figure> own() {
        return shown().map(m -> new Figure.Scatter("own-components", "Why runs look alike: walks in their own principal components",
                "Each walk in the principal components of itself, from light (start) to dark (end), in steps, with the Lissajous curve "
                + "that theory predicts for any random walk in many dimensions. "
                        + runsDrawn(m) + ", seed " + seed + ".", ownAxes(2),
                runs(m, 2), Optional.empty(), true));
    }

    private String runsDrawn(ModeResult m) {
        return "n = " + Math.min(DRAWN_WALKS, m.stepLength().length) + " of " + m.stepLength().length + " " + m.mode().label() + " walks";
    }

    private Optional<Figure> ownOfModes() {
        List<Figure.Points> groups = data.modes().stream().filter(WalkFigures::moves).map(m -> path(m.mode().label(), m.pca().scores()[0],
                m.stepLength()[0], 2)).toList();
        return groups.isEmpty() ? Optional.empty() : Optional.of(new Figure.Scatter("own-components-by-kind",
                "The first walk of every kind in its own principal components",
                "In steps of the walk, from light (start) to dark (end); every walk has its own axes. n = 1 walk of "
                + "each kind, seed "
                + seed + ".", ownAxes(2), groups, Optional.empty(), true));
    }

    private Optional<Figure> space() {
        return shown().filter(m -> m.pca().scores()[0].length > 2).map(m -> new Figure.Scatter("own-components-3d",
                "Walks in three of their own principal components", "As the flat figure, with the third component. " + runsDrawn(m)
                + ", seed "
                        + seed + ".", ownAxes(3), runs(m, 3), Optional.empty(), true));
    }

    private Optional<Figure> shares() {
        List<ModeResult> moving = data.modes().stream().filter(WalkFigures::moves).toList();
        if (moving.isEmpty()) {
            return Optional.empty();
        }
        int components = moving.getFirst().pca().shares()[0].length;
        List<Figure.BarSeries> series = new ArrayList<>();
        series.add(new Figure.BarSeries("theory, infinitely many steps", Arrays.copyOf(data.theory().limitShares(), components), NONE,
                NONE));
        series.add(new Figure.BarSeries("theory, " + data.steps() + " steps", Arrays.copyOf(data.theory().shares(), components), NONE,
                NONE));
        for (ModeResult m : moving) {
            series.add(new Figure.BarSeries(m.mode().label(), shareQuantile(m, components, 0.5), shareQuantile(m, components, 0.025),
                    shareQuantile(m, components, 0.975)));
        }
        return Optional.of(new Figure.Bars("component-shares", "Variance along a walk's own principal components",
                "Median and 2.5% to 97.5% quantile over walks, next to what theory predicts for independent steps in many dimensions; "
                + origin() + ".", Axis.of("component"),
                Axis.of("variance (share)"), IntStream.rangeClosed(1, components).mapToObj(Integer::toString).toList(), series, false));
    }

    private static double[] shareQuantile(ModeResult m, int components, double p) {
        return IntStream.range(0, components).mapToDouble(k -> Statistics.quantile(Arrays.stream(m.pca().shares()).mapToDouble(s -> s[k])
                .toArray(), p)).toArray();
    }

    private Optional<Figure> fixed() {
        int count = data.basis().axes().length;
        if (count < 2) {
            return Optional.empty();
        }
        List<Figure.Points> groups = new ArrayList<>(data.modes().stream().map(m -> path(m.mode().label(), m.fixed().coordinates()[0], 1,
                2))
                .toList());
        double[] angles = IntStream.rangeClosed(0, 72).mapToDouble(i -> 2 * Math.PI * i / 72).toArray();
        double[] deviations = data.basis().deviations();
        groups.add(new Figure.Points("reference tokens, 2 standard deviations",
                Arrays.stream(angles).map(a -> 2 * deviations[0] * Math.cos(a))
                .toArray(), Arrays.stream(angles).map(a -> 2 * deviations[1] * Math.sin(a)).toArray(), NONE, List.of(), NONE));
        String source = data.basis().source() == RandomWalkConfig.Basis.ACTIVATIONS ? "the model's activations on " + data.basis().rows()
                + (data.basis().fromCorpus() ? " tokens of the corpus" : " random tokens") : data.basis().rows() + " decoder rows";
        return Optional.of(new Figure.Scatter("fixed-basis", "The same walks in a fixed basis",
                "Patched activations along the first two principal axes of "
                + source + " (" + Text.percent(data.basis().shares()[0]) + " and " + Text.percent(data.basis().shares()[1])
                + " of their variance), relative to the mean of the reference tokens. n = 1 walk of each kind, seed " + seed + ".",
                List.of(Axis.of("principal axis 1 (activation)"), Axis.of("principal axis 2 (activation)")), groups, Optional.empty(),
                true));
    }

    private Figure decoded() {
        List<List<Object>> rows = new ArrayList<>();
        for (Decoded d : data.decoded()) {
            rows.add(List.of(d.mode().label(), d.step(), d.kl(), d.top().stream().map(t -> t.text() + " "
                    + Text.format("%.3f", t.probability()))
                    .collect(Collectors.joining(" | ")), d.text()));
        }
        return new Figure.Table("decoded", "What the model says along the walks", "The prompt \"" + String.join("", data.start().tokens())
                + "\", with the activation at its token " + data.start().position() + " moved along the first walk of every kind; greedy "
                + "continuations. n = 1 walk of each kind, seed " + seed + ".",
                List.of("kind of walk", "step", "KL (nats)", "next token, probability", "continuation"), rows);
    }
}
