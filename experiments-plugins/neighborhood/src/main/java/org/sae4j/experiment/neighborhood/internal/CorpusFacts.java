package org.sae4j.experiment.neighborhood.internal;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.lab.LabelScores;

/** What a corpus says about features. */
final class CorpusFacts {
    private final LabelScores scores;
    private final double[] density;

    /**
     * Measures.
     *
     * @param corpus the corpus
     * @param progress told of every hundredth feature
     */
    CorpusFacts(EncodedCorpus corpus, Progress progress) {
        scores = LabelScores.of(corpus, progress);
        int rows = Math.max(1, tokens());
        density = IntStream.range(0, corpus.features().columns()).mapToDouble(f -> (double) scores.columns().active(f) / rows).toArray();
    }

    /** {@return the number of tokens} */
    int tokens() {
        return scores.columns().rows();
    }

    /** {@return the share of tokens that each feature is active on} */
    double[] density() {
        return density;
    }

    /** {@return whether the corpus has labels} */
    boolean labelled() {
        return !scores.labels().isEmpty();
    }

    /** {@return the best detectors of the labels, each once, those with the largest area first} */
    List<Integer> champions() {
        record Champion(int feature, double auroc) {}
        return scores.labels().stream().sorted().flatMap(label -> IntStream.of(scores.best(label, 1)).mapToObj(f ->
                new Champion(f, scores.byDocument(label, f)))).sorted(Comparator.comparingDouble(c -> -c.auroc())).map(Champion::feature)
                .distinct().toList();
    }

    /**
     * How well a feature detects the label that it detects best.
     *
     * @param feature the feature
     * @return area over documents; 0 for a feature that is never active
     */
    double auroc(int feature) {
        return scores.bestLabel(feature).map(label -> scores.byDocument(label, feature)).orElse(0.0);
    }

    /**
     * The label of a feature.
     *
     * @param feature the feature
     * @param least area that gives a feature a label
     * @return the label, or an empty string
     */
    String label(int feature, double least) {
        return scores.bestLabel(feature).filter(label -> scores.byDocument(label, feature) >= least).orElse("");
    }
}
