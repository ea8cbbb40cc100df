package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/** Many runs of a model, each with vectors of its own added at one hook point, packed into few forward passes. */
public final class Passes {
    /** Floats of logits that one pass may return. */
    private static final long MAX_FLOATS = 1L << 26;
    /** Tokens below which a pass costs what reading the weights costs: runs are not parted for less. */
    private static final int MIN_TOKENS = 64;

    private final Transformer model;
    private final HookPoint hook;
    /** Whether no attention comes after the hook point, so that a change reaches the logits of its own position only. */
    private final boolean local;
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
        local = hook.layer() == model.config().nLayers() - 1 && isAfterMixing(model, hook);
        this.batchTokens = batchTokens;
        this.progress = progress;
    }

    /** Whether a hook point lies where its block's positions no longer see each other. */
    private static boolean isAfterMixing(Transformer model, HookPoint hook) {
        List<HookPoint> order = model.hookPoints();
        return order.indexOf(hook) >= order.indexOf(HookPoint.Site.Z.at(hook.layer()));
    }

    /**
     * One run.
     *
     * @param tokens its tokens
     * @param added for each position the vector to add, or null
     */
    public record Run(int[] tokens, float @Nullable [][] added) {
        /** The first position that is changed; the last one if none is. */
        private int first() {
            int last = tokens.length - 1;
            return added == null ? last : IntStream.range(0, last).filter(position -> added[position] != null).findFirst().orElse(last);
        }

        private boolean changes(int position) {
            return added != null && added[position] != null;
        }

        /** The run up to a position, with the change there alone. */
        private Run at(int position) {
            float[][] one = new float[position + 1][];
            one[position] = Objects.requireNonNull(added)[position];
            return new Run(Arrays.copyOf(tokens, position + 1), one);
        }
    }

    /** Takes the logits of one run. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes logits.
         *
         * @param run number of the run
         * @param first the position of the first row
         * @param logits one row for each position from {@code first} on [positions, d_vocab]
         */
        void accept(int run, int first, Tensor logits);
    }

    /**
     * Differentiates a number by the values at the hook point, in a pass that changes nothing.
     *
     * @param tokens the text
     * @param objective the number; its row is 0
     * @return the gradient, one row for each token [pos, width]
     */
    public Tensor gradient(int[] tokens, GradientPlan.Objective objective) {
        progress.checkCancelled();
        Tensor gradient = model.gradients(new int[][] {tokens}, GradientPlan.of(objective).by(hook).build()).get(hook);
        return gradient.reshape(tokens.length, (int) (gradient.size() / tokens.length));
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
     * What a clean pass over a text has to capture so that runs can resume it.
     *
     * @param model the model
     * @param hook where vectors are added
     * @return the residual stream before the hook point's block, and the keys and values of this and all later blocks
     */
    public static List<HookPoint> resumed(Transformer model, HookPoint hook) {
        List<HookPoint> hooks = new ArrayList<>(List.of(HookPoint.residPre(hook.layer())));
        model.cacheHooks().stream().filter(cached -> cached.layer() >= hook.layer()).forEach(hooks::add);
        return hooks;
    }

    /**
     * Executes runs of one text that resume before the hook point's block, at or before the first position that they change. Where no
     * attention comes after the hook point, only the changed positions are run if that is less.
     *
     * @param runs the runs, all of the text's tokens
     * @param clean what a pass over the text captured at {@link #resumed}
     * @param lastOnly whether logits are computed after the last token only
     * @param sink takes logits at least at all positions that {@link #reaches} names, for a run in one or several calls
     */
    public void resume(List<Run> runs, Activations clean, boolean lastOnly, Sink sink) {
        if (!local || runs.isEmpty()) {
            execute(runs, clean, lastOnly, sink);
            return;
        }
        int last = runs.getFirst().tokens().length - 1;
        List<List<Integer>> changing = IntStream.rangeClosed(lastOnly ? last : 0, last).mapToObj(position ->
                IntStream.range(0, runs.size()).filter(r -> runs.get(r).changes(position)).boxed().toList()).toList();
        long apart = changing.stream().filter(r -> !r.isEmpty()).mapToLong(r -> Math.max(MIN_TOKENS, r.size())).sum();
        long together = Math.max(MIN_TOKENS, runs.stream().mapToLong(run -> last + 1 - run.first()).sum());
        if (apart > together) {
            execute(runs, clean, lastOnly, sink);
            return;
        }
        for (int i = 0; i < changing.size(); i++) {
            List<Integer> members = changing.get(i);
            int position = last + 1 - changing.size() + i;
            execute(members.stream().map(r -> runs.get(r).at(position)).toList(), clean, true,
                    (member, first, logits) -> sink.accept(members.get(member), first, logits));
        }
    }

    /**
     * Whether a run's logits at a position can differ from those of the clean text.
     *
     * @param added for each position the vector that the run adds, or null
     * @param position the position
     * @return whether it is changed or, where attention comes after the hook point, follows a changed one
     */
    public boolean reaches(float[][] added, int position) {
        return IntStream.rangeClosed(local ? position : 0, position).anyMatch(p -> added[p] != null);
    }

    private void execute(List<Run> runs, @Nullable Activations clean, boolean lastOnly, Sink sink) {
        ToIntFunction<Integer> first = r -> clean == null ? 0 : runs.get(r).first();
        List<Integer> order = new ArrayList<>(IntStream.range(0, runs.size()).boxed().toList());
        order.sort(Comparator.<Integer>comparingInt(r -> runs.get(r).tokens().length).thenComparing(
                Comparator.comparingInt(first).reversed()));
        int vocabulary = model.config().dVocab();
        int from = 0;
        for (int to = 1; to <= order.size(); to++) {
            int begin = first.applyAsInt(order.get(to - 1));
            int next = to < order.size() ? first.applyAsInt(order.get(to)) : 0;
            long length = to < order.size() ? runs.get(order.get(to)).tokens().length : 0;
            long tokens = (to + 1 - from) * (length - next);
            if (to == order.size() || tokens > batchTokens || (lastOnly ? to + 1 - from : tokens) * vocabulary > MAX_FLOATS
                    || next < begin && (to - from) * (length - begin) >= MIN_TOKENS) {
                progress.checkCancelled();
                pass(runs, order.subList(from, to), clean, begin, lastOnly, sink);
                from = to;
            }
        }
    }

    /** One pass over the positions from {@code begin} on. */
    private void pass(List<Run> runs, List<Integer> members, @Nullable Activations clean, int begin, boolean lastOnly, Sink sink) {
        int length = runs.get(members.getLast()).tokens().length;
        int kept = length - begin;
        int[][] tokens = new int[members.size()][];
        List<float[]> vectors = new ArrayList<>();
        List<Integer> rows = new ArrayList<>();
        for (int b = 0; b < tokens.length; b++) {
            Run run = runs.get(members.get(b));
            tokens[b] = Arrays.copyOfRange(run.tokens(), begin, length);
            if (run.added() != null) {
                for (int position = begin; position < run.added().length; position++) {
                    if (run.added()[position] != null) {
                        rows.add(b * kept + position - begin);
                        vectors.add(run.added()[position]);
                    }
                }
            }
        }
        ForwardPlan.Builder plan = ForwardPlan.builder().capture(HookPoint.LOGITS);
        if (lastOnly) {
            plan.logitsAt(-1);
        }
        if (clean != null) {
            Tensor residual = clean.get(HookPoint.residPre(hook.layer())).slice(0);
            int width = residual.dim(1);
            float[] repeated = new float[Math.multiplyExact(kept * width, tokens.length)];
            for (int b = 0; b < tokens.length; b++) {
                residual.copyTo((long) begin * width, repeated, b * kept * width, kept * width);
            }
            plan.startAt(hook.layer(), Tensor.of(repeated, tokens.length, kept, width)).after(clean, begin);
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
            sink.accept(members.get(b), lastOnly ? length - 1 : begin, logits.slice(b));
        }
    }
}
