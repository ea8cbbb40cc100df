package org.sae4j.core.train;

import java.util.Arrays;
import org.sae4j.api.engine.CompiledProgram;

/** Makes the metrics of steps from what a step's program puts out. Allocates nothing else. */
final class StepMetrics {
    private final Recipe recipe;
    private final CompiledProgram program;
    private final int d;
    private final boolean gated;
    private final boolean auxiliaries;
    private final boolean separateSquaredError;
    private final float[] one = new float[1];
    private final float[] sums = new float[3];
    private final float[] gateSums = new float[3];
    private final double[] mean;

    StepMetrics(Recipe recipe, CompiledProgram program, int d) {
        this.recipe = recipe;
        this.program = program;
        this.d = d;
        gated = recipe.activation() == Recipe.Activation.GATED;
        auxiliaries = recipe.dead() == Recipe.DeadTreatment.GHOST || recipe.dead() == Recipe.DeadTreatment.AUX_K;
        separateSquaredError = TrainingStep.separateSquaredError(recipe);
        mean = new double[d];
    }

    /** The metrics of a step that has run on a batch, with a coefficient of the penalty. */
    TrainingMetrics of(long step, float[] batch, double coefficient) {
        read("sums", sums);
        if (gated) {
            read("gate_sums", gateSums);
        }
        float[] penalised = gated ? gateSums : sums;
        double penalty = recipe.penaltyOfOne(coefficient) * switch (recipe.penalty()) {
            case NONE -> 0;
            case L0 -> penalised[0];
            case L1, L1_SUM -> penalised[1];
            case L1_DECODER_NORM -> penalised[2];
        };
        int dead = (int) read("dead_count");
        double auxiliary = auxiliaries && dead > 0 ? read("aux_loss") : 0;
        double error = read("error_loss");
        double l2 = separateSquaredError ? read("squared_error") : switch (recipe.error()) {
            case SUM_OVER_FEATURES -> error * recipe.dSae();
            case MEAN -> error * d;
            default -> error;
        };
        if (gated) {
            auxiliary += read("gate_loss");
        }
        double variance = variance(batch);
        return new TrainingMetrics(step, step * recipe.batch(), error + penalty + auxiliary, error, penalty, auxiliary, l2, l2 / d,
                sums[1] / recipe.batch(), sums[0] / recipe.batch(), variance == 0 ? Double.NaN : 1 - l2 / variance, dead,
                recipe.learningRate(step), coefficient);
    }

    private void read(String name, float[] target) {
        program.read(program.program().buffer(name), target);
    }

    private float read(String name) {
        read(name, one);
        return one[0];
    }

    /** The mean over the batch of the squared distance to the batch's mean. */
    private double variance(float[] batch) {
        Arrays.fill(mean, 0);
        for (int at = 0; at < batch.length; at += d) {
            for (int c = 0; c < d; c++) {
                mean[c] += batch[at + c];
            }
        }
        for (int c = 0; c < d; c++) {
            mean[c] /= recipe.batch();
        }
        double sum = 0;
        for (int at = 0; at < batch.length; at += d) {
            for (int c = 0; c < d; c++) {
                double difference = batch[at + c] - mean[c];
                sum += difference * difference;
            }
        }
        return sum / recipe.batch();
    }
}
