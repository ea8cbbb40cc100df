package org.sae4j.experiment.randomwalk.internal;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/**
 * What the model says when a displacement is added to its activation at the start. The activation itself is kept, and with it the error
 * of the autoencoder: no displacement leaves the model as it is. Many displacements go into one forward pass, which resumes at the block
 * of the hook point where that is possible.
 */
final class PatchedModel {
    private static final int PASS_TOKENS = 4096;
    private static final int PASS_LOGITS = 1 << 23;
    /** Displacements whose continuation is checked in one pass. */
    static final int CHECKED = 16;

    private final Transformer model;
    private final HookPoint hook;
    private final int[] prompt;
    private final int position;
    private final Progress progress;
    private final Map<Integer, Tensor> residuals = new HashMap<>();
    private final int[] continuation;
    private final double[] cleanLogits;
    private final double[] cleanProbabilities;
    private final double cleanNormalizer;

    /**
     * Runs the model without any displacement.
     *
     * @param model the model
     * @param hook where displacements are added
     * @param prompt the tokens
     * @param position of the token whose activation is displaced
     * @param length of the greedy continuation; prompt and continuation but for its last token fit the context
     * @param progress asked for cancellation before every pass
     */
    PatchedModel(Transformer model, HookPoint hook, int[] prompt, int position, int length, Progress progress) {
        this.model = model;
        this.hook = hook;
        this.prompt = prompt;
        this.position = position;
        this.progress = progress;
        float[] none = new float[model.width(hook).orElseThrow()];
        float[][] clean = new float[1][];
        forEach(prompt, new float[][] {none}, 1, new int[] {prompt.length - 1}, (row, logits) -> clean[0] = logits);
        cleanLogits = Vectors.toDouble(clean[0]);
        cleanNormalizer = logSumExp(clean[0]);
        cleanProbabilities = Arrays.stream(cleanLogits).map(z -> Math.exp(z - cleanNormalizer)).toArray();
        continuation = continuations(new float[][] {none}, length)[0];
    }

    /** Takes the logits of one displacement at the asked positions, one after the other. */
    @FunctionalInterface
    private interface Sink {
        void accept(int row, float[] logits);
    }

    /**
     * Measures of the next token's distribution, by displacement.
     *
     * @param kl divergence from the clean distribution (nats)
     * @param loss of the target token (nats)
     * @param cleanTopProbability probability of the clean model's most probable token
     * @param top the most probable token
     */
    record Effects(double[] kl, double[] loss, double[] cleanTopProbability, int[] top) {}

    /** The greedy continuation of the clean model. */
    int[] continuation() {
        return continuation.clone();
    }

    /** The loss of a token after the prompt in the clean model (nats). */
    double cleanLoss(int token) {
        return cleanNormalizer - cleanLogits[token];
    }

    Effects effects(float[][] displacements, int target) {
        int n = displacements.length;
        Effects effects = new Effects(new double[n], new double[n], new double[n], new int[n]);
        forEach(prompt, displacements, displacements.length, new int[] {prompt.length - 1}, (row, logits) -> {
            double normalizer = logSumExp(logits);
            double gap = 0;
            for (int v = 0; v < logits.length; v++) {
                gap += cleanProbabilities[v] * (cleanLogits[v] - logits[v]);
            }
            // Rounding can leave a tiny negative number where the distributions agree.
            effects.kl[row] = Math.max(0, gap + normalizer - cleanNormalizer);
            effects.loss[row] = normalizer - logits[target];
            effects.cleanTopProbability[row] = Math.exp(logits[continuation[0]] - normalizer);
            effects.top[row] = argmax(logits, 0, logits.length);
        });
        return effects;
    }

    /**
     * Which displacements leave the greedy continuation as it is. A greedy continuation equals the clean one if and only if every token of
     * the clean one is the most probable after those before it, so one pass over the clean continuation decides.
     */
    boolean[] keepsContinuation(float[][] displacements) {
        boolean[] keeps = new boolean[displacements.length];
        int vocabulary = model.config().dVocab();
        int[] tokens = extended(prompt, continuation, continuation.length - 1);
        int[] positions = IntStream.range(0, continuation.length).map(i -> prompt.length - 1 + i).toArray();
        forEach(tokens, displacements, CHECKED, positions, (row, logits) -> keeps[row] = IntStream.range(0, continuation.length)
                .allMatch(i -> argmax(logits, i * vocabulary, (i + 1) * vocabulary) == continuation[i]));
        return keeps;
    }

    /** The greedy continuations under displacements. */
    int[][] continuations(float[][] displacements, int length) {
        int n = displacements.length;
        int[][] generated = new int[n][length];
        for (int i = 0; i < length; i++) {
            int count = i;
            int[][] tokens = Arrays.stream(generated).map(tail -> extended(prompt, tail, count)).toArray(int[][]::new);
            int size = Math.clamp(PASS_TOKENS / (prompt.length + count), 1, n);
            for (int from = 0; from < n; from += size) {
                progress.checkCancelled();
                int to = Math.min(from + size, n);
                ForwardPlan.Builder plan = ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1);
                Tensor logits = pass(Arrays.copyOfRange(tokens, from, to), Arrays.copyOfRange(displacements, from, to), plan);
                for (int row = from; row < to; row++) {
                    float[] values = logits.slice(row - from).toArray();
                    generated[row][count] = argmax(values, 0, values.length);
                }
            }
        }
        return generated;
    }

    /** The most probable next tokens under one displacement each, with their probabilities, by displacement. */
    List<List<Candidate>> candidates(float[][] displacements, int count) {
        SequencedMap<Integer, List<Candidate>> all = new LinkedHashMap<>();
        forEach(prompt, displacements, displacements.length, new int[] {prompt.length - 1}, (row, logits) -> {
            double normalizer = logSumExp(logits);
            all.put(row, IntStream.range(0, logits.length).boxed().sorted(Comparator.comparingDouble(v -> -logits[v])).limit(count)
                    .map(v -> new Candidate(v, Math.exp(logits[v] - normalizer))).toList());
        });
        return List.copyOf(all.sequencedValues());
    }

    /**
     * A possible next token.
     *
     * @param id its id
     * @param probability its probability
     */
    record Candidate(int id, double probability) {}

    private static int[] extended(int[] tokens, int[] tail, int count) {
        int[] all = Arrays.copyOf(tokens, tokens.length + count);
        System.arraycopy(tail, 0, all, tokens.length, count);
        return all;
    }

    /** Runs the same tokens under every displacement. All passes have one shape, so that one program serves them: the last is filled up. */
    private void forEach(int[] tokens, float[][] displacements, int most, int[] positions, Sink sink) {
        int n = displacements.length;
        long logitsOfRow = (long) positions.length * model.config().dVocab();
        int size = Math.clamp(Math.min(PASS_TOKENS / tokens.length, PASS_LOGITS / logitsOfRow), 1, Math.max(1, most));
        int[][] batch = new int[size][];
        Arrays.fill(batch, tokens);
        for (int from = 0; from < n; from += size) {
            progress.checkCancelled();
            int first = from;
            float[][] part = IntStream.range(0, size).mapToObj(i -> displacements[Math.min(first + i, n - 1)]).toArray(float[][]::new);
            ForwardPlan.Builder plan = ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(positions);
            if (hook.layer() > 0) {
                plan.startAt(hook.layer(), tiled(residual(tokens), size));
            }
            Tensor logits = pass(batch, part, plan);
            for (int row = from; row < Math.min(from + size, n); row++) {
                sink.accept(row, logits.slice(row - from).toArray());
            }
        }
    }

    private Tensor pass(int[][] tokens, float[][] displacements, ForwardPlan.Builder plan) {
        int length = tokens[0].length;
        int[] rows = IntStream.range(0, tokens.length).map(row -> row * length + position).toArray();
        plan.add(hook, rows, Reference.matrix(displacements, displacements[0].length));
        return model.forward(tokens, plan.build()).logits();
    }

    /** The residual stream before the hook point's block, which no displacement changes. */
    private Tensor residual(int[] tokens) {
        return residuals.computeIfAbsent(tokens.length, _ -> {
            HookPoint before = HookPoint.residPre(hook.layer());
            return model.forward(new int[][] {tokens}, ForwardPlan.capture(before)).get(before);
        });
    }

    private static Tensor tiled(Tensor one, int count) {
        float[] values = one.toArray();
        float[] all = new float[Math.multiplyExact(values.length, count)];
        for (int i = 0; i < count; i++) {
            System.arraycopy(values, 0, all, i * values.length, values.length);
        }
        return Tensor.of(all, count, one.dim(1), one.dim(2));
    }

    private static double logSumExp(float[] logits) {
        double max = logits[argmax(logits, 0, logits.length)];
        double sum = 0;
        for (float z : logits) {
            sum += Math.exp(z - max);
        }
        return max + Math.log(sum);
    }

    /** The first of the largest, counted from {@code from}. */
    private static int argmax(float[] values, int from, int to) {
        int best = from;
        for (int v = from; v < to; v++) {
            if (values[v] > values[best]) {
                best = v;
            }
        }
        return best - from;
    }
}
