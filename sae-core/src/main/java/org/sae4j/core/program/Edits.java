package org.sae4j.core.program;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.model.ForwardPlan;

/** Changes at hook points: operations between the value that was computed and the one that everybody reads. */
public final class Edits {
    private Edits() {}

    /**
     * Changes a value. Readers, captures and later changes keep its name; changes at one hook point apply in the order in which they are
     * inserted.
     *
     * @param form the computation
     * @param hook name of the value
     * @param change writes operations that read the value as it was, and returns the changed one
     * @return the computation with the change
     * @throws IllegalArgumentException if no operation writes the value
     */
    public static Form insert(Form form, String hook, BiFunction<FormBuilder, Value, Value> change) {
        return replace(form, hook, (raw, edited) -> {
            FormBuilder b = new FormBuilder(raw.name() + " ");
            b.name(change.apply(b, raw), hook, edited.role(), edited.heads());
            return b.operations();
        });
    }

    /**
     * Changes a value by ready operations, as {@link #insert} does.
     *
     * @param form the computation
     * @param hook name of the value
     * @param change takes the value as it was and the one that readers see; gives operations in order, the last of which writes the latter
     * @return the computation with the change
     * @throws IllegalArgumentException if no operation writes the value
     */
    public static Form replace(Form form, String hook, BiFunction<Value, Value, List<Operation>> change) {
        List<Operation> operations = new ArrayList<>(form.operations().size() + 2);
        boolean written = false;
        for (Operation operation : form.operations()) {
            if (!operation.out().name().equals(hook)) {
                operations.add(operation);
                continue;
            }
            written = true;
            Value edited = operation.out();
            Value raw = edited.named(name(hook, number(form, hook)), Value.Role.INNER, edited.heads());
            operations.add(operation.into(raw));
            operations.addAll(change.apply(raw, edited));
        }
        if (!written) {
            throw new IllegalArgumentException(hook + " is given, not computed: there is nothing to change");
        }
        return new Form(operations, form.outputs());
    }

    /**
     * Sets or adds to some rows of a value. Row numbers and values are inputs of the names that {@link #rows} and {@link #values} give.
     *
     * @param form the computation
     * @param hook name of the value
     * @param mode how
     * @param edit number of the edit, for the inputs' names
     * @param capacity how many rows can be named
     * @return the computation with the change
     * @throws IllegalArgumentException as {@link #insert}
     */
    public static Form patch(Form form, String hook, ForwardPlan.Mode mode, int edit, int capacity) {
        if (form.value(hook).type() == Buffer.Type.SPARSE) {
            throw new IllegalArgumentException(hook + " holds feature activations, which are sparse: change what they are decoded to");
        }
        return insert(form, hook, (b, x) -> b.patch(x, b.indices(rows(edit), Dim.of(capacity)),
                b.input(values(edit), Dim.of(capacity), x.cols()), mode));
    }

    /**
     * Names an input.
     *
     * @param edit number of the edit
     * @return name of its row numbers
     */
    public static String rows(int edit) {
        return "edit " + edit + " rows";
    }

    /**
     * Names an input.
     *
     * @param edit number of the edit
     * @return name of its values
     */
    public static String values(int edit) {
        return "edit " + edit + " values";
    }

    /**
     * The value of a hook point before all changes of it.
     *
     * @param form the computation
     * @param hook name of the value
     * @return name of the value that was computed
     */
    public static String original(Form form, String hook) {
        return form.values().containsKey(name(hook, 0)) ? name(hook, 0) : hook;
    }

    private static int number(Form form, String hook) {
        int edits = 0;
        while (form.values().containsKey(name(hook, edits))) {
            edits++;
        }
        return edits;
    }

    private static String name(String hook, int edit) {
        return hook + " before edit " + edit;
    }
}
