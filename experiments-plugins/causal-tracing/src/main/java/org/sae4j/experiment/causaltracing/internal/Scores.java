package org.sae4j.experiment.causaltracing.internal;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Scores of next-token logits, in double precision. */
public final class Scores {
    private Scores() {}

    /**
     * The logarithms of the probabilities of all tokens.
     *
     * @param logits one row of logits
     * @return log-softmax
     */
    public static double[] logProbabilities(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        double norm = max + Math.log(sum);
        double[] logs = new double[logits.length];
        for (int i = 0; i < logs.length; i++) {
            logs[i] = logits[i] - norm;
        }
        return logs;
    }

    /**
     * The probability of one token.
     *
     * @param logits one row of logits
     * @param token the token
     * @return softmax at the token
     */
    public static double probability(float[] logits, int token) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp((double) logit - logits[token]);
        }
        return 1 / sum;
    }

    /**
     * The probability of an answer: the product of those of its tokens, each after the ones before it.
     *
     * @param rows one row of logits for each token of the answer
     * @param answer its tokens
     * @return from 0 to 1
     */
    public static double probability(float[][] rows, int[] answer) {
        double product = 1;
        for (int i = 0; i < answer.length; i++) {
            product *= probability(rows[i], answer[i]);
        }
        return product;
    }

    /**
     * Whether every token of an answer has the largest logit.
     *
     * @param rows one row of logits for each token of the answer
     * @param answer its tokens
     * @return whether the model writes the answer
     */
    public static boolean greedy(float[][] rows, int[] answer) {
        return IntStream.range(0, answer.length).allMatch(i -> top(rows[i]) == answer[i]);
    }

    /**
     * Where two answers part.
     *
     * @param answer tokens
     * @param other tokens
     * @return the first place at which both have tokens that differ; -1 if one begins with the other
     */
    public static int parting(int[] answer, int[] other) {
        int at = Arrays.mismatch(answer, other);
        return at < Math.min(answer.length, other.length) ? at : -1;
    }

    /**
     * The token with the largest logit, the first of equal ones.
     *
     * @param logits one row of logits
     * @return the token
     */
    public static int top(float[] logits) {
        int top = 0;
        for (int i = 1; i < logits.length; i++) {
            if (logits[i] > logits[top]) {
                top = i;
            }
        }
        return top;
    }

    /**
     * The Kullback-Leibler divergence of two next-token distributions.
     *
     * @param p logits of the distribution that weighs
     * @param q logits of the other one
     * @return sum of p (ln p - ln q), in nats
     */
    public static double divergence(float[] p, float[] q) {
        double[] logP = logProbabilities(p);
        double[] logQ = logProbabilities(q);
        double sum = 0;
        for (int i = 0; i < logP.length; i++) {
            sum += Math.exp(logP[i]) * (logP[i] - logQ[i]);
        }
        return Math.max(0, sum);
    }
}
