package org.sae4j.experiment.randomwalk;

import java.util.Locale;

/**
 * The kinds of walk. All take steps of one length s; the step of walks in the activation space is what a free step is after decoding, in
 * the root mean square: {@code s |W_dec|_F / sqrt(d_sae)}.
 */
public enum WalkMode {
    /** Isotropic directions in feature space; activations may become negative. */
    FREE,
    /** Isotropic directions in feature space, projected onto activations that are not negative; the length of a step is kept. */
    NON_NEGATIVE,
    /** As {@link #NON_NEGATIVE}, and only features that are active at the start may change. */
    ACTIVE_SET,
    /**
     * Along differences of the feature activations of two tokens, projected onto the range from 0 to the largest activation that each
     * feature showed in the data; features that were never active stay 0.
     */
    DATA_SUPPORT,
    /** A control for {@link #FREE}: Gaussian directions in feature space with the covariance of feature activations in the data. */
    COVARIANCE,
    /** A control without the autoencoder: isotropic directions in the space of the autoencoder's input. */
    RESIDUAL,
    /** A control for {@link #RESIDUAL}: Gaussian directions with the covariance of the model's activations in the data. */
    RESIDUAL_COVARIANCE,
    /** A straight line in feature space to the feature activations of another token, in equal steps that end there. */
    INTERPOLATION,
    /** A closed regular polygon through the start, in a random plane of feature space. */
    CIRCLE;

    /** {@return whether it walks in the space of the autoencoder's input instead of feature space} */
    public boolean inActivationSpace() {
        return this == RESIDUAL || this == RESIDUAL_COVARIANCE;
    }

    /** {@return whether its steps are independent with mean 0, so that the expected squared distance after t steps is exactly t s^2} */
    public boolean hasIndependentSteps() {
        return switch (this) {
            case FREE, COVARIANCE, RESIDUAL, RESIDUAL_COVARIANCE -> true;
            case NON_NEGATIVE, ACTIVE_SET, DATA_SUPPORT, INTERPOLATION, CIRCLE -> false;
        };
    }

    /** {@return the name for people, such as {@code active set}} */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
