package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/** Many runs of a model, each with vectors of its own added at one hook point, packed into few forward passes. */
public final class Passes {
    /** Floats of logits that one pass may return. */
    private static final long MAX_FLOATS = 1L << 26;

    private final Transformer model;
    private final HookPoint hook;
    private final int batchTokens;
    private final Progress progress;

    /**
     * Packs runs of a model.
     *
     * @param model the model
     * @param hook where vectors are added
     * @param batchTokens most tokens in a pass (but at least one run)
     * @param progress asked for cancellation before every pass
     */
    public Passes(Transformer model, HookPoint hook, int batchTokens, Progress progress) {
        this.model = model;
        this.hook = hook;
        this.batchTokens = batchTokens;
        this.progress = progress;
    }

    /**
     * One run.
     *
     * @param tokens its tokens
     * @param added for each position the vector to add, or null
     */
    public record Run(int[] tokens, float @Nullable [][] added) {}

    /** Takes the logits of one run. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes logits.
         *
         * @param run number of the run
         * @param logits shape [positions, d_vocab]
         */
        void accept(int run, Tensor logits);
    }

    /**
     * Executes runs from their tokens. Runs of different lengths share passes, padded at the end, which causal attention does not see.
     *
     * @param runs the runs
     * @param sink takes logits at all positions
     */
    public void fromTokens(List<Run> runs, Sink sink) {
        execute(runs, null, false, sink);
    }

    /**
     * Executes runs of one text that resume before the hook point's block.
     *
     * @param runs the runs, all of the text's tokens
     * @param residual the text's residual stream [pos, d_model] before the block
     * @param lastOnly whether logits are computed after the last token only
     * @param sink takes logits
     */
    public void resume(List<Run> runs, Tensor residual, boolean lastOnly, Sink sink) {
        execute(runs, residual, lastOnly, sink);
    }

    private void execute(List<Run> runs, @Nullable Tensor residual, boolean lastOnly, Sink sink) {
        List<Integer> order = new ArrayList<>(IntStream.range(0, runs.size()).boxed().toList());
        order.sort(Comparator.comparingInt(r -> runs.get(r).tokens().length));
        int vocabulary = model.config().dVocab();
        int from = 0;
        for (int to = 1; to <= order.size(); to++) {
            long length = to < order.size() ? runs.get(order.get(to)).tokens().length : 0;
            long tokens = (to + 1 - from) * length;
            if (to == order.size() || tokens > batchTokens || (lastOnly ? to + 1 - from : tokens) * vocabulary > MAX_FLOATS) {
                progress.checkCancelled();
                pass(runs, order.subList(from, to), residual, lastOnly, sink);
                from = to;
            }
        }
    }

    private void pass(List<Run> runs, List<Integer> members, @Nullable Tensor residual, boolean lastOnly, Sink sink) {
        int length = runs.get(members.getLast()).tokens().length;
        int[][] tokens = new int[members.size()][];
        List<float[]> vectors = new ArrayList<>();
        List<Integer> rows = new ArrayList<>();
        for (int b = 0; b < tokens.length; b++) {
            Run run = runs.get(members.get(b));
            tokens[b] = Arrays.copyOf(run.tokens(), length);
            if (run.added() != null) {
                for (int position = 0; position < run.added().length; position++) {
                    if (run.added()[position] != null) {
                        rows.add(b * length + position);
                        vectors.add(run.added()[position]);
                    }
                }
            }
        }
        ForwardPlan.Builder plan = ForwardPlan.builder().capture(HookPoint.LOGITS);
        if (lastOnly) {
            plan.logitsAt(-1);
        }
        if (residual != null) {
            int size = Math.toIntExact(residual.size());
            float[] repeated = new float[Math.multiplyExact(size, tokens.length)];
            for (int b = 0; b < tokens.length; b++) {
                residual.copyTo(0, repeated, b * size, size);
            }
            plan.startAt(hook.layer(), Tensor.of(repeated, tokens.length, length, residual.dim(1)));
        }
        if (!rows.isEmpty()) {
            int width = vectors.getFirst().length;
            float[] flat = new float[Math.multiplyExact(width, vectors.size())];
            for (int i = 0; i < vectors.size(); i++) {
                System.arraycopy(vectors.get(i), 0, flat, i * width, width);
            }
            plan.add(hook, rows.stream().mapToInt(Integer::intValue).toArray(), Tensor.of(flat, vectors.size(), width));
        }
        Tensor logits = model.forward(tokens, plan.build()).logits();
        for (int b = 0; b < tokens.length; b++) {
            sink.accept(members.get(b), logits.slice(b));
        }
    }
}
