package org.sae4j.api.model;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.sae4j.api.Tensor;

/** The values that one forward pass captured. Immutable; it outlives the transformer that made it. */
public final class Activations {
    private final Map<HookPoint, Tensor> tensors;

    /**
     * Collects captured values.
     *
     * @param tensors one tensor for each hook point, in the order of asking
     */
    public Activations(Map<HookPoint, Tensor> tensors) {
        Objects.requireNonNull(tensors, "tensors");
        this.tensors = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    }

    /**
     * The values at a hook point.
     *
     * @param hook the hook point
     * @return its values, in {@link Transformer#shape}
     * @throws IllegalArgumentException if it was not captured
     */
    public Tensor get(HookPoint hook) {
        Objects.requireNonNull(hook, "hook");
        Tensor tensor = tensors.get(hook);
        if (tensor == null) {
            throw new IllegalArgumentException(hook + " was not captured; captured were " + tensors.keySet());
        }
        return tensor;
    }

    /** {@return the captured logits} */
    public Tensor logits() {
        return get(HookPoint.LOGITS);
    }

    /** {@return the captured hook points, in the order of asking} */
    public Set<HookPoint> hooks() {
        return tensors.keySet();
    }
}
