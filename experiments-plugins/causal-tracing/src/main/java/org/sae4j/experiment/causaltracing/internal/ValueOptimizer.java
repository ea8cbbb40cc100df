package org.sae4j.experiment.causaltracing.internal;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
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

    private final Downstream downstream;
    private final CausalTracingConfig.Edit config;

    ValueOptimizer(Downstream downstream, CausalTracingConfig.Edit config) {
        this.downstream = downstream;
        this.config = config;
    }

    /**
     * An optimised value.
     *
     * @param change what to add to the MLP's output
     * @param probability mean probability of the answer over the texts
     * @param steps steps taken
     */
    record Optimized(double[] change, double probability, int steps) {}

    /** Each text comes once for each token of the answer, continued by the tokens before that one. */
    Optimized optimize(List<List<Downstream.Text>> texts, Downstream.Text essence, int[] answer, double[] output) {
        int d = output.length;
        double norm = Math.sqrt(Arrays.stream(output).map(v -> v * v).sum());
        double rate = config.learningRate() * norm / Math.sqrt(d);
        double longest = config.clamp() * norm;
        double[] before = downstream.logProbabilities(essence, new double[d]);
        double[] change = new double[d];
        double[] first = new double[d];
        double[] second = new double[d];
        int step = 0;
        while (step < config.steps()) {
            double[] gradient = new double[d];
            double loss = loss(texts, essence, answer, before, norm, change, gradient);
            if (loss < GOOD_ENOUGH) {
                break;
            }
            step++;
            for (int i = 0; i < d; i++) {
                first[i] = BETA1 * first[i] + (1 - BETA1) * gradient[i];
                second[i] = BETA2 * second[i] + (1 - BETA2) * gradient[i] * gradient[i];
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
        }
        double probability = texts.stream().mapToDouble(t -> Math.exp(IntStream.range(0, answer.length).mapToDouble(i ->
                downstream.logProbabilities(t.get(i), change)[answer[i]]).sum())).sum() / texts.size();
        return new Optimized(change, probability, step);
    }

    private double loss(List<List<Downstream.Text>> texts, Downstream.Text essence, int[] answer, double[] before, double norm,
            double[] change, double[] gradient) {
        double loss = 0;
        for (List<Downstream.Text> text : texts) {
            for (int i = 0; i < answer.length; i++) {
                int token = answer[i];
                loss += downstream.evaluate(text.get(i), change, (log, dLogits) -> {
                    for (int t = 0; t < log.length; t++) {
                        dLogits[t] = Math.exp(log[t]) / texts.size();
                    }
                    dLogits[token] -= 1.0 / texts.size();
                    return -log[token] / texts.size();
                }, gradient);
            }
        }
        if (config.klFactor() > 0) {
            loss += downstream.evaluate(essence, change, (log, dLogits) -> divergence(before, log, dLogits), gradient);
        }
        for (int i = 0; i < change.length; i++) {
            loss += config.weightDecay() * change[i] * change[i] / (norm * norm);
            gradient[i] += 2 * config.weightDecay() * change[i] / (norm * norm);
        }
        return loss;
    }

    private double divergence(double[] before, double[] log, double[] dLogits) {
        double sum = 0;
        for (int t = 0; t < log.length; t++) {
            double p = Math.exp(before[t]);
            sum += p * (before[t] - log[t]);
            dLogits[t] = config.klFactor() * (Math.exp(log[t]) - p);
        }
        return config.klFactor() * sum;
    }
}
