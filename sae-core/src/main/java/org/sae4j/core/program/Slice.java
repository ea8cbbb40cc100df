package org.sae4j.core.program;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Only what wanted values need: capturing, stopping, resuming and leaving out are one function. */
public final class Slice {
    private Slice() {}

    /**
     * The part of a computation that its outputs need. Copies that are not outputs are left out.
     *
     * @param form the computation
     * @param starts values that are given, so that nothing before them is computed
     * @param skipped values for which the operation's last input is taken as it is
     * @return the part
     */
    public static Form of(Form form, Set<String> starts, Set<String> skipped) {
        Set<Value> outputs = new HashSet<>(form.outputs());
        Set<Value> needed = new HashSet<>(outputs);
        Map<Value, Value> same = new HashMap<>();
        ArrayDeque<Operation> kept = new ArrayDeque<>();
        for (Operation operation : form.operations().reversed()) {
            boolean wanted = needed.contains(operation.out()) || operation.inner().stream().anyMatch(needed::contains);
            if (!wanted || starts.contains(operation.out().name())) {
                continue;
            }
            if (skipped.contains(operation.out().name())
                    || operation.kind() instanceof Kind.Copy && !outputs.contains(operation.out())) {
                Value source = operation.in().getLast();
                same.put(operation.out(), source);
                needed.add(source);
            } else {
                kept.addFirst(operation);
                needed.addAll(operation.in());
            }
        }
        List<Operation> operations = new ArrayList<>(kept.size());
        kept.forEach(operation -> operations.add(operation.over(value -> follow(same, value))));
        return new Form(operations, form.outputs());
    }

    private static Value follow(Map<Value, Value> same, Value value) {
        Value last = value;
        for (Value next = same.get(last); next != null; next = same.get(last)) {
            last = next;
        }
        return last;
    }
}
