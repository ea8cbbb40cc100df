package org.sae4j.experiment.causaltracing;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.sae4j.api.experiment.Estimate;

/**
 * Everything that causal tracing measured. The probability of an answer is the product of those of its tokens, each after the prompt and the
 * tokens before it; a logit difference is taken at the first token where two answers part.
 *
 * @param relation the relation traced
 * @param noise standard deviation of the noise added to the subjects' token embeddings
 * @param noiseValues the noise of the fact that is shown, by corrupted run, token of its subject and d_model
 * @param window layers restored together for MLP and attention outputs
 * @param facts the traces
 * @param averages indirect effects by token role, over the facts that the model knows, or over all if it knows none
 * @param replacement the token-replacement variant
 * @param sweep scores over the noise
 * @param firstPosition how position 0 differs from the others
 * @param firstBlock how far block 0 does the work of an embedding
 * @param features SAE features as sites, of the fact that is shown
 * @param featureShares SAE features together, over facts
 * @param layerChoices how edits of held-out facts fared by layer; empty if no layer was chosen by them
 * @param edits rank-one edits
 * @param massEdit the edit of all these facts at once; empty for a single fact, or if it is left out
 */
public record CausalTracingResult(String relation, double noise, float[][][] noiseValues, int window, List<TracedFact> facts, List<RoleAverage> averages,
        List<ReplacementAverage> replacement, List<SweepPoint> sweep, FirstPosition firstPosition, FirstBlock firstBlock,
        List<FeatureEffect> features,
        List<FeatureShare> featureShares, List<LayerChoice> layerChoices, List<RankOneEdit> edits, Optional<MassEdit> massEdit) {
    /**
     * The trace of one fact.
     *
     * @param prompt the prompt
     * @param subject its subject
     * @param answer its answer
     * @param answerTokens texts of the answer's tokens
     * @param given whether the answer was given; otherwise it is the model's own top prediction, which need not be right
     * @param topToken the model's own top prediction
     * @param known whether every token of the answer is the model's top prediction
     * @param tokens texts of the tokens, those of the subject starred
     * @param roles the role of each token
     * @param clean probability of the answer
     * @param corrupted mean probability over the corrupted runs
     * @param corruptedRows probability in each corrupted run
     * @param sites the restored runs
     */
    public record TracedFact(String prompt, String subject, String answer, List<String> answerTokens, boolean given, String topToken,
            boolean known, List<String> tokens, List<TokenRole> roles, double clean, double corrupted, double[] corruptedRows, List<SiteTrace> sites) {}

    /**
     * Whether position 0 is an attention sink: its residual stream is then far larger than others', whatever token stands there, and says
     * little about it.
     *
     * @param ratios by layer the norm of the residual stream after it at position 0 over the mean of the other positions, mean over prompts
     * @param prompts number of prompts that were looked at
     * @param subjects number of all traced prompts whose subject begins at position 0
     */
    public record FirstPosition(double[] ratios, int prompts, int subjects) {
        /** From this ratio on, in any layer, position 0 counts as a sink. */
        private static final double SINK = 3;

        /** {@return whether position 0 is a sink} */
        public boolean sink() {
            return Arrays.stream(ratios).anyMatch(ratio -> ratio >= SINK);
        }
    }

    /**
     * How block 0 changes the residual stream. In gated models it can be ten times as long after it as before: its MLP then acts as the
     * embedding, and windows of MLP outputs that hold it restore the subject itself, not the recall of a fact.
     *
     * @param growth norm of the residual stream after block 0 over that before it, mean over positions other than 0 and over prompts; NaN
     *     without prompts of two tokens
     */
    public record FirstBlock(double growth) {
        /** From this growth on, block 0 counts as a part of the embedding. */
        private static final double EMBEDDING = 3;

        /** {@return whether block 0 does the work of an embedding} */
        public boolean embeds() {
            return growth >= EMBEDDING;
        }
    }

    /**
     * Restorations of one kind.
     *
     * @param site what is restored
     * @param columns names of the places, such as layers
     * @param restored mean probability of the answer, by token and place
     */
    public record SiteTrace(Site site, List<String> columns, double[][] restored) {}

    /**
     * A mean over facts.
     *
     * @param site what is restored
     * @param place where
     * @param role at which tokens (averaged within a fact)
     * @param indirectEffect mean of restored minus corrupted probability, over the facts that have such a token
     * @param recovery mean indirect effect divided by mean total effect; NaN where that is 0
     */
    public record RoleAverage(Site site, String place, TokenRole role, Estimate indirectEffect, double recovery) {}

    /**
     * A mean over facts and replacing subjects, scored by the logit of the answer minus the logit of the replacing subject's answer.
     *
     * @param site what is restored
     * @param place where
     * @param role at which tokens
     * @param recovery mean of (restored - corrupted) over mean of (clean - corrupted), over facts
     */
    public record ReplacementAverage(Site site, String place, TokenRole role, Estimate recovery) {}

    /**
     * The corrupted score at one strength of noise.
     *
     * @param multiple noise in standard deviations of the subjects' token embeddings
     * @param probability mean probability of the answer over facts and rows
     */
    public record SweepPoint(double multiple, Estimate probability) {}

    /**
     * One SAE feature restored at one token.
     *
     * @param token position of the token
     * @param text its text
     * @param feature the feature
     * @param clean its activation in the clean run
     * @param corrupted its mean activation in the corrupted runs
     * @param indirectEffect restored minus corrupted probability
     */
    public record FeatureEffect(int token, String text, int feature, double clean, double corrupted, double indirectEffect) {}

    /**
     * How much of the indirect effect of a whole site the features carry.
     *
     * @param role at which tokens
     * @param allFeatures mean indirect effect of restoring all features
     * @param error mean indirect effect of restoring what the autoencoder does not reconstruct
     * @param full mean indirect effect of restoring both, which is the whole site
     */
    public record FeatureShare(TokenRole role, Estimate allFeatures, Estimate error, Estimate full) {}

    /**
     * How edits of held-out facts fared at one layer, by which the layer for edits is chosen.
     *
     * @param layer the edited block
     * @param efficacy mean probability of the new answer after the edit
     * @param specificity mean share of the other facts of the relation whose top prediction stayed
     * @param facts held-out facts
     * @param chosen whether the product of both is the highest of all layers; the first of equals
     */
    public record LayerChoice(int layer, double efficacy, double specificity, int facts, boolean chosen) {}

    /**
     * A rank-one edit of one MLP and what it did.
     *
     * @param layer the edited block
     * @param subject the subject
     * @param oldAnswer its answer before
     * @param newAnswer the answer wanted
     * @param optimisedProbability probability of the new answer that the optimisation of the value reached
     * @param steps steps it took
     * @param newBefore probability of the new answer before the edit
     * @param newAfter probability of the new answer after the edit: efficacy
     * @param oldAfter probability of the old answer after the edit
     * @param changed whether every token of the new answer is the top prediction after the edit
     * @param paraphraseAfter mean probability of the new answer over paraphrases; NaN if there are none
     * @param paraphrases number of paraphrases
     * @param unchangedNeighbors other facts of the relation whose answer is still the top prediction, token by token; where the model did
     *     not know it, whose top prediction stayed
     * @param neighbors other facts of the relation
     * @param likelierNeighbors other facts of the relation whose own answer is likelier than the new one: neighborhood success
     * @param contestedNeighbors other facts of the relation whose own answer differs from the new one
     * @param neighborGains how much of the edit each other fact of the relation gets, known from the update alone:
     *     {@code (C^-1 k*)^T k / (C^-1 k*)^T k*}, k being the key at its subject's last token; 1 for the edited prompt itself without prefixes
     * @param paraphraseGains the same at the subject in each configured paraphrase that names it
     * @param identity the same edit with C = I in the place of the keys' covariance; empty for edits that only choose a layer
     * @param unchangedOther facts of other relations about the subject whose top prediction stayed
     * @param other facts of other relations about the subject
     * @param offTargetKl mean divergence of next-token distributions on the corpus, in nats; NaN without a corpus
     * @param offTargetTokens tokens behind it
     * @param fluencyBefore entropy of what the original model writes after the prompt, in bits: of pairs and triples of tokens, weighted
     *     2/3 and 4/3, mean over 4 sampled continuations; NaN if it is not measured
     * @param fluencyAfter the same after the edit
     * @param relativeChange Frobenius norm of the weights' change relative to the weights
     * @param undone whether the original model gives the same bits afterwards
     */
    public record RankOneEdit(int layer, String subject, String oldAnswer, String newAnswer, double optimisedProbability, int steps,
            double newBefore, double newAfter, double oldAfter, boolean changed, double paraphraseAfter, int paraphrases,
            int unchangedNeighbors, int neighbors, int likelierNeighbors, int contestedNeighbors, List<Double> neighborGains,
            List<Double> paraphraseGains, Optional<IdentityEdit> identity, int unchangedOther, int other, double offTargetKl,
            int offTargetTokens, double fluencyBefore, double fluencyAfter, double relativeChange, boolean undone) {}

    /**
     * What a rank-one edit does that takes all directions of keys alike, C = I, as some editors do to save the covariance. Numbers as in
     * {@link RankOneEdit}.
     *
     * @param newAfter probability of the new answer after the edit
     * @param changed whether every token of the new answer is the top prediction
     * @param paraphraseAfter mean probability of the new answer over paraphrases; NaN if there are none
     * @param unchangedNeighbors other facts of the relation whose answer is still the top prediction
     * @param likelierNeighbors other facts of the relation whose own answer is likelier than the new one
     * @param relativeChange Frobenius norm of the weights' change relative to the weights
     */
    public record IdentityEdit(double newAfter, boolean changed, double paraphraseAfter, int unchangedNeighbors, int likelierNeighbors,
            double relativeChange) {}

    /**
     * One edit of many facts, spread over several layers.
     *
     * @param layers the edited blocks
     * @param facts what became of each fact
     * @param unchangedNeighbors facts of the relation that were not edited and whose top prediction stayed
     * @param neighbors facts of the relation that were not edited
     * @param unchangedOther facts of other relations about the edited subjects whose top prediction stayed
     * @param other facts of other relations about the edited subjects
     * @param offTargetKl mean divergence of next-token distributions on the corpus, in nats; NaN without a corpus
     * @param offTargetTokens tokens behind it
     * @param fluencyBefore mean over the facts of the entropy of what the original model writes, as for rank-one edits
     * @param fluencyAfter the same after the edit
     * @param relativeChange Frobenius norm of the weights' change relative to the weights, by edited layer
     * @param undone whether the original model gives the same bits afterwards
     */
    public record MassEdit(List<Integer> layers, List<MassEditedFact> facts, int unchangedNeighbors, int neighbors, int unchangedOther,
            int other, double offTargetKl, int offTargetTokens, double fluencyBefore, double fluencyAfter, double[] relativeChange,
            boolean undone) {}

    /**
     * One of the facts of a mass edit; probabilities as in {@link RankOneEdit}.
     *
     * @param subject the subject
     * @param oldAnswer its answer before
     * @param newAnswer the answer wanted
     * @param optimisedProbability probability of the new answer that the optimisation of the value reached
     * @param steps steps it took
     * @param newBefore probability of the new answer before the edit
     * @param newAfter probability of the new answer after the edit: efficacy
     * @param oldAfter probability of the old answer after the edit
     * @param changed whether every token of the new answer is the top prediction after the edit
     * @param paraphraseAfter mean probability of the new answer over paraphrases; NaN if there are none
     * @param paraphrases number of paraphrases
     */
    public record MassEditedFact(String subject, String oldAnswer, String newAnswer, double optimisedProbability, int steps,
            double newBefore, double newAfter, double oldAfter, boolean changed, double paraphraseAfter, int paraphrases) {}
}
