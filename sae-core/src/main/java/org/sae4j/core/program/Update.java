package org.sae4j.core.program;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;

/**
 * What a training step does with gradients: parameters become states, which Adam replaces, as the last operations of the form. A parameter
 * {@code w} has two more states, its moments {@code m.w} and {@code v.w}, which start at 0.
 */
public final class Update {
    /** When the rows of a parameter are set to norm 1. But for NEVER, its gradient first loses what lies along the rows. */
    public enum UnitRows {
        /** Never. */
        NEVER,
        /** Before all operations that read it. */
        BEFORE_FORWARD,
        /** When gradients are computed, before Adam's step. */
        BEFORE_ADAM,
        /** After Adam's step. */
        AFTER_ADAM
    }

    private final List<Operation> operations = new ArrayList<>();
    private final Map<Value, Value> replaced = new HashMap<>();
    /** The gradients of parameters, in the order of the parameters. */
    private final Map<Value, Value> gradients = new LinkedHashMap<>();

    private Update() {}

    /**
     * Adds the update to a computation with gradients.
     *
     * @param form a computation with its gradients, as {@link Backward} gives it
     * @param trained names of the parameters, which have gradients there; weights of the form
     * @param unitRows when rows of {@code unit} are set to norm 1
     * @param unit name of the parameter whose rows that concerns, one of {@code trained}
     * @param clip largest joint norm of all gradients, or 0 for none
     * @param settings name of the row with Adam's settings and the step, an input of the form or a new one
     * @param settingCount number of its columns, at least 5
     * @return the computation and its update; outputs are those of the form without gradients
     */
    public static Form adam(Form form, Collection<String> trained, UnitRows unitRows, String unit, float clip, String settings,
            int settingCount) {
        Update update = new Update();
        List<String> gradients = trained.stream().map(Backward::gradient).toList();
        List<Value> outputs = form.outputs().stream().filter(value -> !gradients.contains(value.name())).toList();
        for (String name : trained) {
            Value weight = form.value(name);
            Value state = weight.named(name, Value.Role.STATE, weight.heads());
            update.replaced.put(weight, state);
            update.gradients.put(state, form.value(Backward.gradient(name)));
        }
        Value row = new Value(settings, Value.Role.INPUT, Buffer.Type.F32, Dim.ONE, Dim.of(settingCount), 0);
        return new Form(update.write(form, unitRows, update.replaced.get(form.value(unit)), clip, row), outputs);
    }

    private List<Operation> write(Form form, UnitRows unitRows, @Nullable Value unit, float clip, Value settings) {
        if (unit == null) {
            throw new IllegalArgumentException("the parameter of unit rows is none of those that are trained");
        }
        Value rows = unitRows == UnitRows.BEFORE_FORWARD ? add(new Kind.NormalizeRows(), named(unit, "unit rows of "), unit) : unit;
        UnaryOperator<Value> read = value -> value.equals(unit) ? rows : replaced.getOrDefault(value, value);
        form.operations().forEach(operation -> operations.add(new Operation(operation.kind(), operation.in().stream().map(read).toList(),
                operation.inner(), operation.out())));
        if (unitRows != UnitRows.NEVER) {
            gradients.computeIfPresent(unit, (_, g) -> add(new Kind.ProjectRows(), named(g, "projected "), g, rows));
        }
        Value before = unitRows == UnitRows.BEFORE_ADAM ? add(new Kind.NormalizeRows(), named(unit, "unit rows of "), rows) : rows;
        if (clip > 0) {
            clip(clip);
        }
        gradients.forEach((state, g) -> {
            Value m = named(state, "m.", Value.Role.STATE);
            Value v = named(state, "v.", Value.Role.STATE);
            Value next = named(state, "next ");
            operations.add(new Operation(new Kind.Adam(), List.of(state.equals(unit) ? before : state, g, m, v, settings),
                    List.of(named(m, "next "), named(v, "next ")), next));
            if (state.equals(unit) && unitRows == UnitRows.AFTER_ADAM) {
                add(new Kind.NormalizeRows(), named(state, "unit rows of next "), next);
            }
        });
        return operations;
    }

    private void clip(float limit) {
        List<Value> before = List.copyOf(gradients.values());
        List<Value> after = before.stream().map(g -> named(g, "clipped ")).toList();
        operations.add(new Operation(new Kind.ClipNorm(limit), before, after.subList(1, after.size()), after.getFirst()));
        int[] i = {0};
        gradients.replaceAll((_, _) -> after.get(i[0]++));
    }

    private Value add(Kind kind, Value out, Value... in) {
        operations.add(Operation.of(kind, out, in));
        return out;
    }

    private static Value named(Value value, String prefix) {
        return named(value, prefix, Value.Role.INNER);
    }

    private static Value named(Value value, String prefix, Value.Role role) {
        return value.named(prefix + value.name(), role, value.heads());
    }
}
