package org.sae4j.core.generate;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/**
 * The keys and values of the positions that a sequence has so far, with which a pass over the next tokens alone gives what a pass over all
 * of them would. It can be kept and {@linkplain #fork() forked}. Not for use by several threads.
 */
public final class KeyValueCache {
    private static final int LEAST = 64;

    private final List<HookPoint> hooks;
    private final int[][] shapes;
    private final float[][] values;
    private int length;
    private int room;

    /**
     * An empty cache.
     *
     * @param model the model whose keys and values it holds
     */
    public KeyValueCache(Transformer model) {
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
        length = other.length;
        room = other.room;
    }

    /** {@return how many positions it holds} */
    public int length() {
        return length;
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
     * Appends the positions of a pass over one row of tokens, which came after those of this cache.
     *
     * @param pass captured {@link #hooks()}
     * @throws IllegalArgumentException if a hook point was not captured
     */
    public void append(Activations pass) {
        for (int i = 0; i < values.length; i++) {
            Tensor own = pass.get(hooks.get(i));
            int width = width(i);
            int count = Math.toIntExact(own.size() / width);
            if (i == 0) {
                grow(length + count);
            }
            own.copyTo(0, values[i], length * width, count * width);
            if (i == values.length - 1) {
                length += count;
            }
        }
    }

    private int width(int i) {
        return shapes[i][2] * shapes[i][3];
    }

    private void grow(int needed) {
        if (needed <= room) {
            return;
        }
        room = Math.max(Math.max(LEAST, needed), 2 * room);
        for (int i = 0; i < values.length; i++) {
            values[i] = java.util.Arrays.copyOf(values[i], Math.multiplyExact(room, width(i)));
        }
    }

    /** {@return the positions, for {@link org.sae4j.api.model.ForwardPlan.Builder#after}; valid until the next {@link #append}} */
    public Activations values() {
        Map<HookPoint, Tensor> tensors = new LinkedHashMap<>();
        for (int i = 0; i < values.length; i++) {
            tensors.put(hooks.get(i), Tensor.of(values[i], 1, room, shapes[i][2], shapes[i][3]));
        }
        return new Activations(tensors);
    }
}
