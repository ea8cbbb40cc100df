package org.sae4j.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.stats.Statistics;

/** How well single features separate the labels of a corpus. */
final class Detectors {
    private static final int TOKENS = 6;

    private Detectors() {
    }

    /**
     * The best feature of a label.
     *
     * @param feature the feature
     * @param auroc how well its largest activation over a document tells the label's documents from all others
     * @param tokens distinct tokens it is most active on, the strongest first
     */
    record Best(int feature, double auroc, List<String> tokens) {}

    /**
     * For every label the feature with the highest AUROC; of equal ones the one that is more active on the label's documents.
     *
     * @param corpus labelled documents with feature activations
     * @param tokenizer names tokens
     * @return by label, in order of first appearance
     */
    static Map<String, Best> bestByLabel(EncodedCorpus corpus, Tokenizer tokenizer) {
        List<String> labels = corpus.documents().stream().map(Document::label).toList();
        float[][] maxima = corpus.maxByDocument();
        Map<String, int[]> documents = new LinkedHashMap<>();
        for (String label : labels) {
            documents.computeIfAbsent(label, l -> IntStream.range(0, labels.size()).filter(d -> labels.get(d).equals(l)).toArray());
        }
        Map<String, Integer> feature = new LinkedHashMap<>();
        Map<String, double[]> score = new LinkedHashMap<>();
        for (int f = 0; f < maxima.length; f++) {
            float[] values = maxima[f];
            double[] ranks = Statistics.ranks(IntStream.range(0, values.length).mapToDouble(d -> values[d]).toArray());
            for (Map.Entry<String, int[]> entry : documents.entrySet()) {
                double n = entry.getValue().length;
                double sum = Arrays.stream(entry.getValue()).mapToDouble(d -> ranks[d]).sum();
                double auroc = (sum - n * (n + 1) / 2) / (n * (ranks.length - n));
                double mean = Arrays.stream(entry.getValue()).mapToDouble(d -> values[d]).sum() / n;
                double[] best = score.get(entry.getKey());
                if (best == null || auroc > best[0] || auroc == best[0] && mean > best[1]) {
                    score.put(entry.getKey(), new double[] {auroc, mean});
                    feature.put(entry.getKey(), f);
                }
            }
        }
        Map<String, Best> result = new LinkedHashMap<>();
        feature.forEach((label, f) -> result.put(label, new Best(f, score.get(label)[0], topTokens(corpus, f, tokenizer))));
        return result;
    }

    private static List<String> topTokens(EncodedCorpus corpus, int feature, Tokenizer tokenizer) {
        record Firing(int row, float value) {}
        SparseRows features = corpus.features();
        List<Firing> firings = new ArrayList<>();
        for (int row = 0; row < features.rows(); row++) {
            float value = features.get(row, feature);
            if (value > 0) {
                firings.add(new Firing(row, value));
            }
        }
        firings.sort(Comparator.comparingDouble((Firing f) -> f.value()).reversed().thenComparingInt(Firing::row));
        Set<String> tokens = new LinkedHashSet<>();
        for (Firing firing : firings) {
            int document = corpus.documentOf(firing.row());
            tokens.add(tokenizer.token(corpus.tokens(document)[firing.row() - corpus.start(document)]).strip());
            if (tokens.size() == TOKENS) {
                break;
            }
        }
        return List.copyOf(tokens);
    }
}
