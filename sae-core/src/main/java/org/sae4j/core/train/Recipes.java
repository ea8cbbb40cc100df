package org.sae4j.core.train;

import java.util.List;
import java.util.Map;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.Nearest;

/**
 * Presets. {@code <.>} is the mean over the batch; sums over d and features are written out. {@link Recipe#describe()} states the same for
 * changed settings.
 *
 * <p>The numbers below are the published ones, which {@link Recipe#asPublished()} gives. Untouched, a recipe fits them to the run: the
 * learning rate to the number of features, schedules and the treatment of dead features to the number of steps, and the penalty to an L0 of
 * 32 ({@link Setting#TARGET_L0}), since a coefficient holds for its own data alone. A setting that is given is taken as it stands.
 */
public final class Recipes {
    /**
     * Nanda's 1L autoencoders: {@code L = <sum_d (x^ - x)^2> + l1 (sum over batch and features of f)}, so that l1 = 3e-4 at batch 4096 is
     * 1.2288 per token. Step: backward; project the gradient of W_dec; set unit norm; Adam (1e-4, 0.9, 0.99). Every 30,000 steps, features
     * that fire less often than 10^-5.5 are drawn anew, with Adam's moments kept.
     */
    public static final Recipe NEEL_RUN1 = Recipe.preset("neel-run1",
            "Neel Nanda's open source replication of Towards Monosemanticity (2023)",
            Map.ofEntries(Map.entry(Setting.ERROR, "sum"), Map.entry(Setting.PENALTY, "l1_sum"), Map.entry(Setting.L1, "3e-4"),
                    Map.entry(Setting.UNIT_NORM, "before_adam"), Map.entry(Setting.INIT, "kaiming"), Map.entry(Setting.BETA2, "0.99"),
                    Map.entry(Setting.STEPS, "488281"), Map.entry(Setting.DEAD, "reinitialise"), Map.entry(Setting.RESAMPLE_EVERY, "30000"),
                    Map.entry(Setting.RESAMPLE_UNTIL, "1e9")));

    /**
     * Bloom's GPT-2 small residual autoencoders: {@code L =} mean over batch and d of {@code (x^ - x)^2 / |x|}, plus 8e-5
     * {@code <sum_i f_i>}, plus ghost gradients. Step: unit norm; forward; backward; project; Adam (4e-4, 0.9, 0.999). b_dec starts at the
     * geometric median of the inputs.
     */
    public static final Recipe BLOOM_2024_02 = Recipe.preset("bloom-2024-02",
            "Joseph Bloom's open source autoencoders for all residual stream layers of GPT-2 small (February 2024)",
            Map.ofEntries(Map.entry(Setting.ERROR, "mean_over_norm"), Map.entry(Setting.PENALTY, "l1"), Map.entry(Setting.L1, "8e-5"),
                    Map.entry(Setting.UNIT_NORM, "before_forward"), Map.entry(Setting.INIT, "kaiming_fan_in"),
                    Map.entry(Setting.B_DEC_INIT, "geometric_median"), Map.entry(Setting.DEAD, "ghost"),
                    Map.entry(Setting.DEAD_AFTER, "20480000"), Map.entry(Setting.LR, "4e-4"), Map.entry(Setting.LR_WARM_UP, "5000"),
                    Map.entry(Setting.D_SAE, "24576"), Map.entry(Setting.STEPS, "73242")));

    /**
     * The paper that this project follows: {@code f = max(0, W_enc x + b_enc)}, {@code L = (1/n) <sum_d (x - x^)^2> + lambda
     * <sum_i f_i |d_i|>} with n the number of features, plus ghost gradients. Encoder U(+-sqrt(6/d)), unit decoder rows, whose gradient
     * loses its component along them; unit norm is set again after Adam's step.
     */
    public static final Recipe PAPER = Recipe.preset("paper", "ReLU with an L1 penalty weighted by decoder norms, and ghost gradients",
            Map.ofEntries(Map.entry(Setting.ERROR, "sum_over_features"), Map.entry(Setting.PENALTY, "l1_decoder_norm"),
                    Map.entry(Setting.L1, "3e-5"), Map.entry(Setting.UNIT_NORM, "after_adam"), Map.entry(Setting.INIT, "kaiming_fan_in"),
                    Map.entry(Setting.APPLY_B_DEC, "false"), Map.entry(Setting.DEAD, "ghost"), Map.entry(Setting.LR, "1e-3"),
                    Map.entry(Setting.LR_WARM_UP, "1000")));

    /**
     * Anthropic's update of April 2024: {@code L = <sum_d (x - x^)^2> + lambda <sum_i f_i |d_i|>}, lambda 5 rising over the first steps, no
     * unit norm, gradient norm clipped to 1, Adam (5e-5, 0.9, 0.999), learning rate falling over the last fifth. Inputs are scaled to a
     * mean norm of sqrt(d); b_dec is not subtracted from them. W_dec starts with rows of norm 0.1, W_enc as its transpose.
     */
    public static final Recipe ANTHROPIC_APRIL_2024 = Recipe.preset("anthropic-april-2024",
            "Circuits Updates, April 2024: update on how we train SAEs",
            Map.ofEntries(Map.entry(Setting.ERROR, "sum"), Map.entry(Setting.PENALTY, "l1_decoder_norm"), Map.entry(Setting.L1, "5"),
                    Map.entry(Setting.L1_WARM_UP, "10000"), Map.entry(Setting.INIT, "tied_small"), Map.entry(Setting.APPLY_B_DEC, "false"),
                    Map.entry(Setting.NORMALIZE, "true"), Map.entry(Setting.LR, "5e-5"), Map.entry(Setting.CLIP, "1"),
                    Map.entry(Setting.STEPS, "200000"), Map.entry(Setting.LR_DECAY, "40000")));

    /**
     * TopK with an auxiliary loss (Gao et al. 2024): {@code L = NMSE(x^, x) + 1/32 NMSE(e^, e)}, where NMSE is the mean squared error
     * divided by that of predicting the batch's mean, and e^ reconstructs e = sg(x - x^) from the 256 largest dead features, without b_dec;
     * the second term is 0 while none is dead, and where it is no number. Step: backward; project; unit norm; Adam (1e-4, 0.9, 0.999,
     * 6.25e-10). W_enc starts as the transpose of W_dec, b_dec at the geometric median.
     */
    public static final Recipe OPENAI_TOPK = Recipe.preset("openai-topk", "Scaling and evaluating sparse autoencoders (Gao et al. 2024)",
            Map.ofEntries(Map.entry(Setting.ACTIVATION, "topk"), Map.entry(Setting.ERROR, "normalized"), Map.entry(Setting.INIT, "tied"),
                    Map.entry(Setting.UNIT_NORM, "before_adam"), Map.entry(Setting.B_DEC_INIT, "geometric_median"),
                    Map.entry(Setting.DEAD, "aux_k"), Map.entry(Setting.EPS, "6.25e-10")));

    /**
     * BatchTopK (Bussmann et al. 2024): {@code L =} mean over batch and d of {@code (x^ - x)^2} plus 1/32 the same of e^ against
     * e = sg(x - x^). The k B largest pre-activations of a batch are kept; the result is a JumpReLU autoencoder whose one threshold is the
     * running mean of the smallest kept. Step: backward; project; unit norm; Adam (3e-4, 0.9, 0.99).
     */
    public static final Recipe BATCH_TOPK = Recipe.preset("batch-topk", "BatchTopK sparse autoencoders (Bussmann et al. 2024)",
            Map.ofEntries(Map.entry(Setting.ACTIVATION, "batch_topk"), Map.entry(Setting.ERROR, "mean"), Map.entry(Setting.INIT, "tied"),
                    Map.entry(Setting.UNIT_NORM, "before_adam"), Map.entry(Setting.DEAD, "aux_k"), Map.entry(Setting.K_AUX, "512"),
                    Map.entry(Setting.DEAD_AFTER, "81920"), Map.entry(Setting.LR, "3e-4"), Map.entry(Setting.BETA2, "0.99")));

    /**
     * Matryoshka BatchTopK (Bussmann et al. 2025): as {@code batch-topk}, but the error is the sum of the errors of reconstructing from
     * the first 1/16, 1/8, 1/4, 1/2 and all of the features.
     */
    public static final Recipe MATRYOSHKA = Recipe.preset("matryoshka",
            "Learning multi-level features with Matryoshka sparse autoencoders (Bussmann et al. 2025)",
            Map.ofEntries(Map.entry(Setting.ACTIVATION, "batch_topk"), Map.entry(Setting.ERROR, "mean"), Map.entry(Setting.INIT, "tied"),
                    Map.entry(Setting.UNIT_NORM, "before_adam"), Map.entry(Setting.DEAD, "aux_k"), Map.entry(Setting.K_AUX, "512"),
                    Map.entry(Setting.DEAD_AFTER, "81920"), Map.entry(Setting.LR, "3e-4"), Map.entry(Setting.BETA2, "0.99"),
                    Map.entry(Setting.MATRYOSHKA, "auto")));

    /**
     * JumpReLU (Rajamanoharan et al. 2024): {@code L = <sum_d (x^ - x)^2> + lambda <sum_i H(p_i - theta_i)>}, thresholds trained through
     * a straight-through estimator with a rectangle of width 1e-3, thresholds starting at 1e-3. Step: backward; project; Adam (7e-5, 0,
     * 0.999); unit norm. Inputs are scaled to a mean norm of sqrt(d).
     */
    public static final Recipe JUMPRELU = Recipe.preset("jumprelu",
            "Jumping ahead: improving reconstruction fidelity with JumpReLU sparse autoencoders (Rajamanoharan et al. 2024)",
            Map.ofEntries(Map.entry(Setting.ACTIVATION, "jump_relu"), Map.entry(Setting.ERROR, "sum"), Map.entry(Setting.PENALTY, "l0"),
                    Map.entry(Setting.L1, "1e-3"), Map.entry(Setting.L1_WARM_UP, "10000"), Map.entry(Setting.UNIT_NORM, "after_adam"),
                    Map.entry(Setting.INIT, "tied"), Map.entry(Setting.APPLY_B_DEC, "false"), Map.entry(Setting.NORMALIZE, "true"),
                    Map.entry(Setting.LR, "7e-5"), Map.entry(Setting.LR_WARM_UP, "1000"), Map.entry(Setting.BETA1, "0")));

    /**
     * Gated (Rajamanoharan et al. 2024): {@code L = <sum_d (x^ - x)^2> + lambda <sum_i max(0, pi_i) |d_i|> + <sum_d (max(0, pi) W_dec +
     * b_dec - x)^2>}, decoder and b_dec frozen in the last term. Step: backward; project; Adam (3e-4, 0, 0.999); unit norm. Inputs are
     * scaled to a mean norm of sqrt(d).
     */
    public static final Recipe GATED = Recipe.preset("gated",
            "Improving dictionary learning with gated sparse autoencoders (Rajamanoharan et al. 2024)",
            Map.ofEntries(Map.entry(Setting.ACTIVATION, "gated"), Map.entry(Setting.ERROR, "sum"),
                    Map.entry(Setting.PENALTY, "l1_decoder_norm"), Map.entry(Setting.L1, "1"), Map.entry(Setting.UNIT_NORM, "after_adam"),
                    Map.entry(Setting.INIT, "tied"), Map.entry(Setting.NORMALIZE, "true"), Map.entry(Setting.LR, "3e-4"),
                    Map.entry(Setting.LR_WARM_UP, "1000"), Map.entry(Setting.BETA1, "0")));

    private static final List<Recipe> ALL = List.of(NEEL_RUN1, BLOOM_2024_02, PAPER, ANTHROPIC_APRIL_2024, OPENAI_TOPK, BATCH_TOPK,
            MATRYOSHKA, JUMPRELU, GATED);

    private Recipes() {}

    /** {@return all presets} */
    public static List<Recipe> all() {
        return ALL;
    }

    /**
     * A preset by its name.
     *
     * @param name such as {@code openai-topk}
     * @return the preset
     * @throws Sae4jException if there is none of that name: the message lists the names and suggests the nearest if one is near
     */
    public static Recipe get(String name) {
        List<String> names = ALL.stream().map(Recipe::name).toList();
        return ALL.stream().filter(recipe -> recipe.name().equals(name)).findFirst()
                .orElseThrow(() -> new Sae4jException("no recipe '" + name + "'", "the recipes are " + String.join(", ", names),
                        Nearest.of(name, names).map(nearest -> "did you mean '" + nearest + "'?").orElse("give one of them")));
    }
}
