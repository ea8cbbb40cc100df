package org.sae4j.experiment.neighborhood;

import java.util.List;
import java.util.Optional;
import org.sae4j.api.experiment.Comparison;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig.Source;

/**
 * What {@link NeighborhoodExperiment} measured.
 *
 * @param features number of features
 * @param width width of encoder and decoder
 * @param tokens tokens of the corpus, 0 without one
 * @param focus the listed features with their neighbors
 * @param sources similarities by source
 * @param agreements how far the neighbors of two sources agree
 * @param projections the maps
 * @param facts what is known of every feature
 * @param labelAgreement whether neighbors detect the same label; empty without labels
 * @param splitting how a second autoencoder splits features; empty without one
 * @param completeness which concepts have a feature, by autoencoder; empty without a corpus
 */
public record NeighborhoodResult(int features, int width, int tokens, List<Focus> focus, List<SourceResult> sources,
        List<Agreement> agreements, List<ProjectionResult> projections, FeatureFacts facts, Optional<LabelAgreement> labelAgreement,
        Optional<Splitting> splitting, List<Completeness> completeness) {

    /**
     * A feature with its nearest neighbors.
     *
     * @param feature the feature
     * @param name what it is, if known
     * @param neighbors the nearest first
     */
    public record Focus(int feature, String name, List<Neighbor> neighbors) {}

    /**
     * A neighbor.
     *
     * @param feature the feature
     * @param name what it is, if known
     * @param decoder cosine of decoder rows
     * @param encoder cosine of encoder columns
     * @param activations correlation over tokens; NaN without a corpus or where one of the two hardly fires
     */
    public record Neighbor(int feature, String name, double decoder, double encoder, double activations) {}

    /**
     * Similarities of one kind.
     *
     * @param source the kind
     * @param compared features that have a similarity: no zero vectors, and for activations not active on fewer than 10 tokens
     * @param mean over all pairs
     * @param standardDeviation over all pairs
     * @param nullStandardDeviation of random unit vectors, {@code 1 / sqrt(width)}; NaN for activations
     * @param nearest of every compared feature the largest similarity, in order of features
     * @param nearestNullMedian median of the largest cosine to as many random unit vectors; NaN for activations
     * @param edges of the histogram's bins
     * @param pairs pairs by similarity
     * @param nullPairs pairs that random unit vectors would give; empty for activations
     * @param clusters connected by pairs at least as similar as the setting, of at least 2 features, the largest first
     */
    public record SourceResult(Source source, int compared, double mean, double standardDeviation, double nullStandardDeviation,
            double[] nearest, double nearestNullMedian, double[] edges, double[] pairs, double[] nullPairs, List<Cluster> clusters) {}

    /**
     * A cluster.
     *
     * @param size number of features
     * @param members the first hundred of them
     * @param medianLogDensity median of log10 density; NaN without a corpus
     * @param label the label most of its labelled features detect, or empty
     */
    public record Cluster(int size, List<Integer> members, double medianLogDensity, String label) {}

    /**
     * Agreement of the k nearest neighbors of two sources.
     *
     * @param first a source
     * @param second another
     * @param k neighbors compared
     * @param jaccard size of intersection over size of union, mean over features
     * @param chance what independent sets of k would give
     */
    public record Agreement(Source first, Source second, int k, Estimate jaccard, double chance) {}

    /** How points were laid out. */
    public enum Method {
        /** Principal components. */
        PCA,
        /** Uniform manifold approximation and projection (McInnes et al. 2018). */
        UMAP
    }

    /**
     * A map.
     *
     * @param source what makes features similar
     * @param method how it was made
     * @param points the features on it
     * @param coordinates by axis and point
     * @param trustworthiness of its neighborhoods (Venna and Kaski 2001), from 0 to 1, mean over features
     * @param randomTrustworthiness of random positions
     * @param varianceShares shares of variance of the first principal components; empty for UMAP
     * @param nullShares the same for random unit vectors
     */
    public record ProjectionResult(Source source, Method method, int[] points, double[][] coordinates, Estimate trustworthiness,
            double randomTrustworthiness, double[] varianceShares, double[] nullShares) {}

    /**
     * What is known of every feature, by feature.
     *
     * @param density share of tokens that it is active on; empty without a corpus
     * @param encoderDecoderCosine cosine of encoder column and decoder row; NaN for a transcoder, where they belong to different hook points
     * @param label the label it detects best; empty strings below the least AUROC; empty without labels
     * @param auroc for that label over documents, or the best there is; empty without labels
     * @param cluster number of its cluster in the chosen source, from 0, or -1
     */
    public record FeatureFacts(double[] density, double[] encoderDecoderCosine, List<String> label, double[] auroc, int[] cluster) {}

    /**
     * Whether neighbors detect the same label.
     *
     * @param share of labelled neighbors of labelled features that have the same label, mean over features with such a neighbor, beside
     *     the same with labels shuffled among labelled features
     */
    public record LabelAgreement(Comparison share) {}

    /**
     * How features of a smaller autoencoder split in a larger one. A child's parent is the most similar decoder row.
     *
     * @param smaller number of features of the smaller autoencoder
     * @param larger number of features of the larger one
     * @param studiedIsSmaller whether the autoencoder under study is the smaller one
     * @param parents for each feature of the larger one its parent
     * @param cosines to the parent
     * @param best for each feature of the smaller one the largest cosine to any feature of the larger one
     * @param sameNumber share of features of the smaller one whose best match in the larger one has the same number; far above one over
     *     the number of features where both were initialised by the same random numbers
     * @param nullMedian median cosine to the nearest of as many random unit vectors
     * @param families the focus features, or their parents, with children, the nearest child first
     */
    public record Splitting(int smaller, int larger, boolean studiedIsSmaller, int[] parents, double[] cosines, double[] best,
            Estimate sameNumber, double nullMedian, List<Family> families) {
        /**
         * Whether the autoencoders began with the same random rows: matches then show the seed, not features that split.
         *
         * @return whether more best matches than chance gives have the same number
         */
        public boolean sharedInitialisation() {
            return sameNumber.above(1.0 / larger);
        }
    }

    /**
     * A parent and its children.
     *
     * @param parent feature of the smaller autoencoder
     * @param children features of the larger one, at least as near as the setting
     * @param cosines to the parent
     */
    public record Family(int parent, int[] children, double[] cosines) {}

    /**
     * Which concepts one autoencoder has a feature for.
     *
     * @param autoencoder number of the autoencoder, from 0
     * @param features its number of features
     * @param concepts the concepts
     * @param share of concepts with a feature, beside the same for random document sets of the same sizes
     */
    public record Completeness(int autoencoder, int features, List<Concept> concepts, Comparison share) {}

    /**
     * A concept.
     *
     * @param name the word or label
     * @param isLabel whether it is a label of the corpus
     * @param documents documents that contain the word or have the label
     * @param feature the feature with the highest F1
     * @param f1 at the best threshold on its largest activation
     * @param shuffledF1 the highest F1 for as many random documents
     */
    public record Concept(String name, boolean isLabel, int documents, int feature, double f1, double shuffledF1) {}
}
