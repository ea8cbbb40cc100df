package org.sae4j.core.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Words for a recipe. */
final class RecipeText {
    private RecipeText() {}

    static String describe(Recipe r, String about) {
        List<String> lines = new ArrayList<>();
        lines.add(r.name() + ": " + about);
        lines.add("features: " + features(r));
        lines.add("loss: " + loss(r));
        lines.add("step: " + step(r));
        lines.add("start: " + start(r));
        lines.add("Adam: lr " + r.number(Setting.LR) + ", beta1 " + r.number(Setting.BETA1) + ", beta2 " + r.number(Setting.BETA2)
                + ", eps " + r.number(Setting.EPS) + ", " + r.steps() + " steps of " + r.batch() + " tokens" + schedule(r));
        lines.add("dead features (no firing in " + r.whole(Setting.DEAD_AFTER) + " tokens): " + dead(r));
        return String.join("\n", lines);
    }

    private static String schedule(Recipe r) {
        StringBuilder text = new StringBuilder();
        if (r.whole(Setting.LR_WARM_UP) > 0) {
            text.append("; lr rises over the first ").append(r.whole(Setting.LR_WARM_UP)).append(" steps");
        }
        if (r.whole(Setting.LR_DECAY) > 0) {
            text.append("; lr falls to 0 over the last ").append(r.whole(Setting.LR_DECAY)).append(" steps");
        }
        if (r.hasPenalty() && !r.hasTarget() && r.whole(Setting.L1_WARM_UP) > 0) {
            text.append("; the penalty rises over the first ").append(r.whole(Setting.L1_WARM_UP)).append(" steps");
        }
        return text.toString();
    }

    private static String features(Recipe r) {
        String p = r.applyBDec() ? "p = (x - b_dec) W_enc + b_enc" : "p = x W_enc + b_enc";
        String f = switch (r.activation()) {
            case RELU -> "f = max(0, p)";
            case TOPK -> "f = the " + r.whole(Setting.K) + " largest p of a token, where positive";
            case BATCH_TOPK -> "f = the " + r.whole(Setting.K) + " B largest p of a batch, where positive; at inference p above the running"
                    + " mean (decay " + r.number(Setting.THRESHOLD_DECAY) + ") of the smallest kept";
            case JUMP_RELU -> "f = p where p > theta, else 0; dH(p - theta)/dtheta = -K/eps, df/dtheta = -theta K/eps, K the rectangle of"
                    + " width eps = " + r.number(Setting.BANDWIDTH) + " around theta; log theta is trained";
            case ARCHITECTURE -> "f as the architecture " + r.architecture() + " has it; gradients pass at active features";
            case GATED -> "pi = p with b_gate for b_enc, f = [pi > 0] max(0, (pi - b_gate) exp(r_mag) + b_mag)";
        };
        return (r.activation() == Recipe.Activation.ARCHITECTURE ? "" : p + ", ") + f + "; n = " + r.dSae();
    }

    private static String loss(Recipe r) {
        StringBuilder text = new StringBuilder(error(r, "x^ - x", "x"));
        if (r.hasK() && !r.matryoshka().isEmpty()) {
            text.insert(0, "the sum, over the prefixes " + r.matryoshka() + " of features, of ");
        }
        String f = r.activation() == Recipe.Activation.GATED ? "max(0, pi_i)" : "f_i";
        String l1 = r.hasTarget() ? "c" : r.hasPenalty() ? Double.toString(r.number(Setting.L1)) : "";
        switch (r.penalty()) {
            case NONE -> { }
            case L1_SUM -> text.append(" + %s (sum over batch and features of %s)".formatted(l1, f));
            case L1 -> text.append(" + %s <sum_i %s>".formatted(l1, f));
            case L1_DECODER_NORM -> text.append(" + %s <sum_i %s |d_i|>".formatted(l1, f));
            case L0 -> text.append(" + %s <sum_i H(p_i - theta_i)>".formatted(l1));
        }
        if (r.activation() == Recipe.Activation.GATED) {
            text.append(" + <sum_d (max(0, pi) W_dec + b_dec - x)^2> (decoder and b_dec frozen)");
        }
        switch (r.dead()) {
            case GHOST -> text.append((" + ghost gradients: mean over batch and d of sg(e/(e' + 1e-6)) e', e = r^2%s, e' = (g - sg r)^2,"
                    + " r = x - x^, g = exp(p_dead) W_dec,dead scaled to |r|/2")
                    .formatted(r.error() == Recipe.ErrorReduction.MEAN_OVER_NORM ? "/|x|" : ""));
            case AUX_K -> text.append(" + %s %s, e^ the top %d dead features' reconstruction of e = sg(x - x^) (0 while none is dead)"
                    .formatted(r.number(Setting.AUX_COEFFICIENT), error(r, "e^ - e", "e"), r.whole(Setting.K_AUX)));
            case NONE, REINITIALISE, RESAMPLE -> { }
        }
        if (r.hasTarget()) {
            text.append("; c starts at ").append(r.isAutomatic(Setting.L1) ? "an effective lambda of 1" : r.number(Setting.L1))
                    .append(" and is adjusted so that L0 falls to ").append(number(r.number(Setting.TARGET_L0)))
                    .append(" over the first ").append(r.whole(Setting.L1_WARM_UP)).append(" steps and stays there");
        } else if (r.hasPenalty()) {
            text.append(switch (r.error()) {
                case MEAN -> "; effective lambda per token %s d".formatted(number(r.effectiveLambda(1)));
                case MEAN_OVER_NORM -> "; effective lambda per token %s d |x|".formatted(number(r.effectiveLambda(1)));
                case NORMALIZED -> "; effective lambda per token %s (variance summed over d)".formatted(number(r.effectiveLambda(1)));
                case SUM, SUM_OVER_FEATURES -> "; effective lambda per token " + number(r.effectiveLambda(1));
            });
        }
        return text.toString();
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.5g", value);
    }

    private static String error(Recipe r, String difference, String target) {
        return switch (r.error()) {
            case SUM -> "<sum_d (" + difference + ")^2>";
            case SUM_OVER_FEATURES -> "<sum_d (" + difference + ")^2> / n";
            case MEAN -> "mean over batch and d of (" + difference + ")^2";
            case MEAN_OVER_NORM -> "mean over batch and d of (" + difference + ")^2 / |" + target + "|";
            case NORMALIZED -> "mean of (" + difference + ")^2 divided by that of predicting the batch's mean";
        };
    }

    private static String step(Recipe r) {
        List<String> steps = new ArrayList<>();
        if (r.unitNorm() == Recipe.UnitNorm.BEFORE_FORWARD) {
            steps.add("unit norm of decoder rows");
        }
        steps.add("forward");
        steps.add("backward");
        if (r.unitNorm() != Recipe.UnitNorm.NONE) {
            steps.add("project the decoder's gradient");
        }
        if (r.unitNorm() == Recipe.UnitNorm.BEFORE_ADAM) {
            steps.add("unit norm of decoder rows");
        }
        if (r.number(Setting.CLIP) > 0) {
            steps.add("clip the gradients' joint norm to " + r.number(Setting.CLIP));
        }
        steps.add("Adam");
        if (r.unitNorm() == Recipe.UnitNorm.AFTER_ADAM) {
            steps.add("unit norm of decoder rows");
        }
        return String.join(", ", steps);
    }

    private static String start(Recipe r) {
        String weights = switch (r.initialisation()) {
            case KAIMING -> "W_enc U(+-sqrt(6/n)), W_dec U(+-sqrt(6/d)) set to unit rows";
            case KAIMING_FAN_IN -> "W_enc U(+-sqrt(6/d)), W_dec random unit rows";
            case TIED -> "W_dec random unit rows, W_enc its transpose";
            case TIED_SMALL -> "W_dec random rows of norm 0.1, W_enc its transpose";
        };
        String bias = switch (r.biasInitialisation()) {
            case ZEROS -> "b_dec 0";
            case MEAN -> "b_dec the mean of the first inputs";
            case GEOMETRIC_MEDIAN -> "b_dec the geometric median of the first inputs";
        };
        return weights + ", " + bias + (r.centres() ? "; the inputs' mean subtracted, folded into the result" : "")
                + (r.normalizes() ? "; inputs scaled to a mean norm of sqrt(d), folded into the result" : "")
                + (r.isJumpRelu() ? "; theta " + r.number(Setting.THRESHOLD_INIT) : "");
    }

    private static String dead(Recipe r) {
        return switch (r.dead()) {
            case NONE -> "counted only";
            case GHOST -> "ghost gradients";
            case AUX_K -> "auxiliary loss";
            case REINITIALISE -> "every " + r.whole(Setting.RESAMPLE_EVERY) + " steps until " + r.whole(Setting.RESAMPLE_UNTIL)
                    + ", features that fired at a rate below " + number(r.number(Setting.RESAMPLE_BELOW)) + " over the last "
                    + r.whole(Setting.RESAMPLE_BATCHES) + " batches are drawn again; Adam's moments stay";
            case RESAMPLE -> "every " + r.whole(Setting.RESAMPLE_EVERY) + " steps until " + r.whole(Setting.RESAMPLE_UNTIL)
                    + ", dead features are pointed at inputs drawn with probability proportional to the squared loss among "
                    + r.whole(Setting.RESAMPLE_INPUTS) + "; their moments are reset";
        };
    }
}
