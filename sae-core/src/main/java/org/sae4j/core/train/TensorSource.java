package org.sae4j.core.train;

import org.jspecify.annotations.Nullable;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;

/** Rows of a tensor, in order or permuted anew in every epoch. */
final class TensorSource extends PositionedSource {
    private final Tensor rows;
    private final int count;
    private final @Nullable CounterRandom random;
    private final int[] order;
    private long orderedEpoch = -1;

    TensorSource(Tensor rows, @Nullable Long seed) {
        super(widthOf(rows));
        this.rows = rows;
        count = Math.toIntExact(rows.size() / width());
        random = seed == null ? null : new CounterRandom(seed).stream("order of activations");
        order = new int[random == null ? 0 : count];
    }

    private static int widthOf(Tensor rows) {
        if (rows.rank() == 0 || rows.size() == 0) {
            throw new IllegalArgumentException("a source needs at least one row, found " + rows);
        }
        return rows.dim(-1);
    }

    @Override
    protected void rows(long first, float[] target) {
        int width = width();
        for (int i = 0; i < target.length / width; i++) {
            rows.copyTo((long) rowAt(first + i) * width, target, i * width, width);
        }
    }

    private int rowAt(long at) {
        int index = (int) (at % count);
        if (random == null) {
            return index;
        }
        long epoch = at / count;
        if (epoch != orderedEpoch) {
            Permutations.fill(order, random.stream(epoch));
            orderedEpoch = epoch;
        }
        return order[index];
    }
}
