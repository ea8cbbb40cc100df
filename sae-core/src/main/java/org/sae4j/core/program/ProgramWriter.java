package org.sae4j.core.program;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.model.ForwardPlan;

/**
 * Writes the program of a form for the counts of a run. Values that do not live at the same time share buffers; an operation works in place
 * where nobody reads what it overwrites.
 */
public final class ProgramWriter {
    /**
     * What a weight of a form is in memory.
     *
     * @param tensor name of the tensor
     * @param transposed whether the tensor is the transposed matrix of the form
     */
    public record Binding(String tensor, boolean transposed) {}

    /**
     * A program, and the buffers that a caller writes and reads.
     *
     * @param program the program
     * @param inputs by the names of given values
     * @param outputs by the names of wanted values
     */
    public record Written(Program program, Map<String, Buffer> inputs, Map<String, Buffer> outputs) {
        /**
         * An input.
         *
         * @param name name of a given value
         * @return its buffer, or null if the program does not need it
         */
        public @Nullable Buffer input(String name) {
            return inputs.get(name);
        }
    }

    /** A place in memory that values take one after the other. */
    private static final class Slot {
        private final Shape shape;
        private @Nullable Value output;
        /** What is kept from run to run. */
        private @Nullable Value state;
        private int end;
        private @Nullable Buffer buffer;

        Slot(Shape shape) {
            this.shape = shape;
        }
    }

    private record Shape(Buffer.Type type, int rows, int cols) {}

    private static final int FOREVER = Integer.MAX_VALUE;

    private final Form form;
    private final Counts counts;
    private final Map<String, Binding> bindings;
    private final Program.Builder builder;
    private final Map<Value, Value> roots = new HashMap<>();
    private final Map<Value, Integer> lastRead = new HashMap<>();
    private final Map<Value, Slot> slots = new HashMap<>();
    /** What is copied before it is overwritten, by what overwrites it. */
    private final Map<Value, Value> copied = new HashMap<>();
    private final Map<String, Buffer> weights = new HashMap<>();
    private final Map<String, Buffer> inputs = new LinkedHashMap<>();
    private final Map<String, Buffer> outputs = new LinkedHashMap<>();
    private final Map<Shape, ArrayDeque<Buffer>> free = new HashMap<>();

    private ProgramWriter(String name, Form form, Counts counts, Map<String, Binding> bindings) {
        this.form = form;
        this.counts = counts;
        this.bindings = bindings;
        builder = Program.builder(name);
    }

    /**
     * Writes a program.
     *
     * @param name for messages
     * @param form the computation, as {@link Slice} leaves it
     * @param counts the counts of the runs
     * @param bindings what weights are in memory, by name; those that are not listed are tensors of their names, as they are
     * @return the program
     */
    public static Written write(String name, Form form, Counts counts, Map<String, Binding> bindings) {
        ProgramWriter writer = new ProgramWriter(name, form, counts, bindings);
        writer.plan();
        return writer.write();
    }

    /** Decides which values share a slot, and how long each slot is in use. */
    private void plan() {
        List<Operation> operations = form.operations();
        for (int i = 0; i < operations.size(); i++) {
            Operation operation = operations.get(i);
            for (Value value : operation.in()) {
                lastRead.put(root(value), i);
            }
            if (operation.isCopy()) {
                roots.put(operation.out(), root(operation.in().getFirst()));
            }
        }
        form.outputs().forEach(value -> lastRead.put(root(value), FOREVER));
        for (int i = 0; i < operations.size(); i++) {
            Operation operation = operations.get(i);
            Value root = root(operation.out());
            if (operation.isCopy() && !isGiven(root)) {
                slots.put(operation.out(), Objects.requireNonNull(slots.get(root)));
            } else if (!operation.isCopy()) {
                operation.in().forEach(this::keep);
                List<Value> taken = overwritten(operation);
                slots.put(operation.out(), slot(operation, i, operation.out(), taken, 0));
                for (int inner = 0; inner < operation.inner().size(); inner++) {
                    Value value = operation.inner().get(inner);
                    slots.put(value, slot(operation, i, value, taken, inner + 1));
                }
            }
        }
        slots.forEach((value, slot) -> slot.end = slot.state != null ? FOREVER : Math.max(slot.end, lastRead.getOrDefault(root(value), -1)));
        for (Value value : form.outputs()) {
            Slot slot = slots.get(root(value));
            if (slot != null && slot.output == null && slot.state == null) {
                slot.output = value;
            }
        }
    }

    /** Gives a state its place. */
    private void keep(Value value) {
        Value root = root(value);
        if (root.role() == Value.Role.STATE && !slots.containsKey(root)) {
            Slot slot = new Slot(shape(root));
            slot.state = root;
            slots.put(root, slot);
        }
    }

    /** The place of what an operation writes: that of what it overwrites, if nobody reads that later. */
    private Slot slot(Operation operation, int index, Value written, List<Value> taken, int number) {
        if (number < taken.size()) {
            Value over = root(taken.get(number));
            Slot before = slots.get(over);
            boolean last = lastRead.getOrDefault(over, FOREVER) == index
                    && operation.in().stream().filter(value -> root(value).equals(over)).count() == 1;
            if (before != null && last && (before.state == null || replaces(operation))) {
                return before;
            }
            if (before != null && before.state != null && replaces(operation)) {
                throw new IllegalArgumentException(over + " is read after " + written + " took its place");
            }
            if (replaces(operation)) {
                copied.put(written, over);
            }
        }
        return new Slot(shape(written));
    }

    /** Whether an operation of the vocabulary has no other way than to overwrite its operands. */
    private static boolean replaces(Operation operation) {
        return switch (operation.kind()) {
            case Kind.Patch _, Kind.SparseOuter _, Kind.SparseColumnSum _, Kind.DecoderNormGradient _, Kind.ProjectRows _,
                    Kind.NormalizeRows _, Kind.ClipNorm _, Kind.Adam _, Kind.TrackFiring _ -> true;
            default -> false;
        };
    }

    /** What an operation overwrites, or may overwrite as it goes: by output, then inner values. */
    private static List<Value> overwritten(Operation operation) {
        List<Value> in = operation.in();
        Value out = operation.out();
        return switch (operation.kind()) {
            case Kind.Add _, Kind.Multiply _, Kind.Scale _, Kind.Map _, Kind.Exp _, Kind.Rotary _, Kind.MapGradient _,
                    Kind.SoftmaxGradient _, Kind.LogSoftmaxGradient _, Kind.ScoresGradient _ ->
                in.getFirst().rows().equals(out.rows()) && in.getFirst().cols().equals(out.cols()) ? in.subList(0, 1) : List.of();
            case Kind.Patch _, Kind.ProjectRows _, Kind.NormalizeRows _, Kind.TrackFiring _ -> in.subList(0, 1);
            case Kind.SparseOuter _ -> in.subList(2, in.size());
            case Kind.SparseColumnSum _ -> in.subList(1, in.size());
            case Kind.DecoderNormGradient _ -> in.subList(3, 4);
            case Kind.ClipNorm _ -> in;
            case Kind.Adam _ -> List.of(in.get(0), in.get(2), in.get(3));
            default -> List.of();
        };
    }

    private Shape shape(Value value) {
        return new Shape(value.type(), counts.of(value.rows()), counts.of(value.cols()));
    }

    private Value root(Value value) {
        return roots.getOrDefault(value, value);
    }

    private boolean isGiven(Value value) {
        return !slots.containsKey(value);
    }

    private Written write() {
        List<Operation> operations = form.operations();
        for (int i = 0; i < operations.size(); i++) {
            Operation operation = operations.get(i);
            copyBefore(operation);
            write(operation);
            release(operation, i);
        }
        for (Value value : form.outputs()) {
            Value root = root(value);
            Buffer buffer = buffer(root);
            if (isGiven(root)) {
                Buffer copy = builder.output(value.name(), buffer.rows(), buffer.cols());
                builder.add(new Op.Map(buffer, Op.Function.IDENTITY, copy));
                buffer = copy;
            }
            outputs.put(value.name(), buffer);
        }
        return new Written(builder.build(), java.util.Collections.unmodifiableMap(inputs),
                java.util.Collections.unmodifiableMap(outputs));
    }

    /** Copies what an operation overwrites and others still read. */
    private void copyBefore(Operation operation) {
        Stream.concat(Stream.of(operation.out()), operation.inner().stream()).filter(copied::containsKey)
                .forEach(value -> builder.add(new Op.Map(buffer(Objects.requireNonNull(copied.get(value))), Op.Function.IDENTITY,
                        buffer(value))));
    }

    /** Buffers that nobody reads after an operation can be taken by later ones. */
    private void release(Operation operation, int index) {
        List<Value> touched = new ArrayList<>(operation.in());
        touched.addAll(operation.inner());
        touched.add(operation.out());
        for (Value value : touched) {
            Slot slot = slots.get(root(value));
            // Engines give sparse buffers the room that their entries need: two values in turn would need it anew in every run.
            if (slot != null && slot.buffer != null && slot.output == null && slot.end <= index && slot.shape.type != Buffer.Type.SPARSE) {
                free.computeIfAbsent(slot.shape, s -> new ArrayDeque<>()).push(slot.buffer);
                slot.buffer = null;
            }
        }
    }

    private Buffer buffer(Value value) {
        Value root = root(value);
        Slot slot = slots.get(root);
        if (slot == null) {
            return root.role() == Value.Role.WEIGHT ? weight(root, false) : input(root);
        }
        Buffer buffer = slot.buffer;
        if (buffer == null) {
            Shape shape = slot.shape;
            ArrayDeque<Buffer> waiting = free.get(shape);
            if (slot.state != null) {
                buffer = builder.parameter(slot.state.name(), shape.rows(), shape.cols());
            } else if (slot.output != null) {
                buffer = builder.buffer(slot.output.name(), Buffer.Role.OUTPUT, shape.type(), shape.rows(), shape.cols());
            } else if (waiting != null && !waiting.isEmpty()) {
                buffer = waiting.pop();
            } else {
                buffer = builder.buffer("for " + root.name(), Buffer.Role.INTERMEDIATE, shape.type(), shape.rows(), shape.cols());
            }
            slot.buffer = buffer;
        }
        return buffer;
    }

    private Buffer input(Value value) {
        // A given hook point may be wanted too, as an output of its name.
        return inputs.computeIfAbsent(value.name(), name -> builder.buffer(value.role() == Value.Role.INPUT ? name : name + ", given",
                Buffer.Role.INPUT, value.type(), counts.of(value.rows()), counts.of(value.cols())));
    }

    private boolean isTransposed(Value value) {
        Binding binding = bindings.get(value.name());
        return value.role() == Value.Role.WEIGHT && binding != null && binding.transposed();
    }

    private Buffer weight(Value value, boolean transposable) {
        boolean transposed = isTransposed(value);
        if (transposed && !transposable) {
            throw new IllegalArgumentException("weight " + value + " lies transposed in memory, but is not only a factor of products");
        }
        Binding binding = bindings.get(value.name());
        int rows = counts.of(value.rows());
        int cols = counts.of(value.cols());
        return weights.computeIfAbsent(binding == null ? value.name() : binding.tensor(),
                name -> transposed ? builder.weight(name, cols, rows) : builder.weight(name, rows, cols));
    }

    private void write(Operation operation) {
        List<Value> in = operation.in();
        Value x = in.getFirst();
        switch (operation.kind()) {
            case Kind.Gather _ -> builder.add(new Op.Gather(buffer(x), buffer(in.get(1)), buffer(operation.out())));
            case Kind.Copy _, Kind.Detached _ -> { }
            case Kind.Add k -> builder.add(new Op.Add(buffer(x), buffer(in.get(1)), k.scale(), buffer(operation.out())));
            case Kind.Multiply _ -> builder.add(new Op.Multiply(buffer(x), buffer(in.get(1)), buffer(operation.out())));
            case Kind.Scale k -> builder.add(new Op.Scale(buffer(x), k.factor(), buffer(operation.out())));
            case Kind.Map k -> builder.add(new Op.Map(buffer(x), k.function(), buffer(operation.out())));
            case Kind.Product k -> {
                Value w = root(in.get(1));
                Buffer factor = w.role() == Value.Role.WEIGHT ? weight(w, true) : buffer(w);
                builder.add(new Op.MatMul(buffer(x), false, factor, isTransposed(w), optional(in, 2), k.function(),
                        buffer(operation.out())));
            }
            case Kind.ProductByTransposed _ -> {
                Value w = root(in.get(1));
                Buffer factor = w.role() == Value.Role.WEIGHT ? weight(w, true) : buffer(w);
                builder.add(new Op.MatMul(buffer(x), false, factor, !isTransposed(w), optional(in, 2), Op.Function.IDENTITY,
                        buffer(operation.out())));
            }
            case Kind.TransposedProduct _ -> builder.add(new Op.MatMul(buffer(x), true, buffer(in.get(1)), false, null,
                    Op.Function.IDENTITY, buffer(operation.out())));
            case Kind.ColumnSum _ -> builder.add(new Op.ColumnSum(buffer(x), buffer(operation.out())));
            case Kind.LayerNorm k -> builder.add(new Op.LayerNorm(buffer(x), optional(in, 1), optional(in, 2), k.eps(),
                    buffer(operation.out()), ifRead(operation.inner().getFirst())));
            case Kind.RmsNorm k -> builder.add(new Op.RmsNorm(buffer(x), optional(in, 1), k.groups(), k.eps(), buffer(operation.out()),
                    ifRead(operation.inner(), 0)));
            case Kind.Rotary k -> builder.add(new Op.Rotary(buffer(x), buffer(in.get(1)), buffer(in.get(2)), k.heads(),
                    buffer(operation.out())));
            case Kind.Attention k -> builder.add(new Op.Attention(buffer(x), buffer(in.get(1)), buffer(in.get(2)),
                    in.size() == 6 ? counts.past() : 0, optional(in, 3), optional(in, 4), optional(in, 5), counts.batch(), k.heads(),
                    buffer(operation.out())));
            case Kind.Scores k -> builder.add(new Op.AttentionScores(buffer(x), buffer(in.get(1)), counts.batch(), k.heads(),
                    buffer(operation.out())));
            case Kind.Softmax _ -> builder.add(new Op.Softmax(buffer(x), buffer(operation.out())));
            case Kind.Mix k -> builder.add(new Op.AttentionMix(buffer(x), buffer(in.get(1)), counts.batch(), k.heads(),
                    buffer(operation.out())));
            case Kind.LogSoftmax _ -> builder.add(new Op.LogSoftmax(buffer(x), buffer(operation.out())));
            case Kind.GatherGradient _ -> builder.add(new Op.GatherGradient(buffer(in.get(1)), buffer(x), buffer(operation.out())));
            case Kind.PatchGradient _ -> builder.add(new Op.PatchGradient(buffer(in.get(1)), buffer(x), buffer(operation.out())));
            case Kind.MapGradient k -> builder.add(new Op.MapGradient(buffer(in.get(1)), k.function(), buffer(x), buffer(operation.out())));
            case Kind.LayerNormGradient k -> builder.add(new Op.LayerNormGradient(buffer(in.get(1)), optional(in, 2), k.eps(), buffer(x),
                    k.constantScale(), buffer(operation.out()), ifRead(operation.inner(), 0)));
            case Kind.RmsNormGradient k -> builder.add(new Op.RmsNormGradient(buffer(in.get(1)), optional(in, 2), k.groups(), k.eps(),
                    buffer(x), k.constantScale(), buffer(operation.out()), ifRead(operation.inner(), 0)));
            case Kind.AttentionGradient k -> builder.add(new Op.AttentionGradient(buffer(in.get(1)), buffer(in.get(2)), buffer(in.get(3)),
                    in.size() == 7 ? counts.past() : 0, optional(in, 4), optional(in, 5), optional(in, 6), counts.batch(), k.heads(),
                    buffer(x), ifRead(operation.out()), ifRead(operation.inner(), 0), ifRead(operation.inner(), 1)));
            case Kind.ScoresGradient k -> builder.add(new Op.AttentionScoresGradient(k.heads().cap() > 0 ? buffer(in.get(1)) : null,
                    buffer(x), counts.batch(), k.heads(), buffer(operation.out())));
            case Kind.MixGradient k -> builder.add(new Op.AttentionMixGradient(buffer(x), buffer(in.get(1)), counts.batch(), k.heads(),
                    buffer(operation.out())));
            case Kind.MixTransposed k -> builder.add(new Op.AttentionMixTransposed(buffer(x), buffer(in.get(1)), counts.batch(), k.heads(),
                    buffer(operation.out())));
            case Kind.SoftmaxGradient _ -> builder.add(new Op.SoftmaxGradient(buffer(in.get(1)), buffer(x), buffer(operation.out())));
            case Kind.LogSoftmaxGradient _ -> builder.add(new Op.LogSoftmaxGradient(buffer(in.get(1)), buffer(x), buffer(operation.out())));
            case Kind.Patch k -> builder.add(new Op.Patch(buffer(operation.out()), buffer(in.get(1)), buffer(in.get(2)),
                    k.mode() == ForwardPlan.Mode.ADD));
            case Kind.Exp _ -> builder.add(new Op.Exp(buffer(x), buffer(operation.out())));
            case Kind.Exceeds k -> builder.add(new Op.Exceeds(buffer(x), k.limit(), buffer(operation.out())));
            case Kind.Select k -> {
                int thresholds = k.thresholded() ? 1 : 0;
                builder.add(new Op.Select(buffer(x), k.rule(), k.k(), thresholds == 0 ? null : buffer(in.get(1)),
                        k.rule() == Op.Rule.WINDOW ? k.width() : 0, optional(in, 1 + thresholds), buffer(operation.out())));
            }
            case Kind.GatedSelect _ -> builder.add(new Op.GatedSelect(buffer(x), buffer(in.get(1)), buffer(in.get(2)), buffer(in.get(3)),
                    buffer(operation.out())));
            case Kind.Decode _ -> builder.add(new Op.Decode(buffer(x), buffer(in.get(1)), optional(in, 2), buffer(operation.out())));
            case Kind.ScaleColumns _ -> builder.add(new Op.ScaleColumns(buffer(x), buffer(in.get(1)), buffer(operation.out())));
            case Kind.FeatureGradient k -> builder.add(new Op.FeatureGradient(buffer(x), buffer(in.get(1)), buffer(in.get(2)),
                    optional(in, 3), k.slot(), k.decoderNorm(), k.exponential(), buffer(operation.out())));
            case Kind.SparseOuter _ -> builder.add(new Op.SparseOuter(buffer(x), buffer(in.get(1)), in.size() > 2,
                    buffer(operation.out())));
            case Kind.SparseColumnSum _ -> builder.add(new Op.SparseColumnSum(buffer(x), in.size() > 1, buffer(operation.out())));
            case Kind.DecoderNormGradient k -> builder.add(new Op.DecoderNormGradient(buffer(x), buffer(in.get(1)), buffer(in.get(2)),
                    k.slot(), buffer(operation.out())));
            case Kind.SquaredError k -> builder.add(new Op.SquaredError(buffer(x), buffer(in.get(1)), k.reduction(), k.coefficient(),
                    buffer(operation.inner().getFirst()), buffer(operation.out())));
            case Kind.GhostError k -> builder.add(new Op.GhostError(buffer(x), buffer(in.get(1)), buffer(in.get(2)), k.reduction(),
                    buffer(operation.inner().getFirst()), buffer(operation.out())));
            case Kind.Sparsity _ -> builder.add(new Op.SparsitySums(buffer(x), buffer(in.get(1)), buffer(operation.out())));
            case Kind.ProjectRows _ -> builder.add(new Op.ProjectRows(buffer(operation.out()), buffer(in.get(1))));
            case Kind.NormalizeRows _ -> builder.add(new Op.NormalizeRows(buffer(operation.out())));
            case Kind.ClipNorm k -> builder.add(new Op.ClipNorm(Stream.concat(Stream.of(operation.out()), operation.inner().stream())
                    .map(this::buffer).toList(), k.limit()));
            case Kind.Adam _ -> builder.add(new Op.Adam(buffer(operation.out()), buffer(in.get(1)), buffer(operation.inner().get(0)),
                    buffer(operation.inner().get(1)), buffer(in.get(4))));
            case Kind.TrackFiring _ -> builder.add(new Op.TrackFiring(buffer(in.get(1)), buffer(operation.out())));
            case Kind.Choose _ -> throw new IllegalArgumentException(operation.out() + " is chosen on the host: no program computes it");
        }
    }

    private @Nullable Buffer optional(List<Value> in, int index) {
        return index < in.size() ? buffer(in.get(index)) : null;
    }

    /** A buffer for a value that an operation can leave out. */
    private @Nullable Buffer ifRead(Value value) {
        return lastRead.containsKey(value) ? buffer(value) : null;
    }

    private @Nullable Buffer ifRead(List<Value> values, int index) {
        return index < values.size() ? ifRead(values.get(index)) : null;
    }
}
