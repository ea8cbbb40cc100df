package org.sae4j.core.generate;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/**
 * The keys and values of the positions that a sequence has so far, or several sequences of equal length, with which a pass over the next
 * tokens alone gives what a pass over all of them would. It can be kept and {@linkplain #fork() forked}. Not for use by several threads.
 */
public final class KeyValueCache {
    private static final int LEAST = 64;

    private final List<HookPoint> hooks;
    private final int[][] shapes;
    private final float[][] values;
    private int rows;
    private int length;
    private int room;

    /**
     * An empty cache of one sequence.
     *
     * @param model the model whose keys and values it holds
     */
    public KeyValueCache(Transformer model) {
        this(model, 1);
    }

    /**
     * An empty cache.
     *
     * @param model the model whose keys and values it holds
     * @param rows number of sequences, at least 1
     * @throws IllegalArgumentException if there are fewer
     */
    public KeyValueCache(Transformer model, int rows) {
        if (rows < 1) {
            throw new IllegalArgumentException("expected at least one sequence, found " + rows);
        }
        this.rows = rows;
        hooks = model.cacheHooks();
        shapes = hooks.stream().map(hook -> model.shape(hook, 1, 1)).toArray(int[][]::new);
        values = new float[hooks.size()][0];
    }

    private KeyValueCache(KeyValueCache other) {
        hooks = other.hooks;
        shapes = other.shapes;
        values = new float[hooks.size()][];
        for (int i = 0; i < values.length; i++) {
            values[i] = other.values[i].clone();
        }
        rows = other.rows;
        length = other.length;
        room = other.room;
    }

    /** {@return how many positions it holds} */
    public int length() {
        return length;
    }

    /** {@return how many sequences it holds} */
    public int rows() {
        return rows;
    }

    /** {@return a cache of the same positions that goes its own way from here} */
    public KeyValueCache fork() {
        return new KeyValueCache(this);
    }

    /** {@return the hook points that a pass has to capture so that it can be appended} */
    public HookPoint[] hooks() {
        return hooks.toArray(HookPoint[]::new);
    }

    /**
     * Appends the positions of a pass over as many rows of tokens as the cache has, which came after its own.
     *
     * @param pass captured {@link #hooks()}
     * @throws IllegalArgumentException if a hook point was not captured
     */
    public void append(Activations pass) {
        for (int i = 0; i < values.length; i++) {
            Tensor own = pass.get(hooks.get(i));
            int width = width(i);
            int count = Math.toIntExact(own.size() / ((long) width * rows));
            if (i == 0) {
                grow(length + count);
            }
            for (int row = 0; row < rows; row++) {
                own.copyTo((long) row * count * width, values[i], (row * room + length) * width, count * width);
            }
            if (i == values.length - 1) {
                length += count;
            }
        }
    }

    /**
     * Leaves out all sequences but some.
     *
     * @param kept numbers of the sequences that stay, in order; none leaves an empty cache
     */
    void keep(int... kept) {
        for (int i = 0; i < values.length; i++) {
            int size = room * width(i);
            for (int to = 0; to < kept.length; to++) {
                System.arraycopy(values[i], kept[to] * size, values[i], to * size, size);
            }
            values[i] = Arrays.copyOf(values[i], kept.length * size);
        }
        rows = kept.length;
    }

    private int width(int i) {
        return shapes[i][2] * shapes[i][3];
    }

    private void grow(int needed) {
        if (needed <= room) {
            return;
        }
        int before = room;
        room = Math.max(Math.max(LEAST, needed), 2 * room);
        for (int i = 0; i < values.length; i++) {
            float[] grown = new float[Math.multiplyExact(rows, Math.multiplyExact(room, width(i)))];
            for (int row = 0; row < rows; row++) {
                System.arraycopy(values[i], row * before * width(i), grown, row * room * width(i), length * width(i));
            }
            values[i] = grown;
        }
    }

    /** {@return the positions, for {@link org.sae4j.api.model.ForwardPlan.Builder#after}; valid until the next {@link #append}} */
    public Activations values() {
        Map<HookPoint, Tensor> tensors = new LinkedHashMap<>();
        for (int i = 0; i < values.length; i++) {
            tensors.put(hooks.get(i), Tensor.of(values[i], rows, room, shapes[i][2], shapes[i][3]));
        }
        return new Activations(tensors);
    }
}
