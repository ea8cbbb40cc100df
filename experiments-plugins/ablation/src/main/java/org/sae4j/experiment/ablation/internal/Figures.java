package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.ablation.AblationConfig;
import org.sae4j.experiment.ablation.AblationResult;
import org.sae4j.experiment.ablation.AblationResult.FeatureEffect;
import org.sae4j.experiment.ablation.AblationResult.LabelEffect;
import org.sae4j.experiment.ablation.AblationResult.ModeEffect;
import org.sae4j.experiment.ablation.AblationResult.PositionEffect;
import org.sae4j.experiment.ablation.AblationResult.ReconstructionEffect;

/** Draws the results. */
public final class Figures {
    /** Share of the values of a heat map that its colours tell apart. */
    private static final double CLIP = 0.95;
    private static final double[] NONE = {};
    private static final Figure.Axis FEATURE = Figure.Axis.of("feature");

    private final AblationResult result;
    private final AblationConfig config;
    private final String tail;

    /**
     * Prepares figures.
     *
     * @param result what was measured
     * @param config the configuration
     * @param seed the run's seed
     */
    public Figures(AblationResult result, AblationConfig config, long seed) {
        this.result = result;
        this.config = config;
        tail = " Text of " + result.text().size() + " tokens; seed " + seed + ".";
    }

    /** {@return all figures that have data} */
    public List<Figure> draw() {
        List<Figure> figures = new ArrayList<>();
        if (!active().isEmpty()) {
            figures.add(top("top-by-ablation", "Top ten features by ablation", e -> Math.abs(e.ablation())));
            figures.add(top("top-by-activation", "Top ten features by activation", FeatureEffect::activation));
            if (result.attributed()) {
                figures.add(ranks());
            }
        }
        if (!result.detailed().isEmpty()) {
            figures.add(modes());
            figures.add(byPosition());
            figures.add(byToken());
            figures.add(movers());
            figures.add(relative());
            figures.add(sorted());
            figures.add(reconstruction());
        }
        if (!result.labels().isEmpty()) {
            figures.add(labels());
            figures.add(matrix());
            figures.add(predictions());
        }
        return figures;
    }

    private List<FeatureEffect> active() {
        return result.features().stream().filter(e -> e.tokens() > 0).toList();
    }

    private Figure top(String id, String title, ToDoubleFunction<FeatureEffect> by) {
        List<FeatureEffect> top = active().stream().sorted(Comparator.comparingDouble(e -> -by.applyAsDouble(e))).limit(10)
                .toList();
        List<Figure.BarSeries> series = new ArrayList<>(List.of(Figure.BarSeries.of("ablation", array(top, FeatureEffect::ablation))));
        if (result.attributed()) {
            series.add(Figure.BarSeries.of("attribution", array(top, FeatureEffect::attribution)));
        }
        return new Figure.Bars(id, title, "Fall of the log probability of \"" + result.target() + "\" after the text when the feature is"
                + " set to zero at all tokens" + (result.attributed() ? ", and its first-order attribution" : "") + ", for the top ten of "
                + active().size() + " features." + tail, FEATURE, Figure.Axis.of("fall of log probability (nats)"), names(top), series, true);
    }

    private static List<String> names(List<FeatureEffect> effects) {
        return effects.stream().map(e -> "#" + e.feature()).toList();
    }

    private Figure ranks() {
        List<FeatureEffect> all = active();
        return new Figure.Scatter("attribution-ablation", "Attribution and ablation", "Each point is one of " + all.size()
                + " active features: what its ablation takes from the log probability of \"" + result.target() + "\", and the first-order"
                + " estimate." + tail, List.of(Figure.Axis.of("attribution (nats)"), Figure.Axis.of("ablation (nats)")),
                List.of(new Figure.Points("features", array(all, FeatureEffect::attribution), array(all, FeatureEffect::ablation), NONE,
                        names(all), array(all, FeatureEffect::activation))),
                Optional.of(new Figure.ColorScale(Figure.Palette.SEQUENTIAL, 0, all.stream().mapToDouble(FeatureEffect::activation).max()
                        .orElse(1), "sum of f |d|")), false);
    }

    private List<String> detailed() {
        return result.detailed().stream().map(j -> "#" + j).toList();
    }

    private Figure modes() {
        List<String> kinds = result.modes().stream().map(Figures::kind).distinct().toList();
        List<Figure.BarSeries> series = new ArrayList<>();
        for (String kind : kinds) {
            double[] values = new double[result.detailed().size()];
            double[] low = new double[values.length];
            double[] high = new double[values.length];
            Arrays.fill(values, Double.NaN);
            Arrays.fill(low, Double.NaN);
            Arrays.fill(high, Double.NaN);
            for (ModeEffect effect : result.modes()) {
                if (kind(effect).equals(kind)) {
                    int at = result.detailed().indexOf(effect.feature());
                    values[at] = effect.kl();
                    low[at] = effect.interval().low();
                    high[at] = effect.interval().high();
                }
            }
            series.add(new Figure.BarSeries(kind, values, low, high));
        }
        return new Figure.Bars("modes", "Ways to ablate, and controls", "Mean divergence of next-token distributions from the first ablated"
                + " token on; random modes: mean over " + config.seeds() + " draws with 95% intervals (bootstrap over draws). Controls: a"
                + " random direction of the same norms, and zero-ablation of the other active feature of nearest strength." + tail, FEATURE,
                Figure.Axis.of("divergence (nats)"), detailed(), series, false);
    }

    private static String kind(ModeEffect effect) {
        return effect.kind().startsWith("feature ") ? "other feature" : effect.kind();
    }

    private Figure byToken() {
        double clip = 0;
        for (double[] row : result.byToken()) {
            for (double value : row) {
                clip = Math.max(clip, Math.abs(value));
            }
        }
        List<String> tokens = IntStream.range(0, result.text().size()).mapToObj(t -> t + " " + result.text().get(t)).toList();
        return new Figure.Heatmap("by-token", "Setting a feature to zero at one token", "Change of the log probability of \""
                + result.target()
                + "\" after the text; colors end at the largest absolute change." + tail, Figure.Axis.of("ablated token"), FEATURE, tokens,
                detailed(), result.byToken(), new Figure.ColorScale(Figure.Palette.DIVERGING, -clip, clip, "change of log probability"
                + " (nats)"));
    }

    private Figure byPosition() {
        int length = result.text().size();
        double[][] divergences = new double[result.detailed().size()][length];
        double high = 0;
        for (PositionEffect effect : result.byPosition()) {
            divergences[result.detailed().indexOf(effect.feature())][effect.position()] = effect.kl();
            high = Math.max(high, effect.kl());
        }
        List<String> tokens = IntStream.range(0, length).mapToObj(t -> t + " " + result.text().get(t)).toList();
        return new Figure.Heatmap("by-position", "Where predictions change without a feature", "Divergence of the next-token distribution"
                + " at each position when a feature is set to zero at all tokens." + tail, Figure.Axis.of("position"), FEATURE, tokens,
                detailed(), divergences, new Figure.ColorScale(Figure.Palette.SEQUENTIAL, 0, high, "divergence (nats)"));
    }

    private Figure movers() {
        List<List<Object>> rows = new ArrayList<>();
        result.movers().forEach(m -> rows.add(List.of("#" + m.feature(), m.token(), m.before(), m.after(), m.after() - m.before())));
        return new Figure.Table("movers", "Tokens that move most after the text", "Among the 50 most probable tokens before or after the"
                + " feature is set to zero at all tokens." + tail, List.of("feature", "token", "log p before (nats)", "log p after (nats)",
                "change (nats)"), rows);
    }

    private Figure relative() {
        return new Figure.Heatmap("relative-effects", "Effects on other features when the reconstruction is encoded again", "Mean change"
                + " of the feature of the column, relative to its mean activation, over the tokens where the feature of the row is active"
                + " and set to zero; empty where the column's feature is not active; colors clipped at -1 and 1." + tail,
                Figure.Axis.of("affected feature"), Figure.Axis.of("ablated feature"), detailed(), detailed(), result.relativeEffects(),
                new Figure.ColorScale(Figure.Palette.DIVERGING, -1, 1, "relative change (share)"));
    }

    private Figure sorted() {
        List<Figure.Line> lines = new ArrayList<>();
        for (int i = 0; i < result.detailed().size(); i++) {
            double[] values = result.sortedDifferences()[i];
            double[] ranks = new double[values.length];
            Arrays.setAll(ranks, r -> r + 1);
            lines.add(Figure.Line.of("#" + result.detailed().get(i), ranks, values));
        }
        return new Figure.Lines("sorted-differences", "Absolute changes of other features, sorted", "Mean absolute change of each other"
                + " feature when the reconstruction without a feature is encoded again; the 100 largest." + tail, Figure.Axis.of("rank"),
                Figure.Axis.of("mean absolute change (activation)"), lines);
    }

    private Figure reconstruction() {
        List<List<Object>> rows = new ArrayList<>();
        for (ReconstructionEffect e : result.reconstruction()) {
            rows.add(List.of("#" + e.feature(), e.mode().title(), e.tokens(), e.activation(), e.change(), e.changeExpected(), e.mse(),
                    e.mseAfter(), e.mseChangeExpected(), e.cosine(), e.changedShare(), e.reencodeError()));
        }
        return new Figure.Table("reconstruction", "Effects on the reconstruction", "Means over the tokens where the feature is active."
                + " Expected values are the closed"
                + " forms." + tail, List.of("feature", "mode", "tokens", "activation", "norm of change", "expected",
                "MSE before", "MSE after", "expected change of MSE", "cosine", "features changed (share)", "largest deviation of"
                + " re-encoding"),
                rows);
    }

    private Figure labels() {
        List<LabelEffect> labels = result.labels();
        return new Figure.Bars("labels", "Loss without the best detector of a label", "Mean rise of the loss per token when the"
                + " feature is set to zero at all tokens, on up to"
                + " " + config.labelDocuments() + " documents of its label and on those of all other"
                + " labels; 95% intervals (bootstrap over documents)." + tail, Figure.Axis.of("label and feature"),
                Figure.Axis.of("rise of loss (nats per token)"), labels.stream().map(l -> l.label() + ", feature " + l.feature()).toList(), List.of(
                Figure.BarSeries.of("its label", labels.stream().map(l -> l.rise().measured()).toList()),
                Figure.BarSeries.of("elsewhere", labels.stream().map(l -> l.rise().control()).toList())), true);
    }

    private Figure matrix() {
        // The largest of the labels would leave no colour for the others.
        double[] sizes = Arrays.stream(result.labelMatrix()).flatMapToDouble(Arrays::stream).filter(v -> !Double.isNaN(v)).map(Math::abs)
                .toArray();
        double clip = sizes.length == 0 ? 0 : Statistics.quantile(sizes, CLIP);
        return new Figure.Heatmap("label-matrix", "Whose loss rises", "Mean rise of the loss per token by ablated feature (row) and label"
                + " of the documents (column); colors end at the 95% quantile of the absolute values." + tail,
                Figure.Axis.of("label of the documents"),
                Figure.Axis.of("label of the feature"), result.labels().stream().map(LabelEffect::label).toList(),
                result.labels().stream().map(l -> l.label() + ", feature " + l.feature()).toList(), result.labelMatrix(),
                new Figure.ColorScale(Figure.Palette.DIVERGING, -clip, clip, "rise of loss (nats per token)"));
    }

    private Figure predictions() {
        List<List<Object>> rows = new ArrayList<>();
        result.labels().forEach(l -> rows.add(List.of(l.label(), l.feature(), l.context(), l.before(), l.after())));
        return new Figure.Table("predictions", "What the features of labels do to the next token", "Top predictions with probabilities"
                + " after the token where the feature is strongest in the corpus, as they are and with the feature set to zero at all"
                + " tokens." + tail,
                List.of("label", "feature", "text up to the token", "predictions", "predictions without the feature"), rows);
    }

    private static <T> double[] array(List<T> list, ToDoubleFunction<T> value) {
        return list.stream().mapToDouble(value).toArray();
    }
}
