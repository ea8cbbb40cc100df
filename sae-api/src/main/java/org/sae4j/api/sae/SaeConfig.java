package org.sae4j.api.sae;

import java.util.Optional;
import org.sae4j.api.model.HookPoint;

/**
 * What a sparse autoencoder computes, apart from its parameters' values. The order of the computation is: flatten, {@code normalization},
 * subtract {@code b_dec} (if {@code applyBDecToInput}), encoder, activation, decoder, {@code b_dec}, undo the normalization, and for a skip
 * transcoder add {@code x W_skip^T}.
 *
 * @param architecture how pre-activations become feature activations
 * @param dIn width of the input
 * @param dSae number of features
 * @param k for {@link Architecture#TOPK}: active features of a row at most; 0 otherwise
 * @param applyBDecToInput whether {@code b_dec} is subtracted from the input
 * @param normalization what is done to the input, and undone on the output
 * @param hook where in a transformer the input comes from, or empty if not known
 * @param modelName the transformer's name, or empty if not known
 * @param skip whether a linear function of the input, {@code x W_skip^T}, is added to the output, as in skip transcoders
 */
public record SaeConfig(Architecture architecture, int dIn, int dSae, int k, boolean applyBDecToInput, Normalization normalization,
        Optional<HookPoint> hook, Optional<String> modelName, boolean skip) {
    /** How pre-activations p = x W_enc + b_enc become feature activations. */
    public enum Architecture {
        /** {@code max(0, p)}. */
        RELU,
        /** The k largest p of a row, where positive (Gao et al. 2024). */
        TOPK,
        /** p where p exceeds the feature's {@code threshold} and 0, else 0 (Rajamanoharan et al. 2024). */
        JUMP_RELU,
        /** {@code [x W_enc + b_gate > 0] max(0, x W_enc e^r_mag + b_mag)} (Rajamanoharan et al. 2024). */
        GATED
    }

    /** What is done to the input before encoding. */
    public enum Normalization {
        /** Nothing. */
        NONE,
        /** {@code (x - mean) / (std + 1e-5)} over the row, with the unbiased std; on the output, {@code x^ std + mean}. */
        LAYER_NORM,
        /** {@code x sqrt(d_in) / |x|}; undone on the output. */
        CONSTANT_NORM_RESCALE;

        /**
         * The factor by which undoing this normalization multiplies the decoder's output: a feature f_j adds {@code scale(x) f_j d_j} to
         * the reconstruction of x.
         *
         * @param x one input row
         * @return 1 without normalization, else the row's std or {@code |x| / sqrt(d_in)}
         */
        public double scale(float[] x) {
            double sum = 0;
            double squares = 0;
            for (float value : x) {
                sum += value;
                squares += (double) value * value;
            }
            double n = x.length;
            return switch (this) {
                case NONE -> 1;
                case LAYER_NORM -> Math.sqrt(Math.max(0, squares - sum * sum / n) / (n - 1));
                case CONSTANT_NORM_RESCALE -> Math.sqrt(squares / n);
            };
        }
    }

    /**
     * An autoencoder without skip connection.
     *
     * @param architecture how pre-activations become feature activations
     * @param dIn width of the input
     * @param dSae number of features
     * @param k for {@link Architecture#TOPK}: active features of a row at most; 0 otherwise
     * @param applyBDecToInput whether {@code b_dec} is subtracted from the input
     * @param normalization what is done to the input, and undone on the output
     * @param hook where in a transformer the input comes from, or empty if not known
     * @param modelName the transformer's name, or empty if not known
     * @throws IllegalArgumentException if a dimension is not positive, or k does not fit the architecture
     */
    public SaeConfig(Architecture architecture, int dIn, int dSae, int k, boolean applyBDecToInput, Normalization normalization,
            Optional<HookPoint> hook, Optional<String> modelName) {
        this(architecture, dIn, dSae, k, applyBDecToInput, normalization, hook, modelName, false);
    }

    /**
     * Checks the dimensions.
     *
     * @throws IllegalArgumentException if a dimension is not positive, or k does not fit the architecture
     */
    public SaeConfig {
        if (dIn <= 0 || dSae <= 0) {
            throw new IllegalArgumentException("d_in and d_sae must be positive, found " + dIn + " and " + dSae);
        }
        if (architecture == Architecture.TOPK ? k < 1 || k > dSae : k != 0) {
            throw new IllegalArgumentException("k is from 1 to d_sae for top-k and 0 otherwise, found " + k + " for " + architecture);
        }
    }
}
