package org.sae4j.core.internal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.Edits;
import org.sae4j.core.program.Form;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Kind;
import org.sae4j.core.program.Operation;
import org.sae4j.core.program.Slice;
import org.sae4j.core.program.Value;

/** The forms of a transformer's passes, made of its description once for each key. Safe for use by several threads. */
final class PassForms {
    private static final int MAX_KEPT = 256;

    /**
     * A pass.
     *
     * @param form what is computed
     * @param start name of the residual stream that is given, or null if the pass starts from the tokens
     */
    record PassForm(Form form, @Nullable String start) {}

    private final Description description;
    /** The place of every value in the order of the computation. */
    private final Map<String, Integer> order = new HashMap<>();
    private final List<HookPoint> hookPoints;
    private final Set<HookPoint> known;
    private final Map<PassKey, PassForm> kept = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<PassKey, PassForm> eldest) {
            return size() > MAX_KEPT;
        }
    };

    PassForms(Description description) {
        this.description = description;
        description.form().values().keySet().forEach(name -> order.put(name, order.size()));
        hookPoints = description.hookPoints();
        known = new HashSet<>(hookPoints);
    }

    Description description() {
        return description;
    }

    List<HookPoint> hookPoints() {
        return hookPoints;
    }

    boolean has(HookPoint hook) {
        return known.contains(hook);
    }

    /** The value of a hook point that the model has. */
    Value value(HookPoint hook) {
        return description.form().value(hook.toString());
    }

    /** The place of a value in the order of the computation. */
    int order(String name) {
        Integer place = order.get(name);
        if (place == null) {
            throw new IllegalArgumentException("model " + description.config().name() + " has no value " + name);
        }
        return place;
    }

    /** The name of the input for the number of earlier positions. */
    static final String EARLIER = "earlier positions";

    /** The name of the input for a key or value of earlier positions. */
    static String earlier(String hook) {
        return hook + " of the prefix";
    }

    synchronized PassForm form(PassKey key) {
        return kept.computeIfAbsent(key, this::make);
    }

    private PassForm make(PassKey key) {
        List<String> captures = key.captures().stream().map(HookPoint::toString).toList();
        Set<String> opened = new HashSet<>(captures);
        key.edits().forEach(edit -> opened.add(edit.hook().toString()));
        Form form = description.form().open(opened).wanting(captures);
        for (int i = 0; i < key.edits().size(); i++) {
            PassKey.Edit edit = key.edits().get(i);
            form = Edits.patch(form, edit.hook().toString(), edit.mode(), i, edit.capacity());
        }
        if (key.continued()) {
            form = continued(form);
        }
        String start = key.startLayer() < 0 ? null : Edits.original(form, description.entries().get(key.startLayer()));
        return new PassForm(Slice.of(form, start == null ? Set.of() : Set.of(start),
                key.picked() ? Set.of() : Set.of(Description.PICKED_ROWS)), start);
    }

    /** Attention that also reads keys and values of earlier positions. */
    private static Form continued(Form form) {
        FormBuilder b = new FormBuilder("");
        List<Operation> operations = new ArrayList<>(form.operations().size());
        for (Operation operation : form.operations()) {
            if (operation.kind() instanceof Kind.Attention) {
                List<Value> in = new ArrayList<>(operation.in());
                for (Value value : operation.in().subList(1, 3)) {
                    in.add(b.input(earlier(value.name()), Dim.PAST, value.cols()));
                }
                in.add(b.indices(EARLIER, Dim.ONE));
                operations.add(new Operation(operation.kind(), in, operation.inner(), operation.out()));
            } else {
                operations.add(operation);
            }
        }
        return new Form(operations, form.outputs());
    }
}
