package org.sae4j.experiment.randomwalk;

import java.util.List;

/**
 * What a run of {@link RandomWalkExperiment} measured. Arrays over a walk's points have {@code steps + 1} entries, the start first.
 *
 * @param start where all walks start
 * @param steps steps of a walk
 * @param modes the kinds of walk that were walked
 * @param decoded texts of the first walk of every kind, at some of its points
 * @param theory what is expected of walks with independent steps in many dimensions
 * @param basis the fixed basis
 */
public record RandomWalkResult(Start start, int steps, List<ModeResult> modes, List<Decoded> decoded, Theory theory, FixedBasis basis) {
    /**
     * The start of all walks.
     *
     * @param tokens texts of the prompt's tokens
     * @param tokenIds the prompt, with the beginning-of-sequence token if there is one
     * @param position position in {@code tokenIds} whose activation is walked from
     * @param features numbers of the active features
     * @param values their activations
     * @param latentNorm Euclidean norm of the feature activations
     * @param activationNorm Euclidean norm of the model's activation
     * @param reconstructionError mean squared error of the autoencoder there, over the activation's entries
     * @param unexplained squared error of the autoencoder there over the squared norm of the activation
     * @param target id of the token whose loss is measured after the prompt
     * @param targetFromCorpus whether it is the corpus's next token; otherwise it is the model's own most probable one
     * @param cleanLoss its loss without any change (nats)
     * @param cleanContinuation ids of the greedy continuation without any change
     * @param cleanText the same as text
     */
    public record Start(List<String> tokens, int[] tokenIds, int position, int[] features, float[] values, double latentNorm,
            double activationNorm, double reconstructionError, double unexplained, int target, boolean targetFromCorpus, double cleanLoss,
            int[] cleanContinuation, String cleanText) {}

    /**
     * The walks of one kind. Its own space is feature space, or for {@link WalkMode#inActivationSpace()} the space of the autoencoder's
     * input.
     *
     * @param mode the kind
     * @param dimension dimensions of its own space that a walk can move in
     * @param stepLength length of the steps of each walk, in its own space
     * @param effectiveDimension 1 / mean squared cosine of two steps of a walk: the dimensions that its directions fill
     * @param endpointCosine mean absolute cosine between the displacements of two walks; NaN for one walk
     * @param curves by walk and point
     * @param firstChange for each walk the first step whose greedy continuation differs from the clean one; -1 if none does
     * @param pca principal components of each walk in its own space
     * @param fixed projections onto the fixed basis
     */
    public record ModeResult(WalkMode mode, int dimension, double[] stepLength, double effectiveDimension, double endpointCosine,
            Curves curves, int[] firstChange, OwnPca pca, FixedProjection fixed) {}

    /**
     * Measures by walk and point.
     *
     * @param distance Euclidean distance from the start, in the walk's own space
     * @param cosine cosine with the start, in the walk's own space
     * @param activationDistance Euclidean distance from the start in the space of the autoencoder's input, as patched into the model
     * @param reconstructionLoss mean squared error of the decoded features against the model's activation at the start
     * @param unexplained how badly the autoencoder reconstructs the point that is patched: squared error over squared norm
     * @param activeFeatures features that are not 0; for walks in the activation space after encoding
     * @param kl Kullback-Leibler divergence of the next token's distribution from the clean one (nats)
     * @param loss loss of the target token (nats)
     * @param cleanTopProbability probability of the token that is most probable in the clean model
     * @param topToken id of the most probable next token
     */
    public record Curves(double[][] distance, double[][] cosine, double[][] activationDistance, double[][] reconstructionLoss,
            double[][] unexplained, int[][] activeFeatures, double[][] kl, double[][] loss, double[][] cleanTopProbability,
            int[][] topToken) {}

    /**
     * Principal components of single walks.
     *
     * @param shares shares of a walk's variance, by walk and component; NaN for a walk that does not move
     * @param scores coordinates by walk, component and point; signs are chosen so that walks start on the positive side
     * @param cosineCorrelation for each walk the correlation of its first coordinate with half a cosine, the limit of all random walks
     */
    public record OwnPca(double[][] shares, double[][][] scores, double[] cosineCorrelation) {}

    /**
     * Walks in the fixed basis.
     *
     * @param coordinates by walk, axis and point, relative to the reference's mean
     * @param varianceShare for each walk the share of the variance of its decoded path along the axes; NaN for one that does not move
     */
    public record FixedProjection(double[][][] coordinates, double[] varianceShare) {}

    /**
     * The fixed basis: principal axes in the space of the autoencoder's input.
     *
     * @param source what they were computed from
     * @param rows number of rows that they were computed from
     * @param fromCorpus whether the reference tokens are texts of the corpus; otherwise random tokens
     * @param axes unit vectors, by axis
     * @param shares shares of the rows' variance along them
     * @param deviations standard deviations of the reference tokens' activations along them
     */
    public record FixedBasis(RandomWalkConfig.Basis source, int rows, boolean fromCorpus, float[][] axes, double[] shares,
            double[] deviations) {}

    /**
     * Expected of walks with independent steps in many dimensions.
     *
     * @param distance root mean square distance from the start after t steps, in steps: sqrt(t)
     * @param shares shares of variance of the first components at this number of steps
     * @param limitShares the same for infinitely many steps: 6 / (pi k)^2
     * @param scores the curves of the first components, in steps, by component and point
     */
    public record Theory(double[] distance, double[] shares, double[] limitShares, double[][] scores) {}

    /**
     * A token with its probability.
     *
     * @param id its id
     * @param text its text
     * @param probability its probability
     */
    public record TokenProbability(int id, String text, double probability) {}

    /**
     * What the model says at one point of a walk.
     *
     * @param mode the kind of walk
     * @param step the point
     * @param kl divergence from the clean distribution (nats)
     * @param top most probable next tokens
     * @param continuation ids of the greedy continuation
     * @param text the same as text
     */
    public record Decoded(WalkMode mode, int step, double kl, List<TokenProbability> top, int[] continuation, String text) {}
}
