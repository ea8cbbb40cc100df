package org.sae4j.core.train;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;

/**
 * The activations of a transformer at one hook point, for rows of tokens of any lengths, numbered from 0 in the order of the tokens. For
 * one thread at a time; the transformer belongs to the caller.
 */
public final class TokenActivations {
    private static final int BATCH_TOKENS = 4096;

    private final Transformer model;
    private final HookPoint hook;
    private final int[][] tokens;
    private final int skipped;
    private final long[] starts;
    private final int width;

    /**
     * Prepares; nothing is run yet.
     *
     * @param model the transformer
     * @param hook a hook point with one vector for each token
     * @param tokens rows of token ids, each from 1 to n_ctx; not changed afterwards
     * @param skipFirst whether the first token of every row is left out, because it begins the sequence (BOS)
     * @throws Sae4jException if the model lacks the hook point, the hook point has no vector for each token, or no token remains
     * @throws IllegalArgumentException if a row is longer than n_ctx
     */
    public TokenActivations(Transformer model, HookPoint hook, int[][] tokens, boolean skipFirst) {
        if (!HookPoint.of(model.config()).contains(hook)) {
            throw new Sae4jException("the model has no hook point " + hook, model.config().name() + " with " + model.config().nLayers()
                    + " layers", "choose another hook point");
        }
        switch (hook.site()) {
            case ATTN_SCORES, PATTERN, LOGITS -> throw new Sae4jException(hook + " has no activation vector for each token",
                    model.config().name(), "choose a hook point such as blocks.0.mlp.hook_post");
            default -> { }
        }
        this.model = model;
        this.hook = hook;
        this.tokens = tokens.clone();
        skipped = skipFirst ? 1 : 0;
        starts = new long[tokens.length + 1];
        for (int row = 0; row < tokens.length; row++) {
            if (tokens[row].length > model.config().nCtx()) {
                throw new IllegalArgumentException("row " + row + " has " + tokens[row].length + " tokens, but the context is "
                        + model.config().nCtx());
            }
            starts[row + 1] = starts[row] + Math.max(0, tokens[row].length - skipped);
        }
        if (size() == 0) {
            throw new Sae4jException("there is no token to train on", tokens.length + " rows of tokens", "give longer texts");
        }
        width = IntStream.of(hook.shape(model.config(), 1, 1)).reduce(1, Math::multiplyExact);
    }

    /**
     * Texts as rows of tokens: every text is a context of its own, begun by the beginning-of-sequence token if there is one, and cut at
     * the length of the context.
     *
     * @param model a model with a tokenizer
     * @param texts the texts
     * @return one row for each text; texts without a token give a row of at most the beginning-of-sequence token
     * @throws Sae4jException if the model has no tokenizer
     */
    public static int[][] rows(Transformer model, List<String> texts) {
        Tokenizer tokenizer = model.tokenizer().orElseThrow(() -> new Sae4jException("texts cannot be encoded without a tokenizer",
                model.config().name(), "put tokenizer.json into the model's folder"));
        int[] prefix = tokenizer.bos().stream().toArray();
        return texts.stream().map(text -> IntStream.concat(IntStream.of(prefix), IntStream.of(tokenizer.encode(text).ids()))
                .limit(model.config().nCtx()).toArray()).toArray(int[][]::new);
    }

    /** {@return the number of activations} */
    public long size() {
        return starts[starts.length - 1];
    }

    /** {@return the width of an activation, heads flattened} */
    public int width() {
        return width;
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
        long floats = size() * width;
        if (floats > Integer.MAX_VALUE - 8) {
            throw new Sae4jException(size() + " activations of width " + width + " do not fit in one Java array", hook.toString(),
                    "use fewer tokens, or an ActivationBuffer");
        }
        float[] values = new float[(int) floats];
        long[] ids = new long[(int) size()];
        Arrays.setAll(ids, i -> i);
        load(ids, progress, (slot, activations, from) -> activations.copyTo(from, values, slot * width, width));
        return Tensor.of(values, ids.length, width);
    }

    /** Takes one activation: the slot it was asked for, and where it lies. */
    interface Taker {
        void take(int slot, Tensor activations, long from);
    }

    /** Computes the activations of the given numbers; calls the taker once for each of them. */
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
        Arrays.sort(order, Comparator.<Integer>comparingInt(slot -> tokens[rowOf[slot]].length).thenComparingInt(slot -> rowOf[slot]));
        int done = 0;
        while (done < order.length) {
            progress.checkCancelled();
            int end = done;
            int rows = 0;
            int last = -1;
            while (end < order.length) {
                int row = rowOf[order[end]];
                if (row != last) {
                    if (rows > 0 && (rows + 1) * tokens[row].length > BATCH_TOKENS) {
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
        int length = tokens[rowOf[slots[slots.length - 1]]].length;
        int[][] padded = new int[rows][length];
        int[] batchRow = new int[slots.length];
        int b = -1;
        int last = -1;
        for (int i = 0; i < slots.length; i++) {
            int row = rowOf[slots[i]];
            if (row != last) {
                b++;
                last = row;
                // Later tokens do not influence earlier ones, so any token will do as padding.
                System.arraycopy(tokens[row], 0, padded[b], 0, tokens[row].length);
            }
            batchRow[i] = b;
        }
        Tensor activations = model.forward(padded, ForwardPlan.capture(hook)).get(hook);
        for (int i = 0; i < slots.length; i++) {
            long position = ids[slots[i]] - starts[rowOf[slots[i]]] + skipped;
            taker.take(slots[i], activations, (batchRow[i] * (long) length + position) * width);
        }
    }
}
