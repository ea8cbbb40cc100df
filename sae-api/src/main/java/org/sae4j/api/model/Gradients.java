package org.sae4j.api.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.DoubleStream;
import org.sae4j.api.Tensor;

/** An objective's value and its gradients. Immutable; it outlives the transformer that made it. */
public final class Gradients {
    private final double[] values;
    private final Map<HookPoint, Tensor> gradients;
    private final Activations activations;

    /**
     * Collects the results of a pass.
     *
     * @param values what each row of the batch contributes to the objective
     * @param gradients one tensor for each hook point, in the order of asking
     * @param activations what the forward pass captured
     */
    public Gradients(double[] values, Map<HookPoint, Tensor> gradients, Activations activations) {
        Objects.requireNonNull(values, "values");
        Objects.requireNonNull(gradients, "gradients");
        Objects.requireNonNull(activations, "activations");
        this.values = values.clone();
        this.gradients = Collections.unmodifiableMap(new LinkedHashMap<>(gradients));
        this.activations = activations;
    }

    /** {@return the objective} */
    public double value() {
        return DoubleStream.of(values).sum();
    }

    /**
     * The part of the objective that is of one row.
     *
     * @param row row of the batch, from 0
     * @return the sum of the objective's terms of this row
     * @throws IndexOutOfBoundsException if there is no such row
     */
    public double value(int row) {
        return values[row];
    }

    /**
     * The gradient by the value at a hook point.
     *
     * @param hook the hook point
     * @return the derivative of the objective by each element, in {@link Transformer#shape}
     * @throws IllegalArgumentException if it was not asked for
     */
    public Tensor get(HookPoint hook) {
        Objects.requireNonNull(hook, "hook");
        Tensor gradient = gradients.get(hook);
        if (gradient == null) {
            throw new IllegalArgumentException("no gradient by " + hook + " was asked for; there are those by " + gradients.keySet());
        }
        return gradient;
    }

    /** {@return the hook points by which there are gradients, in the order of asking} */
    public Set<HookPoint> hooks() {
        return gradients.keySet();
    }

    /** {@return what the forward pass captured; nothing unless a plan asked for it} */
    public Activations activations() {
        return activations;
    }
}
