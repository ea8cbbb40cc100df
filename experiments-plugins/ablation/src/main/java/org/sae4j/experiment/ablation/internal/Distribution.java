package org.sae4j.experiment.ablation.internal;

import java.util.stream.IntStream;

/**
 * A next-token distribution.
 *
 * @param log log probability of every token, in double precision
 */
public record Distribution(double[] log) {
    /**
     * The softmax of logits.
     *
     * @param logits one row of logits
     * @return the distribution
     */
    public static Distribution of(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        double norm = max + Math.log(sum);
        double[] log = new double[logits.length];
        for (int i = 0; i < log.length; i++) {
            log[i] = logits[i] - norm;
        }
        return new Distribution(log);
    }

    /**
     * The Kullback-Leibler divergence from this distribution to another.
     *
     * @param other the other one
     * @return sum of p (ln p - ln q), in nats, at least 0
     */
    public double divergence(Distribution other) {
        double sum = 0;
        for (int i = 0; i < log.length; i++) {
            sum += Math.exp(log[i]) * (log[i] - other.log[i]);
        }
        return Math.max(0, sum);
    }

    /**
     * The most probable tokens.
     *
     * @param n how many at most
     * @return tokens by descending probability, equal ones by ascending id
     */
    public int[] top(int n) {
        return IntStream.range(0, log.length).boxed().sorted((a, b) -> Double.compare(log[b], log[a])).limit(n).mapToInt(Integer::intValue)
                .toArray();
    }
}
