package org.sae4j.core.train;

/**
 * The coefficient of a recipe's penalty as training goes: l1, rising over the first {@link Setting#L1_WARM_UP} steps; or, with
 * {@link Setting#TARGET_L0}, adjusted from step to step so that L0 falls to the target and stays there.
 *
 * <p>The adjustment is a proportional and integral controller of log coefficient by log(L0 / reference). The reference falls from the first
 * step's L0 to the target over the warm-up, ever more slowly, so that the coefficient never runs far ahead of features that are still to
 * learn, and L0 does not fall below the target.
 */
final class PenaltyCoefficient {
    /** Numbers of {@link #state}. */
    static final int STATE = 3;
    /** How far the integral moves over a run while L0 is off by a factor of e. */
    private static final double INTEGRAL = 12;
    private static final double PROPORTIONAL = 2;
    /** The largest error that counts, in logarithms. */
    private static final double LARGEST_ERROR = 1;

    private final Recipe recipe;
    private final boolean adjusted;
    private final double target;
    private final long warmUp;
    private double logCoefficient;
    private double firstL0;
    private double error;

    PenaltyCoefficient(Recipe recipe, int dIn) {
        this.recipe = recipe;
        adjusted = recipe.hasTarget();
        target = adjusted ? recipe.number(Setting.TARGET_L0) : 0;
        warmUp = recipe.whole(Setting.L1_WARM_UP);
        logCoefficient = adjusted ? Math.log(start(dIn)) : 0;
    }

    /**
     * Where the coefficient starts: at l1 if it is given, else where a feature's unit costs as much as a unit of squared error, which most
     * features of inputs of norm sqrt(d_in) survive.
     */
    private double start(int dIn) {
        if (!recipe.isAutomatic(Setting.L1)) {
            return recipe.number(Setting.L1);
        }
        double scale = switch (recipe.error()) {
            case MEAN_OVER_NORM -> Math.sqrt(dIn);
            case NORMALIZED -> dIn;
            case SUM, SUM_OVER_FEATURES, MEAN -> 1;
        };
        return recipe.number(Setting.L1) / (recipe.effectiveLambda(dIn) * scale);
    }

    /** The coefficient of a step from 1, in the recipe's reduction; 0 without a penalty. */
    double at(long step) {
        if (adjusted) {
            return Math.exp(logCoefficient + PROPORTIONAL * error);
        }
        double rise = warmUp == 0 ? 1 : Math.min(1, (double) step / warmUp);
        return recipe.hasPenalty() ? recipe.number(Setting.L1) * rise : 0;
    }

    /** Takes in what a step from 1 saw. */
    void saw(long step, double l0) {
        if (!adjusted) {
            return;
        }
        if (step == 1) {
            firstL0 = Math.max(l0, target);
        }
        double share = warmUp == 0 ? 1 : Math.min(1, (double) step / warmUp);
        double left = (1 - share) * (1 - share);
        double reference = Math.exp(left * Math.log(firstL0) + (1 - left) * Math.log(target));
        error = Math.clamp(Math.log(Math.max(l0, 1e-3) / reference), -LARGEST_ERROR, LARGEST_ERROR);
        logCoefficient += INTEGRAL / Math.max(recipe.steps(), 100) * error;
    }

    double[] state() {
        return new double[] {logCoefficient, firstL0, error};
    }

    void restore(double[] state) {
        logCoefficient = state[0];
        firstL0 = state[1];
        error = state[2];
    }
}
