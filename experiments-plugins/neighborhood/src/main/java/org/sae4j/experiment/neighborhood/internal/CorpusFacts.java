package org.sae4j.experiment.neighborhood.internal;

import java.util.Arrays;
import java.util.List;
import org.sae4j.api.Progress;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.sae.SparseRows;

/**
 * What a corpus says about features.
 *
 * @param tokens number of tokens
 * @param density share of tokens that each feature is active on
 * @param labels the labels of the corpus, alphabetical, without the empty one
 * @param bestLabel for each feature the number of the label it detects best, or -1 without labels
 * @param bestAuroc for that label, over documents
 * @param champions for each label the feature that detects it best
 * @param championAuroc its area
 */
public record CorpusFacts(int tokens, double[] density, List<String> labels, int[] bestLabel, double[] bestAuroc, int[] champions,
        double[] championAuroc) {
    /**
     * Measures.
     *
     * @param corpus the corpus
     * @param maxima its largest activations
     * @param progress told of every thousandth feature
     * @return the facts
     */
    public static CorpusFacts of(EncodedCorpus corpus, DocumentMaxima maxima, Progress progress) {
        SparseRows rows = corpus.features();
        int n = rows.columns();
        double[] density = new double[n];
        for (int e = 0; e < rows.entries(); e++) {
            density[rows.index(e)]++;
        }
        for (int f = 0; f < n; f++) {
            density[f] /= Math.max(1, rows.rows());
        }
        List<String> labels = corpus.documents().stream().map(Document::label).filter(l -> !l.isEmpty()).distinct().sorted().toList();
        int[] sizes = new int[labels.size() + 1];
        int[] labelOf = corpus.documents().stream().mapToInt(d -> d.label().isEmpty() ? labels.size()
                : labels.indexOf(d.label())).toArray();
        for (int label : labelOf) {
            sizes[label]++;
        }
        int[] bestLabel = new int[n];
        Arrays.fill(bestLabel, -1);
        double[] bestAuroc = new double[n];
        int[] champions = new int[labels.size()];
        double[] championAuroc = new double[labels.size()];
        for (int f = 0; f < n; f++) {
            if (f % 1000 == 0) {
                progress.checkCancelled();
                progress.update("labelling features", f, n);
            }
            double[] areas = maxima.auroc(f, labelOf, sizes);
            for (int label = 0; label < labels.size(); label++) {
                if (areas[label] > bestAuroc[f]) {
                    bestAuroc[f] = areas[label];
                    bestLabel[f] = label;
                }
                if (areas[label] > championAuroc[label]) {
                    championAuroc[label] = areas[label];
                    champions[label] = f;
                }
            }
        }
        return new CorpusFacts(rows.rows(), density, labels, bestLabel, bestAuroc, champions, championAuroc);
    }

    /**
     * The label of a feature.
     *
     * @param feature the feature
     * @param least area that gives a feature a label
     * @return the label, or an empty string
     */
    public String label(int feature, double least) {
        return bestLabel[feature] >= 0 && bestAuroc[feature] >= least ? labels.get(bestLabel[feature]) : "";
    }
}
