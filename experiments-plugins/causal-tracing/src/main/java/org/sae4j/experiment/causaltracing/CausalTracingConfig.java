package org.sae4j.experiment.causaltracing;

import java.util.List;
import org.sae4j.api.experiment.Param;

/**
 * Settings of causal tracing.
 *
 * @param relation which of the run's facts to trace; empty for the relation of the first fact
 * @param prompts prompts to trace instead of the run's facts
 * @param subjects the subject of each prompt, a part of its text
 * @param answers the answer of each prompt with its leading space, of one token or several; an empty text, or no list, takes the model's own
 *     top prediction, which need not be right
 * @param maxFacts most facts to trace, in their order
 * @param shownFact number of the fact whose heat maps are drawn, from 0
 * @param noiseRows corrupted runs of a fact
 * @param noise standard deviation of the noise, in standard deviations of the subjects' token embeddings
 * @param noiseValues the noise itself, by corrupted run, token of the subject and d_model, the same for all facts; empty to draw it
 * @param window layers restored together for MLP and attention outputs; 0 for 10 of 48 layers, scaled and rounded, at least 1
 * @param sites further sites to restore; if the model has one block, all are
 * @param replacements other subjects that replace a subject in the token-replacement variant; 0 leaves it out
 * @param sweepTo largest noise of the sweep, in steps of 1; 0 leaves it out
 * @param features SAE features restored at a token, those with the largest difference first; 0 leaves features out
 * @param resamples bootstrap resamples of every interval
 * @param batchTokens most tokens in a forward pass
 * @param edit rank-one edits
 */
public record CausalTracingConfig(
        @Param("which of the run's facts to trace; empty for the relation of the first fact") String relation,
        @Param("prompts to trace instead of the run's facts") List<String> prompts,
        @Param("the subject of each prompt, a part of its text") List<String> subjects,
        @Param("the answer of each prompt with its leading space; an empty text takes the model's own top prediction") List<String> answers,
        @Param(value = "most facts to trace, in their order", min = 1) int maxFacts,
        @Param(value = "number of the fact whose heat maps are drawn, from 0", min = 0) int shownFact,
        @Param(value = "corrupted runs of a fact", min = 1, max = 1000) int noiseRows,
        @Param(value = "standard deviation of the noise", unit = "standard deviations of the subjects' token embeddings", min = 0,
                max = 1000) double noise,
        @Param("the noise itself, the same for all facts: for each corrupted run a list of d_model numbers for each token of the longest"
                + " subject; empty to draw it") List<List<List<Double>>> noiseValues,
        @Param(value = "layers restored together for MLP and attention outputs; 0 for 10 of 48 layers, scaled", min = 0) int window,
        @Param("sites to restore besides block, MLP and attention outputs; if the model has one block, all are") List<Site> sites,
        @Param(value = "other subjects that replace a subject in the token-replacement variant; 0 skips it", min = 0, max = 1000)
        int replacements,
        @Param(value = "largest noise of the sweep, in steps of 1; 0 skips it", min = 0, max = 100) int sweepTo,
        @Param(value = "SAE features restored at a token; 0 skips features", min = 0) int features,
        @Param(value = "bootstrap resamples of every interval", min = 1, max = 1_000_000) int resamples,
        @Param(value = "most tokens in a forward pass", min = 1) int batchTokens,
        @Param("rank-one edits") Edit edit) {
    /**
     * Settings of rank-one edits (ROME, Meng et al. 2022), one fact at a time, and of the edit of all of them at once.
     *
     * @param facts facts to edit one at a time, drawn by the run's seed, each to the answer of the fact two places on; 0 leaves edits out
     * @param heldOut further facts, drawn likewise, whose edits choose the best layer and are not scored; 0 leaves the choice out
     * @param subject the one subject to edit instead; empty for none
     * @param target its new answer with leading space
     * @param layers layers to edit, one at a time; empty for all, of deep models at most 4 spread evenly
     * @param prefixes texts put before the prompt over which key and value are averaged, besides the bare prompt
     * @param paraphrases further prompts to score, with {@code {}} for the subject
     * @param covarianceTokens tokens of the corpus for the covariance of keys
     * @param ridge added to the covariance's diagonal, relative to its mean
     * @param steps most steps of the optimisation of the value
     * @param learningRate Adam's step, relative to the root mean square of the MLP's output at the subject
     * @param clamp longest change of the value, relative to the MLP's output at the subject
     * @param weightDecay weight of the squared relative change
     * @param klFactor weight of the divergence of the next-token distribution right after the subject
     * @param offTargetTokens tokens of the corpus for the off-target divergence
     * @param fluencyTokens tokens that are sampled after a prompt to measure fluency; 0 leaves it out
     * @param massLayers layers that the edit of all facts at once is spread over (MEMIT, Meng et al. 2022b); empty for up to five that end
     *     at a third of the depth
     * @param massWeight weight of the covariance of keys against the edited keys in that edit; 0 leaves it out
     */
    public record Edit(
            @Param(value = "facts to edit one at a time, drawn by the run's seed, each to the answer of the fact two places on; 0 leaves"
                    + " edits out", min = 0) int facts,
            @Param(value = "further facts, drawn likewise, whose edits choose the best layer and are not scored; 0 skips the choice",
                    min = 0) int heldOut,
            @Param("the one subject to edit instead; empty for none") String subject,
            @Param("its new answer with leading space") String target,
            @Param(value = "layers to edit, one at a time; empty for all, of deep models at most 4 spread evenly") List<Integer> layers,
            @Param("texts put before the prompt over which key and value are averaged, besides the bare prompt") List<String> prefixes,
            @Param("further prompts to score, with {} for the subject") List<String> paraphrases,
            @Param(value = "tokens of the corpus for the covariance of keys", min = 1) int covarianceTokens,
            @Param(value = "added to the covariance's diagonal, relative to its mean", min = 0) double ridge,
            @Param(value = "most steps of the optimization of the value", min = 1, max = 100_000) int steps,
            @Param(value = "Adam's step, relative to the root mean square of the MLP's output at the subject", min = 0)
            double learningRate,
            @Param(value = "longest change of the value, relative to the MLP's output at the subject", min = 0) double clamp,
            @Param(value = "weight of the squared relative change", min = 0) double weightDecay,
            @Param(value = "weight of the divergence of the next-token distribution right after the subject", min = 0) double klFactor,
            @Param(value = "tokens of the corpus for the off-target divergence", min = 0) int offTargetTokens,
            @Param(value = "tokens that are sampled after a prompt to measure fluency; 0 skips it", min = 0) int fluencyTokens,
            @Param("layers that the edit of all facts at once is spread over; empty for up to five that end at a third of the depth")
            List<Integer> massLayers,
            @Param(value = "weight of the covariance of keys against the edited keys in the edit of all facts at once; 0 skips it",
                    min = 0) double massWeight) {
        /** Copies the lists. */
        public Edit {
            layers = List.copyOf(layers);
            massLayers = List.copyOf(massLayers);
            prefixes = List.copyOf(prefixes);
            paraphrases = List.copyOf(paraphrases);
        }
    }

    /** Copies the lists. */
    public CausalTracingConfig {
        prompts = List.copyOf(prompts);
        subjects = List.copyOf(subjects);
        answers = List.copyOf(answers);
        sites = List.copyOf(sites);
        noiseValues = List.copyOf(noiseValues);
    }
}
