package org.sae4j.core.features;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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

    FeatureColumns columns() {
        return columns;
    }

    /** {@return the areas of a feature with its share of active tokens, the best label first} */
    List<FeatureProfile.LabelScore> of(int feature) {
        long[] tokens = new long[labels.size()];
        for (int e = columns.start(feature); e < columns.start(feature + 1); e++) {
            int label = labelOfDocument[corpus.documentOf(columns.row(e))];
            if (label >= 0) {
                tokens[label]++;
            }
        }
        List<FeatureProfile.LabelScore> scores = new ArrayList<>();
        for (int l = 0; l < labels.size(); l++) {
            scores.add(new FeatureProfile.LabelScore(labels.get(l), byDocument[l][feature], byToken[l][feature],
                    (double) tokens[l] / columns.active(feature)));
        }
        scores.sort(Comparator.comparingDouble((FeatureProfile.LabelScore s) -> -s.documentAuroc())
                .thenComparingDouble(s -> -s.tokenAuroc()));
        return List.copyOf(scores);
    }

    private int number(String label) {
        int number = labels.indexOf(label);
        if (number < 0) {
            throw new IllegalArgumentException("the corpus has no label '" + label + "', only " + labels);
        }
        return number;
    }
}
