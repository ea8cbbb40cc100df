package org.sae4j.experiment.causaltracing.internal;

import java.util.Arrays;
import org.sae4j.experiment.causaltracing.CausalTracingConfig;

/**
 * Finds the MLP output at the subject's last token that makes the model give a new answer (Meng et al. 2022): Adam on the mean of
 * {@code -log p(answer)} over texts, all tokens of the answer together, with a divergence that keeps what the model says right after the subject, and a decay of the squared
 * relative change.
 */
final class ValueOptimizer {
    /** The optimisation ends when the loss falls below this, as in the reference implementation. */
    private static final double GOOD_ENOUGH = 0.05;
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;

    private final CausalTracingConfig.Edit config;

    ValueOptimizer(CausalTracingConfig.Edit config) {
        this.config = config;
    }

    /**
     * An optimized value.
     *
     * @param change what to add to the MLP's output
     * @param probability mean probability of the answer over the texts
     * @param steps steps taken
     */
    record Optimized(double[] change, double probability, int steps) {}

    /** Optimizes what to add to an MLP's output. */
    Optimized optimize(ValueLoss objective, double[] output) {
        int d = output.length;
        double norm = Math.sqrt(Arrays.stream(output).map(v -> v * v).sum());
        double rate = config.learningRate() * norm / Math.sqrt(d);
        double longest = config.clamp() * norm;
        double[] change = new double[d];
        double[] first = new double[d];
        double[] second = new double[d];
        ValueLoss.Evaluated now = objective.at(change);
        int step = 0;
        while (step < config.steps() && now.loss() + decay(change, norm) >= GOOD_ENOUGH) {
            step++;
            for (int i = 0; i < d; i++) {
                double gradient = now.gradient()[i] + 2 * config.weightDecay() * change[i] / (norm * norm);
                first[i] = BETA1 * first[i] + (1 - BETA1) * gradient;
                second[i] = BETA2 * second[i] + (1 - BETA2) * gradient * gradient;
                double mean = first[i] / (1 - Math.pow(BETA1, step));
                double square = second[i] / (1 - Math.pow(BETA2, step));
                change[i] -= rate * mean / (Math.sqrt(square) + 1e-8);
            }
            double length = Math.sqrt(Arrays.stream(change).map(v -> v * v).sum());
            if (length > longest) {
                for (int i = 0; i < d; i++) {
                    change[i] *= longest / length;
                }
            }
            now = objective.at(change);
        }
        return new Optimized(change, now.probability(), step);
    }

    private double decay(double[] change, double norm) {
        return config.weightDecay() * Arrays.stream(change).map(v -> v * v).sum() / (norm * norm);
    }
}
