package org.sae4j.core.train;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.coder.CoderForm;
import org.sae4j.core.program.Counts;
import org.sae4j.core.program.Form;
import org.sae4j.core.program.HostChoice;
import org.sae4j.core.program.Kind;
import org.sae4j.core.program.Operation;
import org.sae4j.core.program.ProgramWriter;
import org.sae4j.core.program.Slice;
import org.sae4j.core.program.Value;

/**
 * Feature activations of an architecture that chooses them on the host, between two steps of training: what the choice reads is computed
 * by programs of their own, which get the parameters as they are.
 */
final class HostFeatures implements AutoCloseable {
    /** A part of the computation. */
    private record Part(String wanted, String given) {}

    private record Compiled(ProgramWriter.Written written, CompiledProgram program) {}

    private final Engine engine;
    private final Form form;
    private final HostChoice choice;
    private final int batch;
    private final int features;
    private final Set<String> transposed;
    private final Function<String, Tensor> parameters;
    private final Map<Part, Compiled> programs = new HashMap<>();

    private HostFeatures(Engine engine, Form form, HostChoice choice, Recipe recipe, Function<String, Tensor> parameters) {
        this.engine = engine;
        this.form = form;
        this.choice = choice;
        this.parameters = parameters;
        batch = recipe.batch();
        features = recipe.dSae();
        transposed = Set.of("W_enc");
    }

    /**
     * The features of a recipe, if its architecture chooses them on the host.
     *
     * @param parameters gives the matrices of parameters as the step's program has them
     */
    static Optional<HostFeatures> of(Engine engine, Recipe recipe, int dIn, Function<String, Tensor> parameters) {
        Form form = TrainingStep.forward(recipe, dIn);
        return form.operations().stream().filter(operation -> operation.out().name().equals(CoderForm.FEATURES)).map(Operation::kind)
                .filter(Kind.Choose.class::isInstance)
                .map(kind -> new HostFeatures(engine, form, ((Kind.Choose) kind).choice(), recipe, parameters)).findFirst();
    }

    /** The features of a batch. */
    SparseRows of(float[] rows) {
        Map<String, Tensor> now = new LinkedHashMap<>();
        float[] chosen = choice.choose(new HostChoice.Steps() {
            @Override
            public int rows() {
                return batch;
            }

            @Override
            public float[] value(String name) {
                return value(name, CoderForm.INPUT, rows, batch);
            }

            @Override
            public float[] value(String name, String given, float[] values, int count) {
                return compute(new Part(name, given), values, now);
            }

            @Override
            public Tensor parameter(String name) {
                Tensor matrix = matrix(name, now);
                return transposed.contains(name) ? matrix.permuted(1, 0) : matrix.dim(0) == 1 ? matrix.reshape(matrix.dim(1)) : matrix;
            }
        });
        return SparseRows.ofDense(Tensor.of(chosen, batch, features));
    }

    private Tensor matrix(String name, Map<String, Tensor> now) {
        return now.computeIfAbsent(name, parameters);
    }

    private float[] compute(Part part, float[] values, Map<String, Tensor> now) {
        Compiled compiled = programs.computeIfAbsent(part, this::compile);
        compiled.written().inputs().forEach((name, buffer) -> compiled.program().write(buffer, name.equals(part.given())
                ? Arrays.copyOf(values, Math.toIntExact(buffer.size())) : matrix(name, now).toArray()));
        compiled.program().run();
        return compiled.program().read(Objects.requireNonNull(compiled.written().outputs().get(part.wanted()))).toArray();
    }

    private Compiled compile(Part part) {
        Form sliced = Slice.of(form.wanting(List.of(part.wanted())), Set.of(part.given()), Set.of());
        List<Operation> operations = sliced.operations().stream().map(operation -> new Operation(operation.kind(),
                operation.in().stream().map(HostFeatures::given).toList(), operation.inner(), operation.out())).toList();
        ProgramWriter.Written written = ProgramWriter.write("features on the host, " + part.wanted(), new Form(operations, sliced.outputs()),
                Counts.of(1, batch), Map.of());
        return new Compiled(written, engine.compile(written.program().loweredFor(engine), Map.of()));
    }

    /** A weight as an input, since it changes from run to run. */
    private static Value given(Value value) {
        return value.role() == Value.Role.WEIGHT ? new Value(value.name(), Value.Role.INPUT, Buffer.Type.F32, value.rows(), value.cols(),
                value.heads()) : value;
    }

    @Override
    public void close() {
        programs.values().forEach(compiled -> compiled.program().close());
    }
}
