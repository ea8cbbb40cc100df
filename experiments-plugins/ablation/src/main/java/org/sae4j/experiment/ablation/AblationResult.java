package org.sae4j.experiment.ablation;

import java.util.List;
import org.sae4j.api.experiment.Comparison;
import org.sae4j.api.experiment.Interval;

/**
 * Everything that ablation measured. The text's beginning-of-sequence token is never ablated.
 *
 * @param hook where the autoencoder reads and ablations act
 * @param text texts of the tokens
 * @param tokens their ids
 * @param target the model's own top prediction after the text, whose log probability attributions and ranks are about
 * @param targetToken its id
 * @param secondToken the id of the second prediction, against which logit differences are taken
 * @param loss mean next-token loss within the text, in nats; NaN for a single token
 * @param detailed the features studied in detail
 * @param reconstruction effects on the reconstruction
 * @param relativeEffects mean change of each detailed feature (column) after re-encoding when another (row) is set to zero, relative to its
 *     mean activation; NaN where it is not active
 * @param sortedDifferences for each detailed feature the 100 largest mean absolute changes of other features after re-encoding, descending
 * @param features effects on the model of setting one feature to zero at all tokens, for all ranked features, the strongest first, and
 *     for the configured ones
 * @param modes effects on the model of the detailed features by mode, and of their controls
 * @param byPosition what changes at each position when a detailed feature is set to zero at all tokens
 * @param byToken change of the target's log probability when a detailed feature (row) is set to zero at one token (column)
 * @param movers tokens whose log probability after the text changes most, by detailed feature
 * @param ranks how activation, attribution and ablation order the features
 * @param labels features of labels
 * @param labelMatrix mean rise of the loss in nats by ablated feature of a label (row) and label of the documents (column)
 */
public record AblationResult(String hook, List<String> text, List<Integer> tokens, String target, int targetToken, int secondToken,
        double loss, List<Integer> detailed, List<ReconstructionEffect> reconstruction, double[][] relativeEffects,
        double[][] sortedDifferences, List<FeatureEffect> features, List<ModeEffect> modes, List<PositionEffect> byPosition,
        double[][] byToken, List<Mover> movers, List<RankComparison> ranks, List<LabelEffect> labels, double[][] labelMatrix) {
    /**
     * An effect on the reconstruction, a mean over the tokens where the feature is active.
     *
     * @param feature the feature
     * @param mode what took its place
     * @param tokens number of these tokens
     * @param activation mean activation
     * @param change mean norm of the change of the reconstruction
     * @param changeExpected the same by {@code |f'_j - f_j| |d_j|}; NaN for noise
     * @param mse mean squared error before
     * @param mseAfter mean squared error after
     * @param mseChangeExpected its change by {@code (2 f_j <x - x^, d_j> + f_j^2 |d_j|^2) / d}, only for zero; NaN otherwise
     * @param cosine mean cosine of the reconstructions before and after
     * @param changedShare share of features that change when both reconstructions are encoded again
     * @param reencodeError largest deviation of features active before and after from {@code (f'_j - f_j) <d_j, W_enc[:, i]>}; NaN where
     *     the autoencoder's form has no such identity
     */
    public record ReconstructionEffect(int feature, AblationMode mode, int tokens, double activation, double change, double changeExpected,
            double mse, double mseAfter, double mseChangeExpected, double cosine, double changedShare, double reencodeError) {}

    /** {@return whether features have attributions: all that were ablated, or none} */
    public boolean attributed() {
        return features.stream().allMatch(FeatureEffect::attributed);
    }

    /**
     * The effect on the model of setting one feature to zero at all tokens, the autoencoder's error kept. A feature that is not active in
     * the text has no effect, to the bit.
     *
     * @param feature the feature
     * @param tokens number of tokens where it is active
     * @param firstToken the first of them, or -1
     * @param activation sum over tokens of {@code f_j |d_j|}
     * @param maxActivation largest {@code f_j}
     * @param meanActivation mean {@code f_j} over the tokens where it is active
     * @param attribution first-order estimate of the fall of the target's log probability: the sum over tokens of
     *     {@code f_j <grad, d_j>}; NaN where the model's engine gives no gradients
     * @param ablation the fall itself, in nats
     * @param lossChange rise of the mean next-token loss in the text, in nats; NaN for a single token
     * @param kl mean divergence over the tokens from the first ablated one on, in nats
     * @param klLast divergence after the text, in nats
     * @param logitDifferenceChange change of the logit of the target minus that of the second prediction
     * @param reconstructionChange mean norm of the reconstruction's change over the tokens where it is active, {@code f_j |d_j|}
     * @param mseChange mean rise of the reconstruction's squared error over these tokens,
     *     {@code (2 f_j <x - x^, d_j> + f_j^2 |d_j|^2) / d}
     */
    public record FeatureEffect(int feature, int tokens, int firstToken, double activation, double maxActivation, double meanActivation,
            double attribution, double ablation, double lossChange, double kl, double klLast, double logitDifferenceChange,
            double reconstructionChange, double mseChange) {
        /** {@return whether there is an attribution} */
        public boolean attributed() {
            return !Double.isNaN(attribution);
        }
    }

    /**
     * What changes at one position when a feature is set to zero at all tokens.
     *
     * @param feature the feature
     * @param position the position
     * @param activation its activation there
     * @param lossChange rise of the loss of the next token, in nats; NaN at the last position
     * @param kl divergence of the next-token distribution, in nats
     */
    public record PositionEffect(int feature, int position, double activation, double lossChange, double kl) {}

    /**
     * The effect on the model of one way to ablate, over detailed features.
     *
     * @param feature the feature, or for a control the feature that it stands against
     * @param kind a mode, {@code random direction}, or {@code feature N} of nearly equal strength
     * @param draws random draws behind the means
     * @param kl mean divergence over the tokens from the first ablated one on, in nats
     * @param interval uncertainty over draws; both ends equal the mean for one draw
     * @param lossChange rise of the mean next-token loss, in nats; NaN for a single token
     */
    public record ModeEffect(int feature, String kind, int draws, double kl, Interval interval, double lossChange) {}

    /**
     * A token whose log probability changed.
     *
     * @param feature the ablated feature
     * @param token the token
     * @param before log probability before
     * @param after log probability after
     */
    public record Mover(int feature, String token, double before, double after) {}

    /**
     * A comparison of two orders of the ranked features by absolute value.
     *
     * @param by what the features are ordered by
     * @param against what they are compared with
     * @param spearman rank correlation
     * @param interval its uncertainty
     * @param topShared of the top ten by {@code against}, how many are in the top ten by {@code by}
     * @param n features
     */
    public record RankComparison(String by, String against, double spearman, Interval interval, int topShared, int n) {}

    /**
     * What the feature that detects a label best does.
     *
     * @param label the label
     * @param feature the feature
     * @param name a name for it
     * @param auroc how well its largest activation in a document tells the label's documents from others
     * @param rise mean rise of the loss per token on the label's documents, in nats, beside that on documents of other labels; n counts
     *     documents
     * @param context the text before the token where the feature is strongest, that token included
     * @param before top predictions there, with probabilities
     * @param after top predictions there when the feature is ablated at all tokens
     */
    public record LabelEffect(String label, int feature, String name, double auroc, Comparison rise, String context, String before, String after) {}
}
