package org.sae4j.core.train;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;

/**
 * Activations computed while training, mixed by a buffer (Nanda 2023): at first the whole buffer is filled and permuted; when half of it is
 * used up, that half is filled with the next activations and the whole is permuted again. After the last activation come the first ones.
 *
 * <p>A row depends on its position alone: {@link #seek} replays the permutations and computes what the buffer held.
 */
public final class ActivationBuffer implements ActivationSource {
    private final TokenActivations activations;
    private final int half;
    private final CounterRandom random;
    private final Progress progress;
    private final float[][] rows;
    private final long[] ids;
    private long position;
    private long fill = -1;

    /**
     * Prepares; the buffer is filled when the first row is taken.
     *
     * @param activations where rows come from
     * @param capacity rows in the buffer, even and at least 2; it needs {@code 4 * capacity * width} bytes
     * @param seed of the permutations
     * @param progress told of refilling, and asked for cancellation there
     * @throws IllegalArgumentException if the capacity is odd or less than 2
     */
    public ActivationBuffer(TokenActivations activations, int capacity, long seed, Progress progress) {
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

    @Override
    public int width() {
        return activations.width();
    }

    @Override
    public long position() {
        return position;
    }

    @Override
    public void seek(long newPosition) {
        if (newPosition < 0) {
            throw new IllegalArgumentException("a position is at least 0, found " + newPosition);
        }
        position = newPosition;
    }

    /**
     * {@inheritDoc}
     *
     * @throws java.util.concurrent.CancellationException if cancelled while refilling
     */
    @Override
    public void next(float[] target) {
        int width = width();
        if (target.length % width != 0) {
            throw new IllegalArgumentException("expected whole rows of width " + width + ", found " + target.length + " elements");
        }
        long before = position;
        try {
            for (int at = 0; at < target.length; at += width) {
                fillFor(position / half);
                System.arraycopy(rows[(int) (position % half)], 0, target, at, width);
                position++;
            }
        } catch (RuntimeException e) {
            // What was taken is lost to the caller: the next call must give it again.
            position = before;
            fill = -1;
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
            refill(wanted);
        } else {
            Arrays.setAll(ids, i -> i);
            Arrays.fill(rows, null);
            permute(0);
            for (long k = 1; k <= wanted; k++) {
                refill(k);
            }
        }
        int[] missing = IntStream.range(0, rows.length).filter(slot -> rows[slot] == null).toArray();
        long[] numbers = Arrays.stream(missing).mapToLong(slot -> ids[slot] % activations.size()).toArray();
        activations.load(numbers, progress, (i, values, at) -> {
            rows[missing[i]] = new float[width()];
            values.copyTo(at, rows[missing[i]], 0, width());
        });
        fill = wanted;
    }

    private void refill(long k) {
        for (int slot = 0; slot < half; slot++) {
            ids[slot] = (k + 1) * half + slot;
            rows[slot] = null;
        }
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
