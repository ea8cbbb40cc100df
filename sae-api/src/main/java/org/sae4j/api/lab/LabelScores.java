package org.sae4j.api.lab;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.stats.Statistics;

/**
 * How well every feature tells the documents and the tokens of every label from all others: areas under the receiver operating
 * characteristic. A document's score is its largest activation, a token's label that of its document. Immutable.
 */
public final class LabelScores {
    /** From this area over documents on a feature is called by its label. */
    public static final double NAMED = 0.8;

    private final EncodedCorpus corpus;
    private final FeatureColumns columns;
    private final List<String> labels;
    private final int[] labelOfDocument;
    private final double[][] byDocument;
    private final double[][] byToken;

    private LabelScores(EncodedCorpus corpus) {
        this.corpus = corpus;
        columns = new FeatureColumns(corpus.features());
        Map<String, Integer> numbers = new LinkedHashMap<>();
        corpus.documents().stream().map(Document::label).filter(label -> !label.isEmpty())
                .forEach(label -> numbers.putIfAbsent(label, numbers.size()));
        labels = List.copyOf(numbers.keySet());
        labelOfDocument = corpus.documents().stream().mapToInt(d -> numbers.getOrDefault(d.label(), -1)).toArray();
        byDocument = new double[labels.size()][columns.features()];
        byToken = new double[labels.size()][columns.features()];
    }

    /**
     * Scores all features.
     *
     * @param corpus documents with feature activations; documents without a label count as negatives of every label
     * @param progress told of every hundredth feature
     * @return the scores
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static LabelScores of(EncodedCorpus corpus, Progress progress) {
        Objects.requireNonNull(corpus, "corpus");
        Objects.requireNonNull(progress, "progress");
        LabelScores scores = new LabelScores(corpus);
        int[] documents = new int[scores.labels.size()];
        int[] tokens = new int[scores.labels.size()];
        for (int d = 0; d < scores.labelOfDocument.length; d++) {
            if (scores.labelOfDocument[d] >= 0) {
                documents[scores.labelOfDocument[d]]++;
                tokens[scores.labelOfDocument[d]] += corpus.start(d + 1) - corpus.start(d);
            }
        }
        for (int feature = 0; feature < scores.columns.features(); feature++) {
            if (feature % 100 == 0) {
                progress.checkCancelled();
                progress.update("scoring features by label", feature, scores.columns.features());
            }
            scores.score(feature, documents, tokens);
        }
        progress.update("scoring features by label", scores.columns.features(), scores.columns.features());
        return scores;
    }

    private void score(int feature, int[] documents, int[] tokens) {
        int n = columns.active(feature);
        int[] labelOfToken = new int[n];
        int[] labelOfMaximum = new int[n];
        double[] maxima = new double[n];
        int count = 0;
        int last = -1;
        for (int i = 0; i < n; i++) {
            int entry = columns.start(feature) + i;
            int document = last >= 0 && columns.row(entry) < corpus.start(last + 1) ? last : corpus.documentOf(columns.row(entry));
            if (document != last) {
                labelOfMaximum[count++] = labelOfDocument[document];
                last = document;
            }
            maxima[count - 1] = Math.max(maxima[count - 1], columns.value(entry));
            labelOfToken[i] = labelOfDocument[document];
        }
        areas(columns.values(feature), labelOfToken, tokens, columns.rows(), feature, byToken);
        areas(Arrays.copyOf(maxima, count), labelOfMaximum, documents, corpus.documents().size(), feature, byDocument);
    }

    /** Areas from the active cases alone: all others are 0 and share the mean of the lowest ranks. */
    private static void areas(double[] active, int[] label, int[] sizes, int cases, int feature, double[][] areas) {
        double[] ranks = Statistics.ranks(active);
        int zeros = cases - active.length;
        double[] sums = new double[sizes.length];
        int[] hits = new int[sizes.length];
        for (int i = 0; i < active.length; i++) {
            if (label[i] >= 0) {
                sums[label[i]] += ranks[i] + zeros;
                hits[label[i]]++;
            }
        }
        for (int l = 0; l < sizes.length; l++) {
            double n = sizes[l];
            double sum = sums[l] + (n - hits[l]) * (zeros + 1) / 2.0;
            areas[l][feature] = (sum - n * (n + 1) / 2) / (n * (cases - n));
        }
    }

    /** {@return the corpus that was scored} */
    public EncodedCorpus corpus() {
        return corpus;
    }

    /** {@return the labels of the corpus in order of first appearance, without the empty one} */
    public List<String> labels() {
        return labels;
    }

    /**
     * The area over documents.
     *
     * @param label a label
     * @param feature a feature
     * @return from 0 to 1; NaN if all documents have the label
     * @throws IllegalArgumentException if the corpus has no such label
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public double byDocument(String label, int feature) {
        return byDocument[number(label)][feature];
    }

    /**
     * The area over tokens.
     *
     * @param label a label
     * @param feature a feature
     * @return from 0 to 1; NaN if all tokens have the label, or none
     * @throws IllegalArgumentException if the corpus has no such label
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public double byToken(String label, int feature) {
        return byToken[number(label)][feature];
    }

    /**
     * The best detectors of a label: the largest areas over documents, equal ones by the area over tokens, then the lower number. Features
     * that are never active are left out.
     *
     * @param label a label
     * @param count how many at most
     * @return features, the best first; empty if all documents have the label
     * @throws IllegalArgumentException if the corpus has no such label
     */
    public int[] best(String label, int count) {
        double[] documents = byDocument[number(label)];
        double[] tokens = byToken[number(label)];
        return IntStream.range(0, documents.length).filter(f -> columns.active(f) > 0 && !Double.isNaN(documents[f])).boxed()
                .sorted(Comparator.<Integer>comparingDouble(f -> -documents[f]).thenComparingDouble(f -> -tokens[f]))
                .limit(count).mapToInt(Integer::intValue).toArray();
    }

    /**
     * The label that a feature detects best, decided as in {@link #best}.
     *
     * @param feature a feature
     * @return a label; empty if the feature is never active or no label tells documents apart
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public Optional<String> bestLabel(int feature) {
        if (columns.active(feature) == 0) {
            return Optional.empty();
        }
        return IntStream.range(0, labels.size()).filter(l -> !Double.isNaN(byDocument[l][feature])).boxed()
                .min(Comparator.<Integer>comparingDouble(l -> -byDocument[l][feature]).thenComparingDouble(l -> -byToken[l][feature]))
                .map(labels::get);
    }

    /** {@return the features that are active somewhere, ascending} */
    public int[] alive() {
        return IntStream.range(0, columns.features()).filter(f -> columns.active(f) > 0).toArray();
    }

    /** {@return the activations by feature} */
    public FeatureColumns columns() {
        return columns;
    }

    /**
     * The one name of a feature: its number, and behind it the label that it detects best, if it does so well enough.
     *
     * @param feature a feature
     * @return such as {@code feature 123: arabic}; {@code feature 123} below an area over documents of {@value #NAMED}
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public String name(int feature) {
        return "feature " + feature + bestLabel(feature).filter(l -> byDocument(l, feature) >= NAMED).map(l -> ": " + l).orElse("");
    }

    /**
     * How much of a feature lies in documents of a label.
     *
     * @param label a label
     * @param feature a feature
     * @return the share of the tokens where it is active; NaN if it never is
     * @throws IllegalArgumentException if the corpus has no such label
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public double share(String label, int feature) {
        int number = number(label);
        long inside = 0;
        for (int e = columns.start(feature); e < columns.start(feature + 1); e++) {
            inside += labelOfDocument[corpus.documentOf(columns.row(e))] == number ? 1 : 0;
        }
        return (double) inside / columns.active(feature);
    }

    /**
     * How much of the corpus a label is.
     *
     * @param label a label
     * @return the share of all tokens that lie in its documents
     * @throws IllegalArgumentException if the corpus has no such label
     */
    public double share(String label) {
        int number = number(label);
        long inside = 0;
        for (int d = 0; d < labelOfDocument.length; d++) {
            inside += labelOfDocument[d] == number ? corpus.start(d + 1) - corpus.start(d) : 0;
        }
        return (double) inside / columns.rows();
    }

    /**
     * The labels by how well a feature detects them, decided as in {@link #best}.
     *
     * @param feature a feature
     * @return all labels, the best first
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public List<String> labels(int feature) {
        return labels.stream().sorted(Comparator.<String>comparingDouble(l -> -byDocument(l, feature))
                .thenComparingDouble(l -> -byToken(l, feature))).toList();
    }

    private int number(String label) {
        int number = labels.indexOf(Objects.requireNonNull(label, "label"));
        if (number < 0) {
            throw new IllegalArgumentException("no label '" + label + "', only " + labels);
        }
        return number;
    }
}
