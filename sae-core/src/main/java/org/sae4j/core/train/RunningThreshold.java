package org.sae4j.core.train;

import java.util.Arrays;

/** The running mean of the smallest activation kept in each batch, with corrected bias: BatchTopK's threshold at inference. */
final class RunningThreshold {
    private final double decay;
    private double sum;
    private double weight;

    RunningThreshold(Recipe recipe) {
        decay = recipe.number(Setting.THRESHOLD_DECAY);
    }

    /** Takes in the first {@code count} of some values, the features of a batch; a batch without any says nothing. */
    void add(float[] values, int count) {
        float smallest = Float.POSITIVE_INFINITY;
        for (int entry = 0; entry < count; entry++) {
            smallest = Math.min(smallest, values[entry]);
        }
        if (count > 0) {
            sum = decay * sum + smallest;
            weight = decay * weight + 1;
        }
    }

    /** The threshold of all features; 0 before the first step. */
    float value() {
        return weight == 0 ? 0 : (float) (sum / weight);
    }

    /** The same for every feature. */
    float[] values(int n) {
        float[] values = new float[n];
        Arrays.fill(values, value());
        return values;
    }

    double[] state() {
        return new double[] {sum, weight};
    }

    void restore(double[] state) {
        sum = state[0];
        weight = state[1];
    }
}
