package org.sae4j.core.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.activations.StreamedActivations;
import org.sae4j.core.internal.Heap;

/**
 * Activations computed while training, mixed by a buffer (Nanda 2023): at first the whole buffer is filled and permuted; when half of it is
 * used up, that half is filled with the next activations and the whole is permuted again. After the last activation come the first ones.
 *
 * <p>A row depends on its position alone: after {@link #seek} the permutations are replayed and what the buffer held is computed. While
 * the buffer is refilled, {@link #next} can be cancelled.
 *
 * <p>Over activations of several hook points a row is their vectors one after the other; {@link #byHook()} gives a source for each hook
 * point, so that several autoencoders are trained in one pass over the model.
 *
 * <p>With a limit for norms a row beyond it is never handed out: the next row in the buffer that is within it takes its place.
 */
public final class ActivationBuffer extends PositionedSource {
    private final StreamedActivations activations;
    private final int half;
    private final CounterRandom random;
    private final Progress progress;
    private final double[] normLimits;
    private final int[] starts;
    private final float[][] rows;
    private long loaded;
    private long leftOut;
    /** The half that was handed out in the fill before, for sources that are a little behind. */
    private float[][] before = {};
    private boolean shared;
    private final long[] ids;
    private long fill = -1;

    /**
     * Prepares; the buffer is filled when the first row is taken.
     *
     * @param activations where rows come from; belong to the caller
     * @param capacity rows in the buffer, even and at least 2; it needs {@code 4 * capacity * width} bytes, half as much
     *     again with {@link #byHook()}
     * @param seed of the permutations
     * @param normLimits for each hook point the largest norm of a row; positive infinity for no limit
     * @param progress told of refilling, and asked for cancellation there
     * @throws IllegalArgumentException if the capacity is odd or less than 2, or there is not one limit for each hook point
     * @throws Sae4jException if the heap has no room for the buffer
     */
    public ActivationBuffer(StreamedActivations activations, int capacity, long seed, double[] normLimits, Progress progress) {
        super(activations.width());
        if (capacity < 2 || capacity % 2 != 0) {
            throw new IllegalArgumentException("the capacity is even and at least 2, found " + capacity);
        }
        int[] widths = activations.widths();
        if (normLimits.length != widths.length) {
            throw new IllegalArgumentException("expected " + widths.length + " limits for norms, found " + normLimits.length);
        }
        this.normLimits = normLimits.clone();
        starts = new int[widths.length + 1];
        Arrays.setAll(starts, hook -> hook == 0 ? 0 : IntStream.of(widths).limit(hook).sum());
        this.activations = activations;
        this.progress = progress;
        Heap.require((long) capacity * (Float.BYTES * (long) width() + Long.BYTES), "for a buffer of " + capacity + " activations", "width "
                + width(), "choose a smaller buffer");
        half = capacity / 2;
        random = new CounterRandom(seed).stream("activation buffer");
        rows = new float[capacity][];
        ids = new long[capacity];
    }

    /**
     * Prepares a buffer without limits for norms.
     *
     * @param activations where rows come from; belong to the caller
     * @param capacity rows in the buffer, even and at least 2
     * @param seed of the permutations
     * @param progress told of refilling, and asked for cancellation there
     * @throws IllegalArgumentException if the capacity is odd or less than 2
     */
    public ActivationBuffer(StreamedActivations activations, int capacity, long seed, Progress progress) {
        this(activations, capacity, seed, DoubleStream.generate(() -> Double.POSITIVE_INFINITY).limit(activations.widths().length).toArray(),
                progress);
    }

    /** {@return the number of activations that were loaded into the buffer so far} */
    public long loaded() {
        return loaded;
    }

    /** {@return how many of those lie beyond a limit for norms} */
    public long leftOut() {
        return leftOut;
    }

    /**
     * {@inheritDoc}
     *
     * @throws java.util.concurrent.CancellationException if cancelled while refilling
     * @throws org.sae4j.api.Sae4jException if contexts cannot be read, or all rows in the buffer lie beyond a limit
     */
    @Override
    protected void rows(long first, float[] target) {
        take(first, 0, normLimits.length, target);
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
        for (int hook = 0; hook < normLimits.length; hook++) {
            sources.add(new OfHook(hook));
        }
        return List.copyOf(sources);
    }

    /** A part of the columns, with a position of its own. */
    private final class OfHook extends PositionedSource {
        private final int hook;

        OfHook(int hook) {
            super(starts[hook + 1] - starts[hook]);
            this.hook = hook;
        }

        @Override
        protected void rows(long first, float[] target) {
            take(first, hook, hook + 1, target);
        }
    }

    /** Copies the columns of some hook points of the rows from a position on. */
    private void take(long first, int fromHook, int toHook, float[] target) {
        int from = starts[fromHook];
        int width = starts[toHook] - from;
        try {
            for (int i = 0; i < target.length / width; i++) {
                long wanted = (first + i) / half;
                int slot = (int) ((first + i) % half);
                if (wanted != fill - 1 || before.length == 0) {
                    fillFor(wanted);
                }
                float[] row = within(wanted == fill ? rows : before, slot, fromHook, toHook);
                System.arraycopy(row, from, target, i * width, width);
            }
        } catch (RuntimeException e) {
            // A refill may have been left half done.
            fill = -1;
            before = new float[0][];
            throw e;
        }
    }

    /** The row of a slot, or the next one that is within the limits of some hook points. */
    private float[] within(float[][] held, int slot, int fromHook, int toHook) {
        for (int i = 0; i < held.length; i++) {
            float[] row = held[(slot + i) % held.length];
            if (!isBeyond(row, fromHook, toHook)) {
                return row;
            }
        }
        throw new Sae4jException("all activations in the buffer have norms beyond the limits " + Arrays.toString(normLimits),
                activations.toString(), "allow larger norms");
    }

    private boolean isBeyond(float[] row, int fromHook, int toHook) {
        for (int hook = fromHook; hook < toHook; hook++) {
            if (normLimits[hook] != Double.POSITIVE_INFINITY
                    && RowNorms.norm(row, starts[hook], starts[hook + 1] - starts[hook]) > normLimits[hook]) {
                return true;
            }
        }
        return false;
    }

    /** Brings the buffer to the state after a number of refills. */
    private void fillFor(long wanted) {
        if (wanted == fill) {
            return;
        }
        boolean onward = fill >= 0 && wanted == fill + 1;
        if (onward) {
            before = shared ? rows.clone() : before;
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
        activations.load(Arrays.stream(missing).mapToLong(slot -> ids[slot]).toArray(), progress, (i, activation) -> {
            rows[missing[i]] = new float[width()];
            activation.copyTo(rows[missing[i]], 0);
            loaded++;
            leftOut += isBeyond(rows[missing[i]], 0, normLimits.length) ? 1 : 0;
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
