package org.sae4j.core.features;

import java.util.List;
import java.util.Optional;
import org.sae4j.api.experiment.Interval;

/**
 * One feature. Arrays belong to the profile and must not be changed.
 *
 * @param feature its number
 * @param active number of tokens in which it is active
 * @param density share of tokens in which it is active, from 0 to 1
 * @param max largest activation; 0 for a feature that is never active
 * @param mean mean activation where it is active; NaN for a feature that is never active
 * @param histogram activations where it is active
 * @param intervals how its active tokens spread over equal intervals of activation, from weak to strong; none if it is never active
 * @param neurons the values of its decoder direction at the hook point that are largest in magnitude, the largest first
 * @param labels how well it detects each label, the best first
 * @param examples where it fires: the documents with the largest activations, then tokens drawn from equal intervals, strong ones first
 * @param logits what it writes towards the logits directly; empty if its hook point has no direct linear path to them
 * @param neighbors the features with the most similar decoder directions, the most similar first
 * @param removal what is lost without it; empty if it is never active before another token, or its hook point cannot be edited
 * @param facts facts whose prompts activate it, the largest activation first
 */
public record FeatureProfile(int feature, long active, double density, double max, double mean, ActivationHistogram histogram,
        List<Share> intervals, List<Neuron> neurons, List<LabelScore> labels, List<Example> examples, Optional<LogitEffects> logits, List<Neighbor> neighbors,
        Optional<Removal> removal, List<FactEffect> facts) {
    /** Copies the lists. */
    public FeatureProfile {
        intervals = List.copyOf(intervals);
        neurons = List.copyOf(neurons);
        labels = List.copyOf(labels);
        examples = List.copyOf(examples);
        neighbors = List.copyOf(neighbors);
        facts = List.copyOf(facts);
    }

    /**
     * A feature as a detector of a label.
     *
     * @param label the label
     * @param documentAuroc area under the receiver operating characteristic of the largest activation over a document
     * @param tokenAuroc the same over tokens
     * @param share share of the feature's active tokens in documents of the label; NaN if it is never active
     */
    public record LabelScore(String label, double documentAuroc, double tokenAuroc, double share) {}

    /**
     * Activations that are not zero.
     *
     * @param edges ends of equal bins from 0 to the largest activation
     * @param labels labels of documents with active tokens, the most frequent first; the empty one for documents without
     * @param counts by label and bin
     */
    public record ActivationHistogram(double[] edges, List<String> labels, long[][] counts) {}

    /**
     * An interval of activation.
     *
     * @param from its lower end, exclusive
     * @param to its upper end, inclusive
     * @param tokens number of active tokens in it
     * @param share of the active tokens, from 0 to 1
     */
    public record Share(double from, double to, long tokens, double share) {}

    /**
     * A coordinate of the hook point, which is a neuron at {@code mlp.hook_post}.
     *
     * @param neuron its number
     * @param weight the value of the decoder direction there
     * @param share of the direction's L1 norm, from 0 to 1
     */
    public record Neuron(int neuron, double weight, double share) {}

    /**
     * An active token in its context.
     *
     * @param interval from 1 for the weakest interval; 0 for one of the documents with the largest activations
     * @param document number of the document
     * @param position of the token in the document
     * @param label the document's label
     * @param activation at the token
     * @param from position of the first token shown
     * @param tokens texts of the tokens shown
     * @param activations at the tokens shown
     */
    public record Example(int interval, int document, int position, String label, double activation, int from, List<String> tokens,
            double[] activations) {}

    /**
     * A token that a feature makes more or less likely.
     *
     * @param token its id
     * @param text its text
     * @param effect change of its logit in arbitrary units, relative to the mean over the vocabulary
     */
    public record TokenEffect(int token, String text, double effect) {}

    /**
     * Direct effects of a unit of activation on the logits: the decoder direction through the output weights of its layer and the
     * unembedding, with ln_final's weight but without its division by the residual stream's deviation, and without what later layers make
     * of it.
     *
     * @param top the largest effects, descending
     * @param bottom the smallest effects, ascending
     * @param edges ends of equal bins over all effects
     * @param counts tokens of the vocabulary by bin
     * @param standardDeviation of the effects over the vocabulary
     */
    public record LogitEffects(List<TokenEffect> top, List<TokenEffect> bottom, double[] edges, long[] counts, double standardDeviation) {}

    /**
     * Another feature.
     *
     * @param feature its number
     * @param cosine of the decoder directions
     * @param correlation Pearson's, of activations over all tokens; NaN if one of them is never active
     * @param density share of tokens in which it is active
     * @param label the label that it detects best; empty if there is none
     * @param documentAuroc its area for that label over documents; NaN if there is none
     */
    public record Neighbor(int feature, double cosine, double correlation, double density, String label, double documentAuroc) {}

    /**
     * What changes when the feature is removed at its strongest token of a document, everything else, the error of the autoencoder
     * included, kept.
     *
     * @param documents number of documents, those with the largest activations
     * @param lossChange mean change of the loss of the next token in nats; positive if the feature helps
     * @param interval of the mean
     * @param kl mean divergence in nats of the prediction without from that with the feature
     * @param risen tokens whose mean probability rises most, the largest first
     * @param fallen tokens whose mean probability falls most, the largest first
     * @param predictions one for each document, the largest activation first
     */
    public record Removal(int documents, double lossChange, Interval interval, double kl, List<TokenShift> risen, List<TokenShift> fallen,
            List<Prediction> predictions) {}

    /**
     * A token whose probability changes.
     *
     * @param token its id
     * @param text its text
     * @param before mean probability with the feature
     * @param after mean probability without it
     */
    public record TokenShift(int token, String text, double before, double after) {}

    /**
     * One prediction with and without the feature.
     *
     * @param document number of the document
     * @param position of the token at which the feature is removed
     * @param label the document's label
     * @param context text up to that token
     * @param next text of the token that follows in the document
     * @param activation of the feature
     * @param before probability of the next token with the feature
     * @param after probability of the next token without it
     * @param lossChange change of the loss in nats
     */
    public record Prediction(int document, int position, String label, String context, String next, double activation, double before,
            double after, double lossChange) {}

    /**
     * A fact with and without the feature, removed at all tokens of the prompt.
     *
     * @param relation the fact's relation
     * @param prompt the prompt
     * @param answer the answer
     * @param activation largest activation over the prompt
     * @param before probability of the answer's first token with the feature
     * @param after probability of the answer's first token without it
     */
    public record FactEffect(String relation, String prompt, String answer, double activation, double before, double after) {}
}
