package org.sae4j.core.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What one training step saw, before its update. With {@link Setting#NORMALIZE}, errors and activations are those of the scaled inputs.
 *
 * @param step from 1
 * @param tokens inputs trained on so far, this step's included
 * @param loss the recipe's loss: error, penalty, auxiliary
 * @param error the error as the recipe reduces it
 * @param penalty the penalty with its coefficient
 * @param auxiliary ghost or auxiliary loss, 0 while no feature is dead; gated: the error of the gate's own reconstruction too
 * @param l2 mean over the batch of the squared error summed over d
 * @param mse mean over batch and d of the squared error
 * @param l1 mean over the batch of the sum of activations
 * @param l0 mean over the batch of the number of active features
 * @param explainedVariance 1 - squared error / that of predicting the batch's mean; NaN if the batch does not vary
 * @param dead features that have not fired for {@link Setting#DEAD_AFTER} tokens
 * @param lr the learning rate of the step
 * @param coefficient of the penalty in the step, in the recipe's reduction; 0 without a penalty
 */
public record TrainingMetrics(long step, long tokens, double loss, double error, double penalty, double auxiliary, double l2, double mse,
        double l1, double l0, double explainedVariance, int dead, double lr, double coefficient) {
    /** {@return the values by the names that {@code metrics.jsonl} uses, in order} */
    public Map<String, Number> values() {
        Map<String, Number> values = new LinkedHashMap<>();
        values.put("step", step);
        values.put("tokens", tokens);
        values.put("loss", loss);
        values.put("error", error);
        values.put("penalty", penalty);
        values.put("auxiliary", auxiliary);
        values.put("l2", l2);
        values.put("mse", mse);
        values.put("l1", l1);
        values.put("l0", l0);
        values.put("explained_variance", explainedVariance);
        values.put("dead", dead);
        values.put("lr", lr);
        values.put("penalty_coefficient", coefficient);
        return Collections.unmodifiableMap(values);
    }
}
