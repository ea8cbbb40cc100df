package org.sae4j.core.train;

import org.jspecify.annotations.Nullable;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;

/** Rows of a tensor, in order or permuted anew in every epoch. */
final class TensorSource implements ActivationSource {
    private final Tensor rows;
    private final int width;
    private final int count;
    private final @Nullable CounterRandom random;
    private int @Nullable [] order;
    private long orderedEpoch = -1;
    private long position;

    TensorSource(Tensor rows, @Nullable Long seed) {
        if (rows.rank() == 0 || rows.size() == 0) {
            throw new IllegalArgumentException("a source needs at least one row, found " + rows);
        }
        this.rows = rows;
        width = rows.dim(-1);
        count = Math.toIntExact(rows.size() / width);
        random = seed == null ? null : new CounterRandom(seed).stream("order of activations");
    }

    @Override
    public int width() {
        return width;
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

    @Override
    public void next(float[] target) {
        if (target.length % width != 0) {
            throw new IllegalArgumentException("expected whole rows of width " + width + ", found " + target.length + " elements");
        }
        for (int at = 0; at < target.length; at += width) {
            rows.copyTo((long) rowAt(position++) * width, target, at, width);
        }
    }

    private int rowAt(long at) {
        int index = (int) (at % count);
        if (random == null) {
            return index;
        }
        long epoch = at / count;
        if (order == null || epoch != orderedEpoch) {
            order = Permutations.of(count, random.stream(epoch));
            orderedEpoch = epoch;
        }
        return order[index];
    }
}
