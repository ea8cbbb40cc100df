package org.sae4j.core.generate;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import org.sae4j.api.CounterRandom;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.gguf.GgufModel;

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
     * What Hugging Face's {@code generate} does for a model without sampling: the likeliest token each time, with the
     * {@code repetition_penalty} of {@code generation_config.json}.
     *
     * @param model the model's folder, a file in it, or a GGUF file
     * @return how tokens are chosen; {@link #GREEDY} where the file is not there, or has no penalty
     * @throws FormatException if the file is broken, or the penalty is no positive number
     */
    public static Sampling likeliest(Path model) {
        Path folder = Files.isDirectory(model) ? model : model.toAbsolutePath().getParent();
        Path file = folder == null ? model : folder.resolve("generation_config.json");
        if (GgufModel.find(model).isPresent() || folder == null || !Files.isRegularFile(file)) {
            return GREEDY;
        }
        JsonFile json = JsonFile.read(file);
        double penalty = json.number("repetition_penalty").orElse(1);
        if (!(penalty > 0) || Double.isInfinite(penalty)) {
            throw new FormatException("expected a positive number, found " + penalty, json.at("repetition_penalty"), "correct the file");
        }
        return new Sampling(0, 0, 1, penalty, 0);
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
        for (int id = 0; id < scores.length; id++) {
            scores[id] = logits[id];
        }
        if (repetitionPenalty != 1) {
            BitSet seen = new BitSet();
            Arrays.stream(before).filter(id -> id < scores.length).forEach(seen::set);
            seen.stream().forEach(id -> scores[id] = scores[id] > 0 ? scores[id] / repetitionPenalty : scores[id] * repetitionPenalty);
        }
        if (temperature == 0) {
            return best(scores);
        }
        int[] order = likeliest(scores, topK == 0 ? scores.length : topK);
        double[] weights = new double[order.length];
        double most = scores[order[0]];
        double sum = 0;
        for (int i = 0; i < order.length; i++) {
            weights[i] = Math.exp((scores[order[i]] - most) / temperature);
            sum += weights[i];
        }
        return order[draw(weights, nucleus(weights, sum), step)];
    }

    /** {@return the ids of the largest scores and of all that are equal to the least of them, largest first, of equals the lower id first} */
    static int[] likeliest(double[] scores, int count) {
        long[] keys = new long[scores.length];
        for (int id = 0; id < keys.length; id++) {
            keys[id] = (long) ~ordered((float) scores[id] + 0f) << Integer.SIZE | id;
        }
        int kept = keys.length;
        if (count < kept) {
            // Only those are put in order that are not below the last one in single precision.
            long last = largestOfLeast(keys, count) | 0xFFFFFFFFL;
            keys = Arrays.stream(keys).filter(key -> key <= last).toArray();
        }
        Arrays.sort(keys);
        int[] ids = new int[keys.length];
        for (int i = 0; i < ids.length; i++) {
            int at = i;
            int id = (int) keys[i];
            // Scores that single precision holds for equal need not be.
            while (at > 0 && keys[at - 1] >> Integer.SIZE == keys[i] >> Integer.SIZE && scores[ids[at - 1]] < scores[id]) {
                ids[at] = ids[at - 1];
                at--;
            }
            ids[at] = id;
        }
        kept = Math.min(count, ids.length);
        while (kept < ids.length && scores[ids[kept]] == scores[ids[kept - 1]]) {
            kept++;
        }
        return kept == ids.length ? ids : Arrays.copyOf(ids, kept);
    }

    /** {@return an integer that is the larger, the larger a number is in the order of {@link Float#compare}; zeros are of one sign} */
    private static int ordered(float number) {
        int bits = Float.floatToIntBits(number);
        return bits ^ bits >> 31 & Integer.MAX_VALUE;
    }

    /** {@return the largest of the {@code count} least keys} */
    private static long largestOfLeast(long[] keys, int count) {
        long[] heap = Arrays.copyOf(keys, count);
        Arrays.sort(heap);
        for (int i = 0; i < count / 2; i++) {
            long low = heap[i];
            heap[i] = heap[count - 1 - i];
            heap[count - 1 - i] = low;
        }
        for (int i = count; i < keys.length; i++) {
            if (keys[i] < heap[0]) {
                sink(heap, keys[i]);
            }
        }
        return heap[0];
    }

    /** Replaces the root, the largest key, by a smaller one. */
    private static void sink(long[] heap, long key) {
        int at = 0;
        for (int child = 1; child < heap.length; child = 2 * at + 1) {
            if (child + 1 < heap.length && heap[child + 1] > heap[child]) {
                child++;
            }
            if (heap[child] <= key) {
                break;
            }
            heap[at] = heap[child];
            at = child;
        }
        heap[at] = key;
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
