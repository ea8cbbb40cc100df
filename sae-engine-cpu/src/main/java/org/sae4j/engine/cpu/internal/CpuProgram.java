package org.sae4j.engine.cpu.internal;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Buffer.Role;
import org.sae4j.api.engine.Buffer.Type;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

/** A program bound to arrays. */
final class CpuProgram implements CompiledProgram {
    private final Program program;
    private final Consumer<CpuProgram> onClose;
    private final AtomicBoolean closed = new AtomicBoolean();
    private Storage storage;
    private List<Step> steps;

    private CpuProgram(Program program, Storage storage, List<Step> steps, Consumer<CpuProgram> onClose) {
        this.program = program;
        this.storage = storage;
        this.steps = steps;
        this.onClose = onClose;
    }

    static CpuProgram compile(Program program, Map<String, Tensor> tensors, Weights weights, Kernels kernels, Workers workers,
            Consumer<CpuProgram> onClose) {
        for (Buffer buffer : program.buffers()) {
            check(program, buffer, tensors);
        }
        try {
            Compiler compiler = new Compiler(program);
            Storage storage = new Storage(program, compiler.skipped(), tensors, weights);
            List<Step> steps = compiler.steps(Context.of(kernels, workers, program.name()), storage);
            return new CpuProgram(program, storage, steps, onClose);
        } catch (OutOfMemoryError e) {
            throw Memory.exhausted("engine cpu, program " + program.name(), e);
        }
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
        return program;
    }

    private void checkOpen() {
        if (closed.get()) {
            throw new IllegalStateException("program " + program.name() + " is closed");
        }
    }

    private void check(Buffer buffer, String what, Type type, Set<Role> roles) {
        checkOpen();
        if (program.buffers().stream().noneMatch(b -> b == buffer) || buffer.type() != type || !roles.contains(buffer.role())) {
            throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " of role " + buffer.role() + " is no "
                    + what + " of this program");
        }
    }

    private void checkLength(Buffer buffer, int length) {
        if (buffer.size() != length) {
            throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " has " + buffer.size()
                    + " elements, found " + length);
        }
    }

    @Override
    public void write(Buffer buffer, float[] values) {
        check(buffer, "F32 input or parameter", Type.F32, Set.of(Role.INPUT, Role.PARAMETER));
        checkLength(buffer, values.length);
        System.arraycopy(values, 0, storage.floats(buffer), 0, values.length);
    }

    @Override
    public void write(Buffer buffer, int[] values) {
        check(buffer, "I32 input", Type.I32, Set.of(Role.INPUT));
        checkLength(buffer, values.length);
        System.arraycopy(values, 0, storage.ints(buffer), 0, values.length);
    }

    @Override
    public void write(Buffer buffer, SparseRows values) {
        check(buffer, "SPARSE input", Type.SPARSE, Set.of(Role.INPUT));
        if (values.rows() != buffer.rows() || values.columns() != buffer.cols()) {
            throw new IllegalArgumentException("program " + program.name() + ": expected the shape of " + buffer + ", found " + values);
        }
        storage.sparse(buffer).read(values);
    }

    @Override
    public void run() {
        checkOpen();
        program.ops().forEach(this::checkIndices);
        try {
            for (Step step : steps) {
                step.run();
            }
        } catch (OutOfMemoryError e) {
            throw Memory.exhausted("engine cpu, program " + program.name(), e);
        }
    }

    /** Indices are inputs, so they can be checked before anything changes. */
    private void checkIndices(Op op) {
        switch (op) {
            case Op.Gather o -> checkIndices(op, o.indices(), 0, o.table().rows());
            case Op.Patch o -> {
                checkIndices(op, o.rows(), -1, o.target().rows());
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

    private void checkIndices(Op op, Buffer buffer, int least, int end) {
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
        check(buffer, "F32 output or parameter", Type.F32, Set.of(Role.OUTPUT, Role.PARAMETER));
        return Tensor.of(storage.floats(buffer).clone(), buffer.rows(), buffer.cols());
    }

    @Override
    public SparseRows readSparse(Buffer buffer) {
        check(buffer, "SPARSE output", Type.SPARSE, Set.of(Role.OUTPUT));
        return storage.sparse(buffer).copy();
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            onClose.accept(this);
        }
    }
}
