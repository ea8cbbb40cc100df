package org.sae4j.core.train;

import org.jspecify.annotations.Nullable;

/**
 * What settings come to that are {@code auto} or a share of the run. A published number that is absolute (steps of warm-up, tokens until a
 * feature counts as dead) holds for a run as long as the published one; in a shorter run it is a share of that run. A coefficient holds
 * for the published data and width; {@link Setting#TARGET_L0} takes its place.
 */
final class Automatic {
    /** Active features of a token that untouched recipes with a penalty aim at. */
    private static final double TARGET_L0 = 32;
    /** The width at which {@link #LR} is the learning rate. */
    private static final double LR_WIDTH = 16384;
    /** Gao et al. 2024 as in dictionary_learning: 2e-4 / sqrt(n / 16384). */
    private static final double LR = 2e-4;
    /** Measured, see BENCHMARKS.md: recipes with a penalty need, and bear, larger steps. */
    private static final double LR_WITH_PENALTY = 1e-3;

    /** Steps that a feature is given before it can be drawn anew. */
    private static final long LEAST_STEPS_OF_LIFE = 100;

    private Automatic() {}

    /** The value that a recipe chooses itself. */
    enum Auto {
        /** The only one. */
        AUTO
    }

    /**
     * A share of the run's steps or tokens.
     *
     * @param of the run, from 0 to 1
     */
    record Share(double of) {
        static @Nullable Share parse(String text) {
            return text.endsWith("%") ? new Share(Double.parseDouble(text.substring(0, text.length() - 1)) / 100) : null;
        }

        @Override
        public String toString() {
            double percent = of * 100;
            return (percent == Math.rint(percent) ? Long.toString((long) percent) : Double.toString(percent)) + "%";
        }
    }

    /** The number, flag or choice of a setting in a recipe. */
    static Object resolve(Recipe recipe, Setting setting, Object value, Object published) {
        if (value instanceof Share share) {
            return part(recipe, setting, share.of());
        }
        return value == Auto.AUTO ? choose(recipe, setting, published) : value;
    }

    private static Object choose(Recipe recipe, Setting setting, Object published) {
        return switch (setting) {
            case UNIT_NORM -> published == Recipe.UnitNorm.BEFORE_ADAM && recipe.activation() == Recipe.Activation.TOPK
                    ? Recipe.UnitNorm.AFTER_ADAM : published;
            case LR -> (recipe.hasPenalty() ? LR_WITH_PENALTY : LR) / Math.sqrt(recipe.dSae() / LR_WIDTH);
            case LR_WARM_UP -> atMost(published, part(recipe, setting, 0.05));
            case LR_DECAY -> atMost(published, part(recipe, setting, 0.2));
            case L1_WARM_UP -> recipe.hasTarget() ? (Object) part(recipe, setting, 0.5) : atMost(published, part(recipe, setting, 0.1));
            case TARGET_L0 -> recipe.hasPenalty() && recipe.isAutomatic(Setting.L1) ? Math.min(TARGET_L0, recipe.dSae() / 8.0) : 0.0;
            case NORMALIZE -> (Boolean) published || recipe.hasTarget();
            case THRESHOLD_INIT, BANDWIDTH -> recipe.normalizes() ? 1.0 : published;
            case DEAD_AFTER -> atMost(published, part(recipe, setting, 0.1));
            case RESAMPLE_EVERY -> atMost(published, Math.max(LEAST_STEPS_OF_LIFE, part(recipe, setting, 0.1)));
            case RESAMPLE_UNTIL -> atMost(published, part(recipe, setting, 0.5));
            case RESAMPLE_BATCHES -> atMost(published, Math.max(1, part(recipe, setting, 0.02)));
            default -> published;
        };
    }

    private static Object atMost(Object published, long limit) {
        return Math.min((Long) published, limit);
    }

    private static long part(Recipe recipe, Setting setting, double share) {
        double whole = setting == Setting.DEAD_AFTER ? (double) recipe.steps() * recipe.batch() : recipe.steps();
        return Math.max(setting == Setting.RESAMPLE_EVERY ? 1 : 0, Math.round(share * whole));
    }
}
