package org.sae4j.cli;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.stats.Statistics;

/** How well single features separate the labels of a corpus. */
final class Detectors {
    private Detectors() {
    }

    /**
     * For every label the AUROC of the best feature, by its largest activation over a document.
     *
     * @param corpus labelled documents with feature activations
     * @return by label, in order of first appearance
     */
    static Map<String, Double> bestByLabel(EncodedCorpus corpus) {
        List<String> labels = corpus.documents().stream().map(Document::label).toList();
        float[][] maxima = corpus.maxByDocument();
        Map<String, Double> best = new LinkedHashMap<>();
        labels.forEach(label -> best.putIfAbsent(label, Double.NEGATIVE_INFINITY));
        for (float[] feature : maxima) {
            double[] ranks = Statistics.ranks(IntStream.range(0, feature.length).mapToDouble(d -> feature[d]).toArray());
            for (Map.Entry<String, Double> entry : best.entrySet()) {
                int[] positives = IntStream.range(0, ranks.length).filter(d -> labels.get(d).equals(entry.getKey())).toArray();
                double sum = Arrays.stream(positives).mapToDouble(d -> ranks[d]).sum();
                double n = positives.length;
                double auroc = (sum - n * (n + 1) / 2) / (n * (ranks.length - n));
                entry.setValue(Math.max(entry.getValue(), auroc));
            }
        }
        return best;
    }
}
