package org.sae4j.core.features;

import java.util.stream.IntStream;

/**
 * How much of a feature is shown.
 *
 * @param seed of the examples that are drawn and of the resampling
 * @param topExamples documents with the largest activations
 * @param intervals equal intervals of activation from 0 to the largest, at least 1
 * @param examplesPerInterval active tokens drawn from each interval
 * @param contextTokens tokens shown on each side of an example
 * @param bins bins of the histograms, at least 1
 * @param effectTokens tokens listed at each end of the effects on logits and probabilities
 * @param neighbors features with the largest cosines of decoder directions
 * @param removalDocuments documents in which the feature is removed at its strongest token, at most
 * @param facts facts listed, at most
 */
public record ProfileSettings(long seed, int topExamples, int intervals, int examplesPerInterval, int contextTokens, int bins,
        int effectTokens, int neighbors, int removalDocuments, int facts) {
    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if {@code intervals} or {@code bins} is below 1, or another number below 0
     */
    public ProfileSettings {
        int least = IntStream.of(topExamples, examplesPerInterval, contextTokens, effectTokens, neighbors, removalDocuments, facts).min()
                .getAsInt();
        if (intervals < 1 || bins < 1 || least < 0) {
            throw new IllegalArgumentException("settings of feature profiles are at least 0, intervals and bins at least 1, found "
                    + intervals + " intervals, " + bins + " bins and " + least);
        }
    }

    /**
     * The usual amount.
     *
     * @param seed of the examples that are drawn and of the resampling
     * @return the settings
     */
    public static ProfileSettings of(long seed) {
        return new ProfileSettings(seed, 8, 5, 2, 24, 40, 10, 10, 64, 8);
    }
}
