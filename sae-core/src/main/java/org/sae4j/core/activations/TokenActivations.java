package org.sae4j.core.activations;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/**
 * The activations of a transformer at one or more hook points, for the tokens that count of contexts of any lengths, numbered from 0 in the
 * order of the tokens. Over several hook points an activation is their vectors one after the other. For one thread at a time; the
 * transformer belongs to the caller.
 */
public final class TokenActivations {
    private static final int BATCH_TOKENS = 4096;

    private final Transformer model;
    private final List<HookPoint> hooks;
    private final int[] widths;
    private final List<Context> contexts;
    private final long[] starts;

    /**
     * Prepares; nothing is run yet.
     *
     * @param model the transformer
     * @param hooks hook points with one vector for each token, at least one
     * @param contexts what it reads
     * @throws Sae4jException if the model lacks a hook point, a hook point has no vector for each token, the model cannot read a context, or
     *     no token counts
     * @throws IllegalArgumentException if there is no hook point
     */
    public TokenActivations(Transformer model, List<HookPoint> hooks, List<Context> contexts) {
        if (hooks.isEmpty()) {
            throw new IllegalArgumentException("activations need a hook point");
        }
        this.model = model;
        this.hooks = List.copyOf(hooks);
        this.contexts = List.copyOf(contexts);
        widths = hooks.stream().mapToInt(hook -> width(model, hook)).toArray();
        starts = new long[contexts.size() + 1];
        for (int row = 0; row < contexts.size(); row++) {
            check(model, contexts.get(row), row);
            starts[row + 1] = starts[row] + contexts.get(row).count();
        }
        if (size() == 0) {
            throw noToken(contexts.size());
        }
    }

    static Sae4jException noToken(long contexts) {
        return new Sae4jException("no token to train on", contexts + " contexts", "give longer texts, or exclude fewer tokens");
    }

    /**
     * Requires that a model can read a context.
     *
     * @param model the transformer
     * @param context the context
     * @param number of the context, for messages
     * @throws Sae4jException if it is longer than n_ctx, or has a token that is not in the vocabulary
     */
    public static void check(Transformer model, Context context, long number) {
        if (context.size() > model.config().nCtx()) {
            throw new Sae4jException("a context has " + context.size() + " tokens, but the model's context is " + model.config().nCtx(),
                    "context " + number, "give shorter rows");
        }
        for (int position = 0; position < context.size(); position++) {
            int id = context.token(position);
            if (id < 0 || id >= model.config().dVocab()) {
                throw new Sae4jException("token id " + id + " is not in the vocabulary", model.config().name() + ", context " + number,
                        "use ids from 0 to " + (model.config().dVocab() - 1));
            }
        }
    }

    /**
     * The width of a hook point's vectors, heads flattened.
     *
     * @param model the transformer
     * @param hook a hook point with one vector for each token
     * @return the width, at least 1
     * @throws Sae4jException if the model lacks the hook point, or it has no vector for each token
     */
    public static int width(Transformer model, HookPoint hook) {
        if (!model.hookPoints().contains(hook)) {
            throw new Sae4jException("the model has no hook point " + hook, model.config().name() + " with " + model.config().nLayers()
                    + " layers", "choose another hook point");
        }
        OptionalInt width = hook.equals(HookPoint.LOGITS) ? OptionalInt.empty() : model.width(hook);
        return width.orElseThrow(() -> new Sae4jException(hook + " has no activation vector for each token", model.config().name(),
                "choose a hook point such as blocks.0.mlp.hook_post"));
    }

    /** {@return the number of activations} */
    public long size() {
        return starts[starts.length - 1];
    }

    /** {@return the width of an activation, heads flattened, hook points one after the other} */
    public int width() {
        return IntStream.of(widths).sum();
    }

    /** {@return the widths of the hook points, in order} */
    public int[] widths() {
        return widths.clone();
    }

    /**
     * All activations, in order.
     *
     * @param progress told of every batch
     * @return shape [size, width]
     * @throws Sae4jException if they do not fit in one Java array
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public Tensor all(Progress progress) {
        int width = width();
        long floats = size() * width;
        if (floats > Integer.MAX_VALUE - 8) {
            throw new Sae4jException(size() + " activations of width " + width + " do not fit in one Java array", hooks.toString(),
                    "use fewer tokens, or an ActivationBuffer");
        }
        float[] values = new float[(int) floats];
        each(progress, (slot, activation) -> activation.copyTo(values, slot * width));
        return Tensor.of(values, (int) size(), width);
    }

    /** Takes an activation. */
    @FunctionalInterface
    public interface Taker {
        /**
         * Takes one activation, in no particular order.
         *
         * @param number of the activation
         * @param activation its values, valid during this call
         */
        void take(int number, Activation activation);
    }

    /** The values of one activation. */
    public final class Activation {
        private final Tensor[] values;
        private final long row;

        private Activation(Tensor[] values, long row) {
            this.values = values;
            this.row = row;
        }

        /**
         * Copies the vector of one hook point.
         *
         * @param hook its index
         * @param target receives it
         * @param at index of the first value in the target
         */
        public void copyTo(int hook, float[] target, int at) {
            values[hook].copyTo(row * widths[hook], target, at, widths[hook]);
        }

        /**
         * Copies the vectors of all hook points, one after the other.
         *
         * @param target receives them
         * @param at index of the first value in the target
         */
        public void copyTo(float[] target, int at) {
            int next = at;
            for (int hook = 0; hook < widths.length; hook++) {
                copyTo(hook, target, next);
                next += widths[hook];
            }
        }
    }

    /**
     * Computes all activations.
     *
     * @param progress told of every batch
     * @param taker called once for each of them, in the calling thread
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public void each(Progress progress, Taker taker) {
        long[] ids = new long[Math.toIntExact(size())];
        Arrays.setAll(ids, i -> i);
        load(ids, progress, taker);
    }

    /** Computes the activations of the given numbers; calls the taker once for each of them, with its index among them. */
    void load(long[] ids, Progress progress, Taker taker) {
        int[] rowOf = new int[ids.length];
        for (int slot = 0; slot < ids.length; slot++) {
            int at = Arrays.binarySearch(starts, ids[slot]);
            int row = at >= 0 ? at : -at - 2;
            while (starts[row + 1] == starts[row]) {
                row++;
            }
            rowOf[slot] = row;
        }
        // By length of the row, so that little is padded; then by row, so that each is computed once.
        Integer[] order = IntStream.range(0, ids.length).boxed().toArray(Integer[]::new);
        Arrays.sort(order, Comparator.<Integer>comparingInt(slot -> contexts.get(rowOf[slot]).size()).thenComparingInt(slot -> rowOf[slot]));
        int done = 0;
        while (done < order.length) {
            progress.checkCancelled();
            int end = done;
            int rows = 0;
            int last = -1;
            while (end < order.length) {
                int row = rowOf[order[end]];
                if (row != last) {
                    if (rows > 0 && (rows + 1) * contexts.get(row).size() > BATCH_TOKENS) {
                        break;
                    }
                    rows++;
                    last = row;
                }
                end++;
            }
            loadBatch(ids, rowOf, Arrays.copyOfRange(order, done, end), rows, taker);
            done = end;
            progress.update("computing activations", done, order.length);
        }
    }

    private void loadBatch(long[] ids, int[] rowOf, Integer[] slots, int rows, Taker taker) {
        int length = contexts.get(rowOf[slots[slots.length - 1]]).size();
        int[][] padded = new int[rows][];
        int[] batchRow = new int[slots.length];
        int b = -1;
        int last = -1;
        for (int i = 0; i < slots.length; i++) {
            int row = rowOf[slots[i]];
            if (row != last) {
                b++;
                last = row;
                // Later tokens do not influence earlier ones, so any token will do as padding.
                padded[b] = Arrays.copyOf(contexts.get(row).tokens(), length);
            }
            batchRow[i] = b;
        }
        Activations captured = model.forward(padded, ForwardPlan.capture(hooks.toArray(HookPoint[]::new)));
        Tensor[] values = hooks.stream().map(captured::get).toArray(Tensor[]::new);
        int[] positions = {};
        for (int i = 0; i < slots.length; i++) {
            int row = rowOf[slots[i]];
            if (i == 0 || row != rowOf[slots[i - 1]]) {
                positions = contexts.get(row).positions();
            }
            int position = positions[(int) (ids[slots[i]] - starts[row])];
            taker.take(slots[i], new Activation(values, batchRow[i] * (long) length + position));
        }
    }
}
