package org.sae4j.testkit;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Buffer.Role;
import org.sae4j.api.engine.Buffer.Type;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

/** The buffers of one program, and access to them. */
final class ReferenceProgram implements CompiledProgram {
    private final Program program;
    private final Map<String, float[]> floats = new HashMap<>();
    private final Map<String, int[]> ints = new HashMap<>();
    private final Map<String, SparseRows> sparse = new HashMap<>();
    private final ReferenceDense dense = new ReferenceDense(this);
    private final ReferenceGradients gradients = new ReferenceGradients(this);
    private final ReferenceSparse sparsity = new ReferenceSparse(this);
    private boolean closed;

    ReferenceProgram(Program program, Map<String, Tensor> weights) {
        this.program = program;
        for (Buffer buffer : program.buffers()) {
            int size = Math.toIntExact(buffer.size());
            switch (buffer.type()) {
                case F32 -> floats.put(buffer.name(), new float[size]);
                case I32 -> ints.put(buffer.name(), new int[size]);
                case SPARSE -> sparse.put(buffer.name(), empty(buffer));
            }
            if (buffer.role() == Role.WEIGHT) {
                Tensor weight = weights.get(buffer.name());
                if (weight == null || weight.size() != size) {
                    throw new IllegalArgumentException("program " + program.name() + ": weight " + buffer + " has " + size
                            + " elements, found " + weight);
                }
                floats.put(buffer.name(), weight.toArray());
            }
        }
    }

    private static SparseRows empty(Buffer buffer) {
        return new SparseRows(buffer.cols(), new int[buffer.rows() + 1], new int[0], new float[0]);
    }

    @Override
    public Program program() {
        checkOpen();
        return program;
    }

    @Override
    public void write(Buffer buffer, float[] values) {
        checkWritable(buffer, Type.F32, values.length);
        floats.put(buffer.name(), values.clone());
    }

    @Override
    public void write(Buffer buffer, int[] values) {
        checkWritable(buffer, Type.I32, values.length);
        ints.put(buffer.name(), values.clone());
    }

    @Override
    public void write(Buffer buffer, SparseRows values) {
        checkWritable(buffer, Type.SPARSE, (long) values.rows() * values.columns());
        if (values.rows() != buffer.rows() || values.columns() != buffer.cols()) {
            throw new IllegalArgumentException("expected " + buffer + ", found " + values);
        }
        sparse.put(buffer.name(), values);
    }

    private void checkWritable(Buffer buffer, Type type, long size) {
        checkMine(buffer);
        boolean role = buffer.role() == Role.INPUT || buffer.role() == Role.PARAMETER && type == Type.F32;
        if (!role || buffer.type() != type) {
            throw new IllegalArgumentException(buffer + " is no " + type + " input or parameter of program " + program.name()
                    + " but a " + buffer.role());
        }
        if (size != buffer.size()) {
            throw new IllegalArgumentException(buffer + " has " + buffer.size() + " elements, found " + size);
        }
    }

    private void checkMine(Buffer buffer) {
        checkOpen();
        if (program.buffer(buffer.name()) != buffer) {
            throw new IllegalArgumentException(buffer + " belongs to another program than " + program.name());
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("program " + program.name() + " is closed");
        }
    }

    @Override
    public void run() {
        checkOpen();
        program.ops().forEach(this::checkIndices);
        for (Op op : program.ops()) {
            if (!dense.run(op) && !gradients.run(op)) {
                sparsity.run(op);
            }
        }
    }

    private void checkIndices(Op op) {
        switch (op) {
            case Op.Gather o -> checkIndices(o.indices(), 0, o.table().rows(), false);
            case Op.GatherGradient o -> checkIndices(o.indices(), 0, o.out().rows(), false);
            case Op.PatchGradient o -> checkIndices(o.rows(), -1, o.g().rows(), true);
            case Op.Attention o when o.pastLength() != null -> checkIndices(o.pastLength(), 0, o.past() + 1, false);
            case Op.AttentionGradient o when o.pastLength() != null -> checkIndices(o.pastLength(), 0, o.past() + 1, false);
            case Op.Patch o -> checkIndices(o.rows(), -1, o.target().rows(), true);
            default -> { }
        }
    }

    private void checkIndices(Buffer buffer, int first, int end, boolean once) {
        boolean[] seen = new boolean[end];
        for (int index : ints(buffer)) {
            if (index < first || index >= end) {
                throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " holds " + index
                        + ", expected " + first + " to " + (end - 1));
            }
            if (once && index >= 0 && seen[index]) {
                throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " names row " + index + " twice");
            }
            if (index >= 0) {
                seen[index] = true;
            }
        }
    }

    @Override
    public Tensor read(Buffer buffer) {
        checkReadable(buffer, Type.F32);
        return Tensor.of(floats(buffer).clone(), buffer.rows(), buffer.cols());
    }

    @Override
    public SparseRows readSparse(Buffer buffer) {
        checkReadable(buffer, Type.SPARSE);
        return sparse(buffer);
    }

    private void checkReadable(Buffer buffer, Type type) {
        checkMine(buffer);
        boolean role = buffer.role() == Role.OUTPUT || buffer.role() == Role.PARAMETER && type == Type.F32;
        if (!role || buffer.type() != type) {
            throw new IllegalArgumentException(buffer + " is no " + type + " output or parameter of program " + program.name()
                    + " but a " + buffer.role());
        }
    }

    @Override
    public void close() {
        closed = true;
        floats.clear();
        ints.clear();
        sparse.clear();
    }

    float[] floats(Buffer buffer) {
        return Objects.requireNonNull(floats.get(buffer.name()));
    }

    int[] ints(Buffer buffer) {
        return Objects.requireNonNull(ints.get(buffer.name()));
    }

    SparseRows sparse(Buffer buffer) {
        return Objects.requireNonNull(sparse.get(buffer.name()));
    }

    void store(Buffer buffer, SparseRows rows) {
        sparse.put(buffer.name(), rows);
    }

    /** Rounds to float32 and stores; the one place where an F32 buffer is written by an operation. */
    void store(Buffer buffer, double[] values) {
        float[] target = floats(buffer);
        for (int i = 0; i < target.length; i++) {
            target[i] = (float) values[i];
        }
    }

    /** A copy in double precision. */
    double[] doubles(Buffer buffer) {
        float[] values = floats(buffer);
        double[] copy = new double[values.length];
        Arrays.setAll(copy, i -> values[i]);
        return copy;
    }

    /** The Euclidean norm of each row. */
    double[] rowNorms(Buffer buffer) {
        double[] x = doubles(buffer);
        double[] norms = new double[buffer.rows()];
        for (int r = 0; r < norms.length; r++) {
            double sum = 0;
            for (int c = 0; c < buffer.cols(); c++) {
                double value = x[r * buffer.cols() + c];
                sum += value * value;
            }
            norms[r] = Math.sqrt(sum);
        }
        return norms;
    }
}
