package org.sae4j.core.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.sae4j.core.evaluate.Evaluation;

/**
 * Whether an autoencoder is good, in words: the three numbers that say so, what to aim at, and what to change. The targets are those that
 * the field's published autoencoders meet; good numbers do not say that features mean something, which their pages show.
 *
 * @param verdict the worst of what its numbers are
 * @param summary the numbers in a sentence
 * @param advice what is not as it should be, each with its target and what to change; empty if all is good
 */
public record TrainingAssessment(Verdict verdict, String summary, List<String> advice) {
    private static final double GOOD_VARIANCE = 0.8;
    private static final double POOR_VARIANCE = 0.5;
    private static final double GOOD_DEAD = 0.1;
    private static final double POOR_DEAD = 0.5;
    private static final double LEAST_L0 = 3;
    private static final double LARGEST_L0 = 200;

    /** How good. */
    public enum Verdict {
        /** All numbers meet their targets. */
        GOOD,
        /** One of them misses its target. */
        FAIR,
        /** One of them says that features will not be of use. */
        POOR
    }

    /** Copies the advice. */
    public TrainingAssessment {
        advice = List.copyOf(advice);
    }

    /**
     * Assesses an evaluation.
     *
     * @param evaluation of the autoencoder
     * @param recipe how it was trained
     * @param dIn width of the inputs
     * @return the assessment
     */
    public static TrainingAssessment of(Evaluation evaluation, Recipe recipe, int dIn) {
        List<String> advice = new ArrayList<>();
        Verdict verdict = Verdict.GOOD;
        double variance = evaluation.explainedVariance();
        if (!(variance >= GOOD_VARIANCE)) {
            verdict = variance >= POOR_VARIANCE ? Verdict.FAIR : Verdict.POOR;
            advice.add(String.format(Locale.ROOT, "explained variance is %.3f, aim at %.1f or more: train longer (steps), %s, or raise %s "
                    + "or d_sae", variance, GOOD_VARIANCE, recipe.isAutomatic(Setting.LR) ? "set a higher lr" : "set lr=auto",
                    recipe.hasK() ? "k" : "target_l0"));
        }
        double largest = Math.min(LARGEST_L0, dIn / 2.0);
        if (evaluation.l0() > largest || evaluation.l0() < LEAST_L0) {
            boolean dense = evaluation.l0() > largest;
            verdict = worse(verdict, dense && evaluation.l0() > 2 * largest ? Verdict.POOR : Verdict.FAIR);
            String setting = recipe.hasK() ? "k=32" : "target_l0=32";
            advice.add(String.format(Locale.ROOT, "L0 is %.1f, aim at 10 to 100: %s, set %s", evaluation.l0(),
                    dense ? "so many active features are hard to interpret" : "so few features miss most of an activation", setting));
        }
        double dead = (double) evaluation.dead() / evaluation.density().length;
        if (dead > GOOD_DEAD) {
            verdict = worse(verdict, dead > POOR_DEAD ? Verdict.POOR : Verdict.FAIR);
            advice.add(String.format(Locale.ROOT, "%.0f %% of the features did not fire, aim at less than %.0f %%: set dead=%s with "
                    + "dead_after=auto, a lower lr, or fewer features (d_sae)", 100 * dead, 100 * GOOD_DEAD,
                    recipe.activation() == Recipe.Activation.RELU ? "resample" : "aux_k"));
        }
        return new TrainingAssessment(verdict, String.format(Locale.ROOT, "explained variance %.3f at L0 %.1f, %,d of %,d features did not "
                + "fire in %,d rows", variance, evaluation.l0(), evaluation.dead(), evaluation.density().length, evaluation.tokens()),
                advice);
    }

    private static Verdict worse(Verdict a, Verdict b) {
        return a.compareTo(b) >= 0 ? a : b;
    }

    /** {@return verdict and summary in one line} */
    public String headline() {
        return switch (verdict) {
            case GOOD -> "The autoencoder is good: ";
            case FAIR -> "The autoencoder is fair: ";
            case POOR -> "The autoencoder is poor: ";
        } + summary;
    }
}
