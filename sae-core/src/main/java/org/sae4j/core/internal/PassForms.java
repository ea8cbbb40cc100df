package org.sae4j.core.internal;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.program.Backward;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.Edits;
import org.sae4j.core.program.Form;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Kind;
import org.sae4j.core.program.Operation;
import org.sae4j.core.program.Recompute;
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
    /** A pass, or one with gradients, and whether that keeps as little as it can. */
    private record Key(Object pass, boolean lean) {}

    private final Map<Key, PassForm> kept = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, PassForm> eldest) {
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

    /** The name of the logarithms of the next tokens' probabilities, in passes with gradients. */
    static final String LOG_PROBABILITIES = "log probabilities";

    synchronized PassForm form(PassKey key) {
        return kept.computeIfAbsent(new Key(key, false), _ -> make(key));
    }

    /**
     * A pass with gradients.
     *
     * @param key what decides its form
     * @param lean whether to keep only the residual stream between blocks for the gradients, and to compute blocks again
     */
    synchronized PassForm gradient(GradientKey key, boolean lean) {
        return kept.computeIfAbsent(new Key(key, lean), _ -> make(key, lean));
    }

    private static List<String> names(Collection<HookPoint> hooks) {
        return hooks.stream().map(HookPoint::toString).toList();
    }

    private PassForm make(PassKey key) {
        List<String> captures = names(key.captures());
        Form form = edited(key, captures).wanting(captures);
        String start = start(key, form);
        return new PassForm(Slice.of(form, start == null ? Set.of() : Set.of(start), skipped(key)), start);
    }

    private @Nullable String start(PassKey key, Form form) {
        return key.startLayer() < 0 ? null : Edits.original(form, description.entries().get(key.startLayer()));
    }

    private static Set<String> skipped(PassKey key) {
        return key.picked() ? Set.of() : Set.of(Description.PICKED_ROWS);
    }

    /** The whole computation with the edits of a pass, in which some values are computed apart. */
    private Form edited(PassKey key, Collection<String> apart) {
        Set<String> opened = new HashSet<>(apart);
        key.edits().forEach(edit -> opened.add(edit.hook().toString()));
        Form form = description.form().open(opened);
        for (int i = 0; i < key.edits().size(); i++) {
            PassKey.Edit edit = key.edits().get(i);
            form = Edits.patch(form, edit.hook().toString(), edit.mode(), i, edit.capacity());
        }
        return key.continued() ? continued(form) : form;
    }

    private PassForm make(GradientKey key, boolean lean) {
        List<String> wanted = names(key.wanted());
        List<String> outputs = Stream.concat(names(key.pass().captures()).stream(), key.targets().stream()).distinct().toList();
        Form form = withLogProbabilities(edited(key.pass(), Stream.concat(outputs.stream(), wanted.stream()).toList()));
        String start = start(key.pass(), form);
        Set<String> starts = start == null ? Set.of() : Set.of(start);
        Set<Value> stream = residualStream(form);
        Form sliced = Slice.of(form.wanting(Stream.concat(outputs.stream(), wanted.stream()).distinct().toList()), starts,
                skipped(key.pass())).wanting(outputs);
        Form backward = Backward.of(sliced, key.targets(), wanted, Set.copyOf(names(key.constants())));
        Set<Value> again = lean ? blocks(sliced, stream, start != null) : Set.of();
        Form recomputed = Recompute.of(backward, operation -> isCheap(operation.kind()) || again.contains(operation.out()));
        return new PassForm(Slice.of(recomputed, starts, Set.of()), start);
    }

    private static Form withLogProbabilities(Form form) {
        FormBuilder b = new FormBuilder(LOG_PROBABILITIES);
        b.inner(LOG_PROBABILITIES, b.logSoftmax(form.value(HookPoint.LOGITS.toString())));
        return new Form(Stream.concat(form.operations().stream(), b.build().operations().stream()).toList(), form.outputs());
    }

    /** What is computed again rather than kept: little work of few inputs, which the gradient of the work itself often keeps anyway. */
    private static boolean isCheap(Kind kind) {
        return switch (kind) {
            case Kind.LayerNorm _, Kind.RmsNorm _, Kind.Map _, Kind.Multiply _, Kind.Scale _, Kind.Rotary _, Kind.Scores _, Kind.Softmax _ ->
                    true;
            default -> false;
        };
    }

    /** The values between blocks: those that entries are, or are copies of. */
    private Set<Value> residualStream(Form form) {
        Map<Value, Value> copied = new HashMap<>();
        form.operations().stream().filter(operation -> operation.kind() instanceof Kind.Copy)
                .forEach(copy -> copied.put(copy.out(), copy.in().getFirst()));
        Set<Value> stream = new HashSet<>();
        for (String entry : description.entries()) {
            for (Value value = form.value(entry); value != null; value = copied.get(value)) {
                stream.add(value);
            }
        }
        return stream;
    }

    /** What blocks compute between two values of the residual stream. */
    private static Set<Value> blocks(Form form, Set<Value> stream, boolean started) {
        Set<Value> blocks = new HashSet<>();
        Set<Value> block = new HashSet<>();
        boolean within = started;
        for (Operation operation : form.operations()) {
            if (stream.contains(operation.out())) {
                if (within) {
                    blocks.addAll(block);
                }
                block.clear();
                within = true;
            } else {
                block.add(operation.out());
            }
        }
        return blocks;
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
