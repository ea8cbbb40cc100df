package org.sae4j.experiment.neighborhood;

import java.util.List;
import org.sae4j.api.experiment.Param;
import org.sae4j.api.lab.LabelScores;

/**
 * Settings of {@link NeighborhoodExperiment}.
 *
 * @param features features whose neighbors are listed
 * @param focus how many are chosen if none are given
 * @param source what makes features similar, for neighbors and maps
 * @param k neighbors of a feature
 * @param maxPoints most features on a map
 * @param umap whether to draw UMAP maps in addition to the principal components
 * @param umapNeighbors neighbors that UMAP keeps close
 * @param umapEpochs rounds of UMAP's optimisation
 * @param clusterCosine least similarity that joins two features into a cluster
 * @param childCosine least cosine of a child to its parent in a smaller autoencoder
 * @param concepts words to look for features of
 * @param automaticConcepts words of the corpus that are taken if none are given
 * @param conceptF1 least F1 over documents that counts as a feature of a concept
 * @param labelAuroc least AUROC over documents that gives a feature a label
 * @param resamples bootstrap resamples of each interval
 */
public record NeighborhoodConfig(
        @Param("features whose neighbors are listed; empty to choose: the best of each label, or the densest, or the most crowded")
        List<Integer> features,
        @Param(value = "how many features are chosen if none are given", min = 1, max = 1000) int focus,
        @Param("what makes features similar, for neighbors and maps: DECODER, ENCODER or ACTIVATIONS (needs a corpus)") Source source,
        @Param(value = "neighbors of a feature", min = 1, max = 1000) int k,
        @Param(value = "most features on a map; more are sampled", min = 10, max = 4000) int maxPoints,
        @Param("whether to draw UMAP maps in addition to the principal components") boolean umap,
        @Param(value = "neighbors that UMAP keeps close", min = 2, max = 200) int umapNeighbors,
        @Param(value = "rounds of UMAP's optimization", min = 11, max = 10_000) int umapEpochs,
        @Param(value = "least similarity that joins two features into a cluster", min = -1, max = 1) double clusterCosine,
        @Param(value = "least cosine of a child to its parent in a smaller autoencoder", min = -1, max = 1) double childCosine,
        @Param("words to look for features of; empty for labels and words of the corpus") List<String> concepts,
        @Param(value = "words of the corpus that are taken if none are given", min = 0, max = 1000) int automaticConcepts,
        @Param(value = "least F1 over documents that counts as a feature of a concept", min = 0, max = 1) double conceptF1,
        @Param(value = "least AUROC over documents that gives a feature a label", min = 0.5, max = 1) double labelAuroc,
        @Param(value = "bootstrap resamples of each interval", min = 100, max = 100_000) int resamples) {

    /** What makes two features similar. */
    public enum Source {
        /** The cosine of their decoder rows. */
        DECODER,
        /** The cosine of their encoder columns. */
        ENCODER,
        /** The correlation of their activations over the tokens of the corpus. */
        ACTIVATIONS
    }

    /** Copies the lists. */
    public NeighborhoodConfig {
        features = List.copyOf(features);
        concepts = List.copyOf(concepts);
    }

    /** {@return the settings that are used where the user sets nothing} */
    public static NeighborhoodConfig defaults() {
        return new NeighborhoodConfig(List.of(), 8, Source.DECODER, 10, 2048, true, 15, 200, 0.7, 0.3, List.of(), 40, 0.8, LabelScores.NAMED, 1000);
    }
}
