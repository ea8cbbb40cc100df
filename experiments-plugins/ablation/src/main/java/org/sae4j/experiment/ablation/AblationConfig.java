package org.sae4j.experiment.ablation;

import java.util.List;
import org.sae4j.api.experiment.Param;

/**
 * Settings of ablation.
 *
 * @param features features to study in detail; empty for the strongest of the text
 * @param text the text; empty for the given tokens, else the first fact's prompt, else the corpus's
 *     first document, else "The capital of France is"
 * @param tokens token ids of the text; used if {@code text} is empty
 * @param maxTokens most tokens of the text, the rest is cut
 * @param modes what takes the place of a feature
 * @param value the activation of mode {@link AblationMode#VALUE}
 * @param seeds draws of the random modes and of the random direction
 * @param detailed features to study in detail, if none are given
 * @param ranked active features of the text to ablate one by one, the strongest first
 * @param tolerance a re-encoded feature counts as changed if it moves by more than this, in units of the largest activation of its token
 * @param labelDocuments documents of each label to measure the loss on; 0 leaves labels out
 * @param resamples bootstrap resamples of every interval
 * @param batchTokens most tokens in a forward pass
 */
public record AblationConfig(
        @Param("features to study in detail; empty for the strongest of the text") List<Integer> features,
        @Param("the text; empty for the given tokens, else the first fact's prompt, else the first document, else a default") String text,
        @Param("token ids of the text; used if text is empty") List<Integer> tokens,
        @Param(value = "most tokens of the text, the rest is cut", min = 1) int maxTokens,
        @Param("what takes the place of a feature") List<AblationMode> modes,
        @Param("the activation of mode VALUE") double value,
        @Param(value = "draws of the random modes and of the random direction", min = 1, max = 1000) int seeds,
        @Param(value = "features to study in detail, if none are given", min = 1, max = 1000) int detailed,
        @Param(value = "active features of the text to ablate one by one, the strongest first", min = 1) int ranked,
        @Param(value = "a re-encoded feature counts as changed if it moves by more than this",
                unit = "largest activation of its token", min = 0) double tolerance,
        @Param(value = "documents of each label to measure the loss on; 0 skips labels", min = 0) int labelDocuments,
        @Param(value = "bootstrap resamples of every interval", min = 1, max = 1_000_000) int resamples,
        @Param(value = "most tokens in a forward pass", min = 1) int batchTokens) {
    /** Copies the lists. */
    public AblationConfig {
        features = List.copyOf(features);
        tokens = List.copyOf(tokens);
        modes = List.copyOf(modes);
    }
}
