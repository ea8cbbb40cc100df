package org.sae4j.core.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;

/**
 * Activations computed while training, mixed by a buffer (Nanda 2023): at first the whole buffer is filled and permuted; when half of it is
 * used up, that half is filled with the next activations and the whole is permuted again. After the last activation come the first ones.
 *
 * <p>A row depends on its position alone: after {@link #seek} the permutations are replayed and what the buffer held is computed. While
 * the buffer is refilled, {@link #next} can be cancelled.
 *
 * <p>Over activations of several hook points a row is their vectors one after the other; {@link #byHook()} gives a source for each hook
 * point, so that several autoencoders are trained in one pass over the model.
 */
public final class ActivationBuffer extends PositionedSource {
    private final TokenActivations activations;
    private final int half;
    private final CounterRandom random;
    private final Progress progress;
    private final float[][] rows;
    /** The half that was handed out in the fill before, for sources that are a little behind. */
    private float[][] before = {};
    private boolean shared;
    private final long[] ids;
    private long fill = -1;

    /**
     * Prepares; the buffer is filled when the first row is taken.
     *
     * @param activations where rows come from
     * @param capacity rows in the buffer, even and at least 2; it needs {@code 4 * capacity * width} bytes, half as much
     *     again with {@link #byHook()}
     * @param seed of the permutations
     * @param progress told of refilling, and asked for cancellation there
     * @throws IllegalArgumentException if the capacity is odd or less than 2
     */
    public ActivationBuffer(TokenActivations activations, int capacity, long seed, Progress progress) {
        super(activations.width());
        if (capacity < 2 || capacity % 2 != 0) {
            throw new IllegalArgumentException("the capacity is even and at least 2, found " + capacity);
        }
        this.activations = activations;
        this.progress = progress;
        half = capacity / 2;
        random = new CounterRandom(seed).stream("activation buffer");
        rows = new float[capacity][];
        ids = new long[capacity];
    }

    /**
     * {@inheritDoc}
     *
     * @throws java.util.concurrent.CancellationException if cancelled while refilling
     */
    @Override
    protected void rows(long first, float[] target) {
        take(first, 0, width(), target);
    }

    /**
     * The buffer's rows hook point by hook point: sources with positions of their own, whose rows at one position belong to one token.
     * They share the buffer, so they belong to one thread. Taken in turns, batch by batch of at most half of the capacity, they cost one
     * pass over the model; a source that is further ahead or behind makes the buffer compute again.
     *
     * @return one source for each hook point of the activations, in order, each at its start
     */
    public List<ActivationSource> byHook() {
        shared = true;
        List<ActivationSource> sources = new ArrayList<>();
        int from = 0;
        for (int hookWidth : activations.widths()) {
            sources.add(new OfHook(from, hookWidth));
            from += hookWidth;
        }
        return List.copyOf(sources);
    }

    /** A part of the columns, with a position of its own. */
    private final class OfHook extends PositionedSource {
        private final int from;

        OfHook(int from, int width) {
            super(width);
            this.from = from;
        }

        @Override
        protected void rows(long first, float[] target) {
            take(first, from, width(), target);
        }
    }

    /** Copies some columns of the rows from a position on. */
    private void take(long first, int from, int width, float[] target) {
        try {
            for (int i = 0; i < target.length / width; i++) {
                long wanted = (first + i) / half;
                int slot = (int) ((first + i) % half);
                if (wanted == fill - 1 && before.length > 0) {
                    System.arraycopy(before[slot], from, target, i * width, width);
                } else {
                    fillFor(wanted);
                    System.arraycopy(rows[slot], from, target, i * width, width);
                }
            }
        } catch (RuntimeException e) {
            // A refill may have been left half done.
            fill = -1;
            before = new float[0][];
            throw e;
        }
    }

    /** Brings the buffer to the state after a number of refills. */
    private void fillFor(long wanted) {
        if (wanted == fill) {
            return;
        }
        boolean onward = fill >= 0 && wanted == fill + 1;
        if (onward) {
            before = shared ? Arrays.copyOf(rows, half) : before;
            refill(wanted);
        } else {
            before = new float[0][];
            Arrays.setAll(ids, i -> i);
            Arrays.fill(rows, null);
            permute(0);
            for (long k = 1; k <= wanted; k++) {
                refill(k);
            }
        }
        int[] missing = IntStream.range(0, rows.length).filter(slot -> rows[slot] == null).toArray();
        long[] numbers = Arrays.stream(missing).mapToLong(slot -> ids[slot] % activations.size()).toArray();
        activations.load(numbers, progress, (i, activation) -> {
            rows[missing[i]] = new float[width()];
            activation.copyTo(rows[missing[i]], 0);
        });
        fill = wanted;
    }

    private void refill(long k) {
        for (int slot = 0; slot < half; slot++) {
            ids[slot] = (k + 1) * half + slot;
        }
        Arrays.fill(rows, 0, half, null);
        permute(k);
    }

    private void permute(long k) {
        int[] order = Permutations.of(ids.length, random.stream(k));
        long[] oldIds = ids.clone();
        float[][] oldRows = rows.clone();
        for (int slot = 0; slot < order.length; slot++) {
            ids[slot] = oldIds[order[slot]];
            rows[slot] = oldRows[order[slot]];
        }
    }
}
