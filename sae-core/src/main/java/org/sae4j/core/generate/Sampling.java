package org.sae4j.core.generate;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;

/**
 * How the next token is chosen from logits: repetition penalty, temperature, the k likeliest, the smallest set of probability p, in this
 * order, as Hugging Face's {@code generate} does it.
 *
 * @param temperature divides logits; 0 takes the likeliest token, and the lowest id of several
 * @param topK how many of the likeliest tokens can be chosen (ties with the last stay), 0 for all
 * @param topP the least probability that the tokens that can be chosen have together, from 0 (exclusive) to 1
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens that were there before (Keskar et al. 2019); 1 for none
 * @param seed of the draws
 */
public record Sampling(double temperature, int topK, double topP, double repetitionPenalty, long seed) {
    /** Always the likeliest token. */
    public static final Sampling GREEDY = new Sampling(0, 0, 1, 1, 0);

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if one is out of its range
     */
    public Sampling {
        if (!(temperature >= 0) || Double.isInfinite(temperature) || topK < 0 || !(topP > 0 && topP <= 1) || !(repetitionPenalty > 0)
                || Double.isInfinite(repetitionPenalty)) {
            throw new IllegalArgumentException("sampling needs a temperature and a top-k of at least 0, a top-p from 0 to 1 and a positive"
                    + " repetition penalty, found " + temperature + ", " + topK + ", " + topP + " and " + repetitionPenalty);
        }
    }

    /**
     * Chooses a token.
     *
     * @param logits one for each token of the vocabulary
     * @param before the tokens so far
     * @param step number of the token that is chosen, from 0: each has its own draw
     * @return a token id
     */
    int choose(float[] logits, int[] before, int step) {
        double[] scores = new double[logits.length];
        Arrays.setAll(scores, i -> logits[i]);
        if (repetitionPenalty != 1) {
            BitSet seen = new BitSet();
            Arrays.stream(before).filter(id -> id < scores.length).forEach(seen::set);
            seen.stream().forEach(id -> scores[id] = scores[id] > 0 ? scores[id] / repetitionPenalty : scores[id] * repetitionPenalty);
        }
        if (temperature == 0) {
            return best(scores);
        }
        Integer[] order = IntStream.range(0, scores.length).boxed().toArray(Integer[]::new);
        // Stable, so that of equals the lower id comes first.
        Arrays.sort(order, Comparator.comparingDouble((Integer id) -> scores[id]).reversed());
        int kept = topK == 0 || topK >= order.length ? order.length : topK;
        while (kept < order.length && kept > 0 && scores[order[kept]] == scores[order[kept - 1]]) {
            kept++;
        }
        double[] weights = new double[kept];
        double most = scores[order[0]];
        double sum = 0;
        for (int i = 0; i < kept; i++) {
            weights[i] = Math.exp((scores[order[i]] - most) / temperature);
            sum += weights[i];
        }
        return order[draw(weights, nucleus(weights, sum), step)];
    }

    private static int best(double[] scores) {
        int best = 0;
        for (int i = 1; i < scores.length; i++) {
            if (scores[i] > scores[best]) {
                best = i;
            }
        }
        return best;
    }

    /** How many of the likeliest have probability p together: those are left out whose sum from the least on is at most 1 - p. */
    private int nucleus(double[] weights, double sum) {
        int kept = weights.length;
        double tail = 0;
        while (topP < 1 && kept > 1) {
            tail += weights[kept - 1] / sum;
            if (tail > 1 - topP) {
                break;
            }
            kept--;
        }
        return kept;
    }

    private int draw(double[] weights, int kept, int step) {
        double sum = Arrays.stream(weights, 0, kept).sum();
        double left = new CounterRandom(seed).stream("token " + step).nextDouble() * sum;
        for (int i = 0; i < kept - 1; i++) {
            left -= weights[i];
            if (left < 0) {
                return i;
            }
        }
        return kept - 1;
    }
}
