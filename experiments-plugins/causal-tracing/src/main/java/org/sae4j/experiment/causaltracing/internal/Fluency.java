package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;

/**
 * How varied what a model writes is (Meng et al. 2022): the entropy of the pairs and triples of tokens in continuations that are sampled
 * from the five most probable tokens. A model that an edit has damaged repeats itself.
 */
public final class Fluency {
    private static final int SAMPLES = 4;
    private static final int CANDIDATES = 5;

    private Fluency() {}

    /**
     * The mean entropy of sampled continuations of one prompt. The same random numbers give the same texts for the same model.
     *
     * @param runs runs of the model
     * @param prompt tokens of the prompt
     * @param tokens tokens to write; fewer if the context ends
     * @param nCtx the model's context
     * @param random where draws come from
     * @return bits; NaN if fewer than three tokens can be written
     */
    public static double of(BatchedRuns runs, int[] prompt, int tokens, int nCtx, CounterRandom random) {
        int steps = Math.min(tokens, nCtx - prompt.length);
        if (steps < 3) {
            return Double.NaN;
        }
        List<int[]> texts = new ArrayList<>(IntStream.range(0, SAMPLES).mapToObj(_ -> prompt).toList());
        List<CounterRandom> draws = IntStream.range(0, SAMPLES).mapToObj(random::stream).toList();
        for (int step = 0; step < steps; step++) {
            float[][] logits = runs.lastLogits(0, texts.stream().map(BatchedRuns.Run::of).toList());
            for (int sample = 0; sample < SAMPLES; sample++) {
                int[] longer = Arrays.copyOf(texts.get(sample), prompt.length + step + 1);
                longer[longer.length - 1] = draw(logits[sample], draws.get(sample).nextDouble());
                texts.set(sample, longer);
            }
        }
        return texts.stream().mapToDouble(text -> entropy(Arrays.copyOfRange(text, prompt.length, text.length))).average().orElseThrow();
    }

    private static int draw(float[] logits, double uniform) {
        int[] top = new int[Math.min(CANDIDATES, logits.length)];
        float[] left = logits.clone();
        double[] probabilities = new double[top.length];
        double sum = 0;
        for (int i = 0; i < top.length; i++) {
            top[i] = Scores.top(left);
            probabilities[i] = Math.exp((double) logits[top[i]] - logits[top[0]]);
            sum += probabilities[i];
            left[top[i]] = Float.NEGATIVE_INFINITY;
        }
        double at = uniform * sum;
        int i = 0;
        while (i < top.length - 1 && at >= probabilities[i]) {
            at -= probabilities[i++];
        }
        return top[i];
    }

    /**
     * The weighted mean of the entropies of a text's pairs and triples of tokens, with weights 2/3 and 4/3 as in the reference
     * implementation.
     *
     * @param tokens the text, at least 3 tokens
     * @return bits
     */
    public static double entropy(int[] tokens) {
        return (entropy(tokens, 2) * 2 / 3 + entropy(tokens, 3) * 4 / 3) / 2;
    }

    private static double entropy(int[] tokens, int length) {
        Map<List<Integer>, Integer> counts = new HashMap<>();
        int n = tokens.length - length + 1;
        for (int from = 0; from < n; from++) {
            counts.merge(Arrays.stream(tokens, from, from + length).boxed().toList(), 1, Integer::sum);
        }
        // Sorted, as the order of a sum decides its last bits.
        return counts.values().stream().sorted().mapToDouble(count -> -(double) count / n * Math.log((double) count / n) / Math.log(2))
                .sum();
    }
}
