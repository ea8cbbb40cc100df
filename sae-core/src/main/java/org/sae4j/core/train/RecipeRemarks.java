package org.sae4j.core.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a recipe's settings will come to in a run, where that is worth knowing before it starts. */
final class RecipeRemarks {
    /** Adam moves a weight by at most about the learning rate a step; directions of unit length that move less stay where they start. */
    private static final double LEAST_WAY = 0.2;
    private static final double FEW_ROWS_A_FEATURE = 20;
    private static final int SAMPLES = 1000;

    private final Recipe recipe;
    private final List<String> remarks = new ArrayList<>();

    private RecipeRemarks(Recipe recipe) {
        this.recipe = recipe;
    }

    /** Remarks on a run over inputs of width dIn, of which there are so many rows; 0 if that is not known. */
    static List<String> of(Recipe recipe, int dIn, long rows) {
        if (recipe.steps() == 0) {
            return List.of();
        }
        RecipeRemarks remarks = new RecipeRemarks(recipe);
        remarks.learningRate();
        remarks.sparsity(dIn);
        remarks.dead();
        remarks.data(rows);
        return List.copyOf(remarks.remarks);
    }

    private void say(String format, Object... values) {
        remarks.add(String.format(Locale.ROOT, format, values));
    }

    private double tokens() {
        return (double) recipe.steps() * recipe.batch();
    }

    /** The mean of the learning rate over the run, times its steps. */
    private double way() {
        double sum = 0;
        long samples = Math.min(SAMPLES, recipe.steps());
        for (long i = 0; i < samples; i++) {
            sum += recipe.learningRate(1 + Math.round((double) i * (recipe.steps() - 1) / Math.max(1, samples - 1)));
        }
        return sum / samples * recipe.steps();
    }

    private void learningRate() {
        double lr = recipe.number(Setting.LR);
        long warmUp = recipe.whole(Setting.LR_WARM_UP);
        long decay = recipe.whole(Setting.LR_DECAY);
        if (warmUp > recipe.steps() || decay > recipe.steps()) {
            long crossing = Math.clamp(Math.min(warmUp, recipe.steps()), 1, recipe.steps());
            say("The learning rate never exceeds %.3g, %.1f %% of lr: lr_warm_up is %,d and lr_decay %,d steps, the run %,d. Set "
                    + "lr_warm_up=5%% and lr_decay=20%%.", peak(crossing), 100 * peak(crossing) / Math.max(lr, Double.MIN_NORMAL), warmUp,
                    decay, recipe.steps());
        }
        double way = way();
        if (way < LEAST_WAY && !recipe.isAutomatic(Setting.LR)) {
            say("Weights hardly move: the learning rates of all steps add up to %.2g, and directions of length 1 need %.1g or more. Set "
                    + "lr=auto (%.3g for %,d features), or train longer.", way, LEAST_WAY,
                    recipe.with(Setting.LR.key(), "auto").number(Setting.LR), recipe.dSae());
        }
        if (recipe.isJumpRelu() && recipe.normalizes() && recipe.number(Setting.THRESHOLD_INIT) * Math.exp(way) < 0.1) {
            say("Thresholds stay near 0 and L0 stays high: their logarithms are trained, so from %.3g they reach %.3g at most, and features "
                    + "have sizes of 1 to 10. Set threshold_init=auto and bandwidth=auto.", recipe.number(Setting.THRESHOLD_INIT),
                    recipe.number(Setting.THRESHOLD_INIT) * Math.exp(way));
        }
    }

    /** The rate is largest where rise and fall cross, or at an end of the run. */
    private double peak(long crossing) {
        double peak = 0;
        for (long i = 0; i <= SAMPLES; i++) {
            peak = Math.max(peak, recipe.learningRate(1 + Math.round((double) i * (recipe.steps() - 1) / SAMPLES)));
        }
        return Math.max(peak, recipe.learningRate(crossing));
    }

    private void sparsity(int dIn) {
        if (recipe.hasPenalty() && !recipe.hasTarget()) {
            long warmUp = recipe.whole(Setting.L1_WARM_UP);
            if (warmUp > recipe.steps()) {
                say("The penalty ends at %.1f %% of l1 and L0 stays high: l1_warm_up is %,d steps, the run %,d. Set l1_warm_up=10%%, or "
                        + "target_l0=32.", 100.0 * recipe.steps() / warmUp, warmUp, recipe.steps());
            } else if (recipe.normalizes() && recipe.error() != Recipe.ErrorReduction.NORMALIZED
                    && recipe.effectiveLambda(dIn) * (recipe.error() == Recipe.ErrorReduction.MEAN_OVER_NORM ? Math.sqrt(dIn) : 1) < 0.5) {
                say("L0 is likely to stay in the hundreds: l1 is an effective lambda of %.3g per token, and inputs of norm sqrt(d_in) need 1 "
                        + "to 10. Set target_l0=32, or raise l1.", recipe.effectiveLambda(dIn));
            }
        }
        if (recipe.hasK() && recipe.whole(Setting.K) * 2 > dIn) {
            say("k is %d for inputs of width %d: so many directions span nearly all of it, whatever the features are. Set k=%d or less.",
                    recipe.whole(Setting.K), dIn, Math.max(1, dIn / 4));
        }
    }

    private void dead() {
        long after = recipe.whole(Setting.DEAD_AFTER);
        if (after >= tokens()) {
            say("No feature can count as dead: dead_after is %,d tokens, the run %,.0f%s. Set dead_after=10%%.", after, tokens(),
                    recipe.dead() == Recipe.DeadTreatment.NONE ? "" : ", so that dead=" + Recipe.lower(recipe.dead()) + " does nothing");
        }
        if (recipe.resamples() && recipe.whole(Setting.RESAMPLE_EVERY) >= recipe.steps()) {
            say("No feature is drawn again: resample_every is %,d steps, the run %,d. Set resample_every=10%%.",
                    recipe.whole(Setting.RESAMPLE_EVERY), recipe.steps());
        }
    }

    private void data(long rows) {
        if (tokens() < FEW_ROWS_A_FEATURE * recipe.dSae()) {
            say("There are only %.1f rows for each feature: %,.0f rows, %,d features. Most features will stay where they start. Set d_sae "
                    + "lower, or train longer.", tokens() / recipe.dSae(), tokens(), recipe.dSae());
        }
        if (rows > 0 && tokens() > rows) {
            say("The run takes %,.0f rows, %.1f passes over the %,d that there are. Set steps=%d for one pass, or harvest more.", tokens(),
                    tokens() / rows, rows, Math.max(1, rows / recipe.batch()));
        }
    }
}
