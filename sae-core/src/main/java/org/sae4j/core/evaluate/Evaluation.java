package org.sae4j.core.evaluate;

import java.util.Arrays;
import java.util.Optional;

/**
 * How well an autoencoder reconstructs, and how its features fire, over a number of tokens.
 *
 * @param tokens inputs evaluated, N; without those of a norm beyond the limit, if there is one
 * @param l0 mean number of active features of a token
 * @param l1 mean sum of activations of a token
 * @param mse mean over tokens and d of {@code (x - x^)^2}
 * @param cosine mean over tokens of the cosine between x and x^; 0 counts where one of them is 0
 * @param explainedVariance {@code 1 - E|x - x^|^2 / E|x - mu|^2} with the mean mu over all tokens, so that predicting mu scores 0; NaN if
 *     the tokens do not vary
 * @param meanCentring gamma = |mu| / |sigma|, the norm of the mean over the norm of the standard deviations: whether b_dec has much to do
 * @param density for each feature the share of tokens in which it is active, from 0 to 1
 * @param large the rows that are left out for their norm, and the explained variance with them; empty if there was no limit
 * @param recovered how much of the model's behaviour remains; empty if no model was asked
 */
public record Evaluation(long tokens, double l0, double l1, double mse, double cosine, double explainedVariance, double meanCentring,
        double[] density, Optional<LargeRows> large, Optional<Recovered> recovered) {
    /** The lower edge of the first bin of {@link #log10DensityHistogram}. */
    public static final double HISTOGRAM_START = -8;
    /** The width of its bins. */
    public static final double HISTOGRAM_STEP = 0.25;
    /** The number of its bins, the last of which ends at 0. */
    public static final int HISTOGRAM_BINS = 32;

    /**
     * Rows that are left out of all other numbers because they are far larger than the rest.
     *
     * @param normLimit the largest norm that counts
     * @param rows how many rows exceed it
     * @param explainedVariance over all rows, these included
     */
    public record LargeRows(double normLimit, long rows, double explainedVariance) {}

    /**
     * How much of the model's prediction remains when the reconstruction replaces the activations of the tokens that count. Losses are
     * means over the predictions of all tokens but the first of each context; predictions made before the first replaced token count too,
     * and are the same in all passes.
     *
     * @param predictions number of predicted tokens
     * @param kept number of tokens that kept their activation in all passes, because they do not count
     * @param firstKept whether the first token of every context (BOS) is among them
     * @param ceClean cross-entropy in nats of the untouched model
     * @param ceSae cross-entropy with the reconstruction
     * @param ceZero cross-entropy with zeros
     * @param klSae mean KL divergence in nats from the untouched model's prediction to that with the reconstruction
     * @param klZero the same with zeros
     * @param everywhere the same measures in SAELens' convention
     */
    public record Recovered(long predictions, long kept, boolean firstKept, double ceClean, double ceSae, double ceZero, double klSae,
            double klZero, SaeLens everywhere) {
        /** {@return {@code (CE_zero - CE_sae) / (CE_zero - CE_clean)}: 1 for no harm, 0 for as bad as zeros} */
        public double ceRecovered() {
            return (ceZero - ceSae) / (ceZero - ceClean);
        }

        /** {@return {@code (KL_zero - KL_sae) / KL_zero}} */
        public double klRecovered() {
            return (klZero - klSae) / klZero;
        }

        /** {@return by how many nats the cross-entropy with the reconstruction rises when kept tokens are replaced too} */
        public double costOfKept() {
            return everywhere.ceWithSae() - ceSae;
        }
    }

    /**
     * Reconstruction metrics in the convention of SAELens' {@code run_evals} with its defaults, by its names: every token's activation is
     * replaced, that of the first position and of BOS too; cross-entropy is the mean over all predictions, KL divergence that over all
     * positions, the last of each context among them.
     *
     * @param ceWithoutSae {@code ce_loss_without_sae}, cross-entropy in nats of the untouched model
     * @param ceWithSae {@code ce_loss_with_sae}, with the reconstruction
     * @param ceWithAblation {@code ce_loss_with_ablation}, with zeros
     * @param klWithSae {@code kl_div_with_sae}, KL divergence in nats from the untouched model's prediction
     * @param klWithAblation {@code kl_div_with_ablation}, the same with zeros
     */
    public record SaeLens(double ceWithoutSae, double ceWithSae, double ceWithAblation, double klWithSae, double klWithAblation) {
        /** {@return {@code ce_loss_score}: (ablation - SAE) / (ablation - without)} */
        public double ceLossScore() {
            return (ceWithAblation - ceWithSae) / (ceWithAblation - ceWithoutSae);
        }

        /** {@return {@code kl_div_score}: (ablation - SAE) / ablation} */
        public double klDivScore() {
            return (klWithAblation - klWithSae) / klWithAblation;
        }
    }

    /** {@return the number of features that never fired in the {@link #tokens()} tokens} */
    public int dead() {
        return (int) Arrays.stream(density).filter(share -> share == 0).count();
    }

    /**
     * The number of dense features.
     *
     * @param limit a share of tokens, such as 0.01 or 0.1
     * @return how many features fire in more than that share
     */
    public int denserThan(double limit) {
        return (int) Arrays.stream(density).filter(share -> share > limit).count();
    }

    /**
     * {@return how many features have a log10 density in each bin from {@link #HISTOGRAM_START} in steps of {@link #HISTOGRAM_STEP}; rarer
     * features count in the first bin, dead ones nowhere}
     */
    public int[] log10DensityHistogram() {
        int[] counts = new int[HISTOGRAM_BINS];
        for (double share : density) {
            if (share > 0) {
                int bin = (int) Math.floor((Math.log10(share) - HISTOGRAM_START) / HISTOGRAM_STEP);
                counts[Math.clamp(bin, 0, HISTOGRAM_BINS - 1)]++;
            }
        }
        return counts;
    }
}
