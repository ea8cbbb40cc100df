package org.sae4j.engine.cpu.internal.program;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Buffer.Role;
import org.sae4j.api.engine.Buffer.Type;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.Memory;
import org.sae4j.engine.cpu.internal.memory.SparseMatrix;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.memory.Weights;
import org.sae4j.engine.cpu.internal.steps.Context;
import org.sae4j.engine.cpu.internal.threads.Step;
import org.sae4j.engine.cpu.internal.threads.Workers;

/** A program bound to arrays. */
final class CpuProgram implements CompiledProgram {
    private static final Set<Role> INPUT = Set.of(Role.INPUT);
    private static final Set<Role> WRITTEN = Set.of(Role.INPUT, Role.PARAMETER);
    private static final Set<Role> READ = Set.of(Role.OUTPUT, Role.PARAMETER);
    private static final Set<Role> OUTPUT = Set.of(Role.OUTPUT);

    private final Program program;
    /** Operations whose indices are checked in every run. */
    private final Op[] indexed;
    /** Whether an interrupt ends a run: what trains would be left half changed. */
    private final boolean interruptible;
    private final Consumer<CpuProgram> onClose;
    /** Null once closed. */
    private final AtomicReference<@Nullable Body> body;

    /** What closing frees. */
    private record Body(Storage storage, Step[] steps) {}

    private CpuProgram(Program program, Body body, Consumer<CpuProgram> onClose) {
        this.program = program;
        this.indexed = program.ops().stream().filter(op -> switch (op) {
            case Op.Gather _, Op.GatherGradient _, Op.Patch _, Op.PatchGradient _ -> true;
            case Op.Attention o -> o.pastLength() != null;
            case Op.AttentionGradient o -> o.pastLength() != null;
            default -> false;
        }).toArray(Op[]::new);
        this.interruptible = interruptible(program);
        this.body = new AtomicReference<>(body);
        this.onClose = onClose;
    }

    static CpuProgram compile(Program program, Map<String, Tensor> tensors, Weights weights, Kernels kernels, Workers workers,
            double denseFrom, Consumer<CpuProgram> onClose) {
        checkWeights(program, tensors);
        try {
            Compiler compiler = new Compiler(program);
            Storage storage = new Storage(program, compiler.ops(), compiler.skipped(), tensors, weights);
            Workers own = interruptible(program) ? workers.interruptible() : workers;
            List<Step> steps = compiler.steps(Context.of(kernels, own, denseFrom, program.name()), storage);
            return new CpuProgram(program, new Body(storage, steps.toArray(Step[]::new)), onClose);
        } catch (OutOfMemoryError e) {
            throw Memory.exhausted("engine cpu, program " + program.name(), e);
        }
    }

    static void requireMemory(Program program, Map<String, Tensor> tensors, Weights weights) {
        checkWeights(program, tensors);
        Compiler compiler = new Compiler(program);
        Storage.require(program, compiler.ops(), compiler.skipped(), tensors, weights);
    }

    private static void checkWeights(Program program, Map<String, Tensor> tensors) {
        for (Buffer buffer : program.buffers()) {
            check(program, buffer, tensors);
        }
    }

    private static boolean interruptible(Program program) {
        return program.buffers().stream().noneMatch(b -> b.role() == Role.PARAMETER);
    }

    private static void check(Program program, Buffer buffer, Map<String, Tensor> tensors) {
        if (buffer.role() == Role.WEIGHT) {
            Tensor tensor = tensors.get(buffer.name());
            if (buffer.type() != Type.F32) {
                throw new IllegalArgumentException("program " + program.name() + ": weights are F32, found " + buffer);
            }
            if (tensor == null) {
                throw new IllegalArgumentException("program " + program.name() + ": no tensor for weight " + buffer + ", only "
                        + tensors.keySet());
            }
            if (tensor.size() != buffer.size()) {
                throw new IllegalArgumentException("program " + program.name() + ": weight " + buffer + " has " + buffer.size()
                        + " elements, found " + tensor);
            }
        }
    }

    @Override
    public Program program() {
        open();
        return program;
    }

    private Body open() {
        Body open = body.get();
        if (open == null) {
            throw new IllegalStateException("program " + program.name() + " is closed");
        }
        return open;
    }

    private Storage check(Buffer buffer, String what, Type type, Set<Role> roles) {
        Body open = open();
        if (!program.buffers().contains(buffer) || buffer.type() != type || !roles.contains(buffer.role())) {
            throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " of role " + buffer.role() + " is no "
                    + what + " of this program");
        }
        return open.storage();
    }

    private void checkLength(Buffer buffer, int length) {
        if (buffer.size() != length) {
            throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " has " + buffer.size()
                    + " elements, found " + length);
        }
    }

    @Override
    public void write(Buffer buffer, float[] values) {
        Storage storage = check(buffer, "F32 input or parameter", Type.F32, WRITTEN);
        checkLength(buffer, values.length);
        System.arraycopy(values, 0, storage.floats(buffer), 0, values.length);
    }

    @Override
    public void write(Buffer buffer, int[] values) {
        Storage storage = check(buffer, "I32 input", Type.I32, INPUT);
        checkLength(buffer, values.length);
        System.arraycopy(values, 0, storage.ints(buffer), 0, values.length);
    }

    @Override
    public void write(Buffer buffer, SparseRows values) {
        Storage storage = check(buffer, "SPARSE input", Type.SPARSE, INPUT);
        if (values.rows() != buffer.rows() || values.columns() != buffer.cols()) {
            throw new IllegalArgumentException("program " + program.name() + ": expected the shape of " + buffer + ", found " + values);
        }
        storage.sparse(buffer).read(values);
    }

    @Override
    public void run() {
        Body open = open();
        for (Op op : indexed) {
            checkIndices(op, open.storage());
        }
        try {
            for (Step step : open.steps()) {
                if (interruptible) {
                    Workers.checkInterrupt();
                }
                step.run();
            }
        } catch (OutOfMemoryError e) {
            throw Memory.exhausted("engine cpu, program " + program.name(), e);
        }
    }

    /** Indices are inputs, so they can be checked before anything changes. */
    private void checkIndices(Op op, Storage storage) {
        switch (op) {
            case Op.Gather o -> checkIndices(op, storage, o.indices(), 0, o.table().rows());
            case Op.GatherGradient o -> checkIndices(op, storage, o.indices(), 0, o.out().rows());
            case Op.PatchGradient o -> checkIndices(op, storage, o.rows(), -1, o.g().rows());
            case Op.Attention o when o.pastLength() != null -> checkIndices(op, storage, o.pastLength(), 0, o.past() + 1);
            case Op.AttentionGradient o when o.pastLength() != null -> checkIndices(op, storage, o.pastLength(), 0, o.past() + 1);
            case Op.Patch o -> {
                checkIndices(op, storage, o.rows(), -1, o.target().rows());
                boolean[] named = new boolean[o.target().rows()];
                for (int row : storage.ints(o.rows())) {
                    if (row >= 0 && named[row]) {
                        throw new IllegalArgumentException("program " + program.name() + ", Patch: " + o.rows() + " names row " + row
                                + " twice");
                    }
                    if (row >= 0) {
                        named[row] = true;
                    }
                }
            }
            default -> { }
        }
    }

    private void checkIndices(Op op, Storage storage, Buffer buffer, int least, int end) {
        int[] indices = storage.ints(buffer);
        for (int i = 0; i < indices.length; i++) {
            if (indices[i] < least || indices[i] >= end) {
                throw new IllegalArgumentException("program " + program.name() + ", " + op.getClass().getSimpleName() + ": " + buffer
                        + " holds " + indices[i] + " at position " + i + ", expected " + least + " to " + (end - 1));
            }
        }
    }

    @Override
    public Tensor read(Buffer buffer) {
        Storage storage = check(buffer, "F32 output or parameter", Type.F32, READ);
        return Tensor.of(storage.floats(buffer).clone(), buffer.rows(), buffer.cols());
    }

    @Override
    public void read(Buffer buffer, float[] target) {
        Storage storage = check(buffer, "F32 output or parameter", Type.F32, READ);
        checkLength(buffer, target.length);
        System.arraycopy(storage.floats(buffer), 0, target, 0, target.length);
    }

    @Override
    public SparseRows readSparse(Buffer buffer) {
        Storage storage = check(buffer, "SPARSE output", Type.SPARSE, OUTPUT);
        return storage.sparse(buffer).copy();
    }

    @Override
    public int readValues(Buffer buffer, float[] target) {
        SparseMatrix rows = check(buffer, "SPARSE output", Type.SPARSE, OUTPUT).sparse(buffer);
        if (rows.entries() > target.length) {
            throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " has " + rows.entries()
                    + " entries, there is room for " + target.length);
        }
        System.arraycopy(rows.values(), 0, target, 0, rows.entries());
        return rows.entries();
    }

    @Override
    public void close() {
        if (body.getAndSet(null) != null) {
            onClose.accept(this);
        }
    }
}
