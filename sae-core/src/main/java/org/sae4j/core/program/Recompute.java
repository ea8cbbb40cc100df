package org.sae4j.core.program;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Values that gradients read are computed again right before the gradient that needs them, instead of being kept from the forward
 * pass: less memory for more work (Chen et al. 2016). Operations give the same bits when they run again, so results do not change.
 */
public final class Recompute {
    private final Map<Value, Operation> again = new HashMap<>();
    private final Map<Value, Value> copies = new HashMap<>();
    private final List<Operation> operations = new ArrayList<>();

    private Recompute() {}

    /**
     * Computes values a second time for the gradients of a computation.
     *
     * @param form a computation with its gradients, as {@link Backward} gives it
     * @param repeats operations that may run twice; those that write outputs do not
     * @return the computation, with repeated operations before the gradients that read them
     */
    public static Form of(Form form, Predicate<Operation> repeats) {
        return new Recompute().write(form, repeats);
    }

    private Form write(Form form, Predicate<Operation> repeats) {
        Set<Value> outputs = new HashSet<>(form.outputs());
        Set<Value> backward = new HashSet<>();
        for (Operation operation : form.operations()) {
            if (operation.in().stream().anyMatch(value -> backward.contains(value) || Backward.isSeed(value))) {
                backward.add(operation.out());
                backward.addAll(operation.inner());
                operation.in().forEach(this::repeat);
                operations.add(operation.over(value -> copies.getOrDefault(value, value)));
            } else {
                operations.add(operation);
                if (!outputs.contains(operation.out()) && repeats.test(operation)) {
                    again.put(operation.out(), operation);
                }
            }
        }
        return new Form(operations, form.outputs());
    }

    private void repeat(Value value) {
        Operation operation = again.get(value);
        if (operation == null || copies.containsKey(value)) {
            return;
        }
        operation.in().forEach(this::repeat);
        Operation repeated = operation.over(in -> copies.getOrDefault(in, in));
        Value copy = again(value);
        operations.add(new Operation(repeated.kind(), repeated.in(), repeated.inner().stream().map(Recompute::again).toList(), copy));
        copies.put(value, copy);
    }

    private static Value again(Value value) {
        return value.named(value.name() + " again", Value.Role.INNER, value.heads());
    }
}
