package org.sae4j.experiment.specificity;

import java.util.List;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.experiment.Interval;

/**
 * What {@link SpecificityExperiment} measured.
 *
 * @param documents number of documents
 * @param tokens number of tokens, without beginning-of-sequence tokens
 * @param features number of features searched
 * @param labels one entry for each label, in alphabetical order
 * @param detectors features studied in detail
 * @param worstLabel the label whose best feature has the lowest held-out AUROC, or the lowest AUROC where nothing could be held out
 * @param sentences activations on equivalent sentences; empty if none were given
 */
public record SpecificityResult(int documents, int tokens, int features, List<LabelResult> labels, List<DetectorResult> detectors,
        String worstLabel, List<SentenceResult> sentences) {

    /**
     * How well features separate the documents of one label from all others. A document scores the largest activation over its tokens.
     *
     * @param label the label
     * @param documents its documents
     * @param tokens their tokens
     * @param best the feature with the highest AUROC over all documents; of equal ones that with the highest token by token
     * @param name a name for it: its number, and the label that it detects best
     * @param interval of its AUROC, over documents; it does not account for the choice of the feature
     * @param adjustedP its p-value, adjusted by Benjamini and Hochberg across all features and labels
     * @param discoveries features above 0.5 whose adjusted p-value is at most the false discovery rate
     * @param documentDecision the decision with the highest F1 over documents
     * @param heldOut the same with feature and threshold chosen on one half of the documents and measured on the other
     * @param tokenAuroc AUROC of the best feature token by token, where all tokens of the label's documents are positive
     * @param bestByToken the feature with the highest AUROC token by token
     * @param shuffledAuroc AUROC of the best feature under shuffled labels
     * @param shuffledBest the highest AUROC that the search finds under shuffled labels
     * @param top the features with the highest AUROC, best first
     */
    public record LabelResult(String label, int documents, int tokens, FeatureScore best, String name, Interval interval, double adjustedP,
            int discoveries, Decision documentDecision, HeldOut heldOut, double tokenAuroc, FeatureScore bestByToken, double shuffledAuroc,
            double shuffledBest, List<FeatureScore> top) {}

    /**
     * A feature with its area under the receiver operating characteristic.
     *
     * @param feature the feature
     * @param auroc from 0 to 1
     */
    public record FeatureScore(int feature, double auroc) {}

    /**
     * A threshold and what deciding by it gives. NaN where it is not defined.
     *
     * @param threshold positive are activations above it
     * @param precision share of the decided that are of the concept: specificity in the sense of the papers
     * @param recall share of the concept that is decided: sensitivity
     * @param f1 harmonic mean of both
     * @param trueNegativeRate share of the others that are not decided
     */
    public record Decision(double threshold, double precision, double recall, double f1, double trueNegativeRate) {}

    /**
     * An estimate free of the bias of choosing: NaN where a half lacks positives or negatives.
     *
     * @param feature the feature chosen on the first half, or -1
     * @param auroc on the second half
     * @param interval of it, over documents
     * @param decision on the second half, with the threshold chosen on the first
     */
    public record HeldOut(int feature, double auroc, Interval interval, Decision decision) {}

    /** How a token is scored for a concept. */
    public enum Proxy {
        /** By the script of the letters up to the token. */
        SCRIPT,
        /** By the strings of tokens up to the token, counted in all other documents. */
        STRINGS
    }

    /**
     * One feature as a detector of one label.
     *
     * @param feature the feature
     * @param label the label
     * @param name a name for the feature
     * @param auroc over documents
     * @param proxy how tokens are scored
     * @param script the script, or empty for another proxy
     * @param prior P(c): the share of tokens inside the concept
     * @param tokenDecision whether it fires at all, against tokens of the concept
     * @param own share of the tokens it fires on that are of the concept themselves: hold a letter of the script, or lie in a document of the
     *     label; n counts the tokens it fires on
     * @param ownShare the same share of all tokens
     * @param tops the tokens it fires on most often
     * @param weightedPrecision share of the sum of activations that lies on tokens of the concept
     * @param pearson correlation of activation and proxy score over tokens
     * @param pearsonInterval of it, over documents
     * @param thresholds from 0 up to the largest activation
     * @param documentPrecision by threshold
     * @param documentRecall by threshold
     * @param tokenPrecision by threshold
     * @param tokenRecall by threshold
     * @param histogram active tokens by activation and score
     * @param examples from equal activation intervals, the highest first
     */
    public record DetectorResult(int feature, String label, String name, double auroc, Proxy proxy, String script, double prior,
            Decision tokenDecision, Estimate own, double ownShare, List<TokenShare> tops, double weightedPrecision, double pearson,
            Interval pearsonInterval, double[] thresholds, double[] documentPrecision, double[] documentRecall, double[] tokenPrecision,
            double[] tokenRecall, ScoreHistogram histogram, List<Example> examples) {}

    /**
     * A token that a feature fires on.
     *
     * @param token its text
     * @param share of the tokens that the feature fires on
     */
    public record TokenShare(String token, double share) {}

    /**
     * Counts of active tokens by activation, split by proxy score.
     *
     * @param edges of the activation bins
     * @param levels names of the score levels
     * @param counts tokens by level and bin
     * @param weights sums of activations by level and bin
     */
    public record ScoreHistogram(double[] edges, List<String> levels, double[][] counts, double[][] weights) {}

    /**
     * An active token in its context.
     *
     * @param interval number of the activation interval, from 1
     * @param document number of the document
     * @param position of the token in the document, from 0
     * @param label the document's label
     * @param activation of the feature at the token
     * @param first position of the first token shown
     * @param tokens tokens shown
     * @param activations of the feature at the tokens shown
     */
    public record Example(int interval, int document, int position, String label, double activation, int first, List<String> tokens,
            double[] activations) {}

    /**
     * Activations on one sentence.
     *
     * @param label the sentence's category
     * @param text the sentence
     * @param tokens its tokens
     * @param features the features
     * @param activations by feature and token
     */
    public record SentenceResult(String label, String text, List<String> tokens, List<Integer> features, double[][] activations) {}
}
