package org.sae4j.experiment.specificity.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Figure.Axis;
import org.sae4j.api.experiment.Figure.BarSeries;
import org.sae4j.api.experiment.Figure.Bars;
import org.sae4j.api.experiment.Figure.ColorScale;
import org.sae4j.api.experiment.Figure.Distributions;
import org.sae4j.api.experiment.Figure.Heatmap;
import org.sae4j.api.experiment.Figure.Histogram;
import org.sae4j.api.experiment.Figure.Line;
import org.sae4j.api.experiment.Figure.Lines;
import org.sae4j.api.experiment.Figure.Palette;
import org.sae4j.api.experiment.Figure.Sample;
import org.sae4j.api.experiment.Figure.Strip;
import org.sae4j.api.experiment.Figure.Table;
import org.sae4j.api.experiment.Figure.TokenStrips;
import org.sae4j.experiment.specificity.SpecificityResult;
import org.sae4j.experiment.specificity.SpecificityResult.DetectorResult;
import org.sae4j.experiment.specificity.SpecificityResult.LabelResult;
import org.sae4j.experiment.specificity.SpecificityResult.SentenceResult;

/** Draws a result. */
public final class SpecificityFigures {
    private static final int SEARCH_BINS = 50;

    private final SpecificityResult data;
    private final List<Figure> figures = new ArrayList<>();
    private final String sample;
    private int detectors;

    /**
     * Starts drawing.
     *
     * @param data what was measured
     * @param seed of the run
     */
    public SpecificityFigures(SpecificityResult data, long seed) {
        this.data = data;
        sample = data.documents() + " documents, " + data.tokens() + " tokens without BOS, " + data.features() + " features, seed "
                + seed + ".";
    }

    /** {@return what was drawn} */
    public List<Figure> figures() {
        return figures;
    }

    /** Draws the table of labels and the bars of their best features. */
    public void summary() {
        List<String> columns = List.of("label", "documents", "best feature", "AUROC", "low", "high", "adjusted p", "discoveries",
                "precision", "recall", "held-out feature", "held-out AUROC", "held-out low", "held-out high", "held-out precision",
                "held-out recall", "AUROC by token", "best by token", "its AUROC by token", "shuffled labels", "best under shuffled "
                        + "labels");
        List<List<Object>> rows = new ArrayList<>();
        for (LabelResult l : data.labels()) {
            rows.add(List.of(l.label(), l.documents(), l.best().feature(), l.best().auroc(), l.interval().low(), l.interval().high(),
                    l.adjustedP(), l.discoveries(), l.documentDecision().precision(), l.documentDecision().recall(),
                    l.heldOut().feature(), l.heldOut().auroc(), l.heldOut().interval().low(), l.heldOut().interval().high(),
                    l.heldOut().decision().precision(), l.heldOut().decision().recall(), l.tokenAuroc(), l.bestByToken().feature(),
                    l.bestByToken().auroc(), l.shuffledAuroc(), l.shuffledBest()));
        }
        figures.add(new Table("labels", "Best feature of each label", "Documents score the largest activation over their tokens; "
                + "precision and recall at the threshold with the highest F1; low and high are 95% bootstrap intervals over documents. "
                + "Columns by token take every token of a label's documents as positive. " + sample, columns, rows));
        figures.add(new Bars("best-auroc", "How well the best feature separates each label", "Bars with 95% bootstrap intervals over "
                + "documents. Held out: feature chosen on one half, measured on the other. By token: another question, see the notes. "
                + "The null is 0.5; a search over all features finds more even under shuffled labels. " + sample, Axis.of("label"),
                Axis.of("AUROC"),
                labels(),
                List.of(new BarSeries("by document", each(l -> l.best().auroc()), each(l -> l.interval().low()),
                                each(l -> l.interval().high())),
                        new BarSeries("by document, held out", each(l -> l.heldOut().auroc()), each(l -> l.heldOut().interval().low()),
                                each(l -> l.heldOut().interval().high())),
                        BarSeries.of("by token, best feature by token", each(l -> l.bestByToken().auroc())),
                        BarSeries.of("same feature, shuffled labels", each(LabelResult::shuffledAuroc)),
                        BarSeries.of("best of search, shuffled labels", each(LabelResult::shuffledBest))), false));
    }

    /**
     * Draws how the best feature of each label does on all labels.
     *
     * @param auroc for each label's best feature its AUROC for every label
     */
    public void crossTable(List<double[]> auroc) {
        figures.add(new Heatmap("auroc-matrix", "Best features against all labels", "AUROC by document of each label's best feature "
                + "(rows) for every label (columns); 0.5 is chance. " + sample, Axis.of("label"),
                Axis.of("feature"),
                labels(),
                data.labels().stream().map(LabelResult::name).toList(), auroc.toArray(double[][]::new),
                new ColorScale(Palette.SEQUENTIAL, 0, 1, "AUROC")));
    }

    /**
     * Draws the areas of all features beside those under shuffled labels.
     *
     * @param found by label and feature
     * @param shuffled by label and feature
     */
    public void searchHistogram(List<double[]> found, List<double[]> shuffled) {
        double[] edges = IntStream.rangeClosed(0, SEARCH_BINS).mapToDouble(i -> (double) i / SEARCH_BINS).toArray();
        figures.add(new Histogram("search", "AUROC of all features for all labels", "Pairs of feature and label by AUROC over documents, "
                + "as found and under shuffled labels (the null, centered at 0.5). Logarithmic counts. " + sample, Axis.of("AUROC by "
                + "document"),
                new Axis("pairs of feature and label", true), edges,
                List.of(BarSeries.of("labels", count(found)), BarSeries.of("shuffled labels", count(shuffled))), false));
    }

    private static double[] count(List<double[]> areas) {
        double[] counts = new double[SEARCH_BINS];
        for (double[] line : areas) {
            for (double area : line) {
                counts[Math.min(SEARCH_BINS - 1, (int) (area * SEARCH_BINS))]++;
            }
        }
        return counts;
    }

    /**
     * Draws one detector.
     *
     * @param detector the detector
     * @param maxima largest activations of the documents of every label
     */
    public void detector(DetectorResult detector, List<double[]> maxima) {
        String id = "detector-" + ++detectors + "-feature-" + detector.feature() + "-";
        String name = Character.toUpperCase(detector.name().charAt(0)) + detector.name().substring(1);
        String concept = detector.script().isEmpty() ? "tokens of documents labeled " + detector.label()
                : "tokens that end a string of " + detector.script() + " script";
        String score = "Score: ln P(s|" + detector.label() + ")/P(s), maximised over strings that end at the token; P(c) = "
                + String.format(java.util.Locale.ROOT, "%.4f", detector.prior()) + ". ";
        Axis activation = Axis.of("activation");
        var histogram = detector.histogram();
        figures.add(new Histogram(id + "histogram", name + ": active tokens by score", "Active tokens by activation, stacked by score. "
                + score
                + sample, activation, Axis.of("tokens"), histogram.edges(), levels(histogram.levels(), histogram.counts()), true));
        figures.add(new Histogram(id + "weighted", name + ": activation by score", "The same, weighted by activation. " + score + sample,
                activation, Axis.of("sum of activations"), histogram.edges(), levels(histogram.levels(), histogram.weights()), true));
        figures.add(new Lines(id + "thresholds", name + ": precision and recall by threshold", "Precision (specificity) and recall "
                + "(sensitivity) where the activation exceeds the threshold, over documents labeled " + detector.label() + " and over "
                + concept
                + ". Dashed: precision of deciding at random. " + sample, Axis.of("activation threshold"), Axis.of("share"), List.of(
                Line.of("precision, documents", detector.thresholds(), detector.documentPrecision()),
                Line.of("recall, documents", detector.thresholds(), detector.documentRecall()),
                Line.of("precision, tokens", detector.thresholds(), detector.tokenPrecision()),
                Line.of("recall, tokens", detector.thresholds(), detector.tokenRecall()),
                Line.reference("chance, tokens", detector.thresholds(), constant(detector.prior(), detector.thresholds().length)))));
        List<Sample> samples = new ArrayList<>();
        for (int i = 0; i < maxima.size(); i++) {
            samples.add(new Sample(labels().get(i), maxima.get(i)));
        }
        figures.add(new Distributions(id + "labels", name + ": largest activation by label", "Largest activation over the tokens of each "
                + "document. "
                + sample, Axis.of("label"), Axis.of("largest activation"), samples));
        double max = histogram.edges()[histogram.edges().length - 1];
        List<Strip> strips = detector.examples().stream().map(e -> new Strip(String.format(java.util.Locale.ROOT,
                "interval %d, activation %.3f at token %d, %s, document %d", e.interval(), e.activation(), e.position(), e.label(),
                e.document()), e.tokens(), e.activations())).toList();
        figures.add(new TokenStrips(id + "examples", name + ": examples from equal activation intervals", "Active tokens in context, "
                + "drawn at random from equal intervals of activation from 0 to " + String.format(java.util.Locale.ROOT, "%.3f", max)
                + ", the highest interval first. " + sample, new ColorScale(Palette.SEQUENTIAL, 0, max, "activation"), strips));
    }

    /**
     * Draws the equivalent sentences, if there are any.
     *
     * @param maxima gives the largest activations of features in the corpus
     */
    public void sentences(Function<int[], double[]> maxima) {
        if (data.sentences().isEmpty()) {
            return;
        }
        List<String> categories = List.copyOf(new LinkedHashSet<>(data.sentences().stream().map(SentenceResult::label).toList()));
        List<Integer> features = data.sentences().getFirst().features();
        double[] max = maxima.apply(features.stream().mapToInt(f -> f).toArray());
        List<BarSeries> series = new ArrayList<>();
        List<Strip> strips = new ArrayList<>();
        for (int f = 0; f < features.size(); f++) {
            int index = f;
            double[][] values = categories.stream().map(c -> data.sentences().stream().filter(s -> s.label().equals(c))
                    .mapToDouble(s -> scaled(s, index, max[index]).max().orElse(0)).toArray()).toArray(double[][]::new);
            series.add(new BarSeries(name(features.get(f)), stream(values, v -> Arrays.stream(v).average().orElse(0)),
                    stream(values, v -> Arrays.stream(v).min().orElse(0)), stream(values, v -> Arrays.stream(v).max().orElse(0))));
            for (SentenceResult s : data.sentences()) {
                strips.add(new Strip(name(features.get(f)) + ", on " + s.label(), s.tokens(), scaled(s, index, max[index]).toArray()));
            }
        }
        String scale = "relative to the feature's largest activation in the corpus. ";
        int n = data.sentences().size();
        figures.add(new Bars("sentences", "The same sentences in every language", "Largest activation over the tokens of a sentence, "
                + scale
                + "Bars: mean over the sentences of a category; error bars: their smallest and largest. " + n + " sentences. " + sample,
                Axis.of("category"), Axis.of("activation (share of the largest in the corpus)"), categories, series, false));
        figures.add(new TokenStrips("sentence-tokens", "The same sentences, token by token", "Activations " + scale + n + " sentences. "
                + sample,
                new ColorScale(Palette.SEQUENTIAL, 0, 1, "activation (share of the largest in the corpus)"), strips));
    }

    private static java.util.stream.DoubleStream scaled(SentenceResult sentence, int feature, double max) {
        return Arrays.stream(sentence.activations()[feature]).map(a -> max == 0 ? a : a / max);
    }

    private String name(int feature) {
        Optional<String> ofLabel = data.labels().stream().filter(l -> l.best().feature() == feature).map(LabelResult::name).findFirst();
        return ofLabel.or(() -> data.detectors().stream().filter(d -> d.feature() == feature).map(DetectorResult::name).findFirst())
                .orElse("feature " + feature);
    }

    private List<String> labels() {
        return data.labels().stream().map(LabelResult::label).toList();
    }

    private double[] each(ToDoubleFunction<LabelResult> value) {
        return data.labels().stream().mapToDouble(value).toArray();
    }

    private static double[] stream(double[][] values, ToDoubleFunction<double[]> value) {
        return Arrays.stream(values).mapToDouble(value).toArray();
    }

    private static List<BarSeries> levels(List<String> names, double[][] values) {
        return IntStream.range(0, values.length).mapToObj(i -> BarSeries.of(names.get(i), values[i])).toList();
    }

    private static double[] constant(double value, int n) {
        double[] constant = new double[n];
        Arrays.fill(constant, value);
        return constant;
    }
}
