package org.sae4j.experiment.randomwalk;

import java.util.LinkedHashSet;
import java.util.List;
import org.sae4j.api.experiment.Param;

/**
 * Settings of {@link RandomWalkExperiment}.
 *
 * @param text the prompt whose token is the start
 * @param promptTokens tokens of a prompt that is chosen because no text is given
 * @param position the token of the prompt to start at
 * @param modes the kinds of walk
 * @param walks walks of each kind
 * @param steps steps of a walk
 * @param stepShare length of a step as a share of the norm of the start's feature activations
 * @param continuation tokens of a greedy continuation
 * @param shownSteps steps of a walk whose continuations are listed
 * @param topTokens most probable next tokens that are listed
 * @param referenceTokens tokens from which covariances, ranges and the fixed basis are computed
 * @param basis what the fixed basis of projections is computed from
 * @param resamples bootstrap resamples of each interval
 */
public record RandomWalkConfig(
        @Param("prompt whose token is the start; empty for one of the corpus, or a fixed one, or random tokens without a tokenizer")
        String text,
        @Param(value = "tokens of a prompt from the corpus or of random tokens", min = 1, max = 100_000) int promptTokens,
        @Param(value = "token of the prompt to start at, without the beginning-of-sequence token; negative counts from the end; if no "
                + "feature is active there, the nearest earlier token with one is taken", min = -100_000, max = 100_000) int position,
        @Param("kinds of walk") List<WalkMode> modes,
        @Param(value = "walks of each kind", min = 1, max = 10_000) int walks,
        @Param(value = "steps of a walk", min = 2, max = 1000) int steps,
        @Param(value = "length of a step, as a share of the norm of the start's feature activations", min = 0, max = 1000) double stepShare,
        @Param(value = "tokens of a greedy continuation", min = 1, max = 64) int continuation,
        @Param(value = "steps of a walk whose continuations are listed", min = 2, max = 1000) int shownSteps,
        @Param(value = "most probable next tokens that are listed", min = 1, max = 100) int topTokens,
        @Param(value = "tokens from which covariances, ranges and the fixed basis are computed", min = 16, max = 100_000)
        int referenceTokens,
        @Param("what the fixed basis is computed from: ACTIVATIONS (of the reference tokens) or DECODER (its rows)") Basis basis,
        @Param(value = "bootstrap resamples of each interval", min = 100, max = 100_000) int resamples) {

    /** What the principal axes of the fixed basis belong to. */
    public enum Basis {
        /** The model's activations at the autoencoder's hook point. */
        ACTIVATIONS,
        /** The autoencoder's decoder rows. */
        DECODER
    }

    /**
     * Copies the kinds of walk, each once.
     *
     * @throws IllegalArgumentException if there is none
     */
    public RandomWalkConfig {
        modes = List.copyOf(new LinkedHashSet<>(modes));
        if (modes.isEmpty()) {
            throw new IllegalArgumentException("modes must name at least one kind of walk");
        }
    }

    /** {@return the settings that are used where the user sets nothing} */
    public static RandomWalkConfig defaults() {
        return new RandomWalkConfig("", 12, -1, List.of(WalkMode.values()), 16, 60, 0.1, 6, 8, 3, 1024, Basis.ACTIVATIONS, 1000);
    }
}
