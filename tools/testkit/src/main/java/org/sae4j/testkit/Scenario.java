package org.sae4j.testkit;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleUnaryOperator;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Buffer.Role;
import org.sae4j.api.engine.Buffer.Type;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

/** A program with seeded random data, run on an engine and on the reference. */
final class Scenario {
    /** Changes inputs before a run. */
    interface Feed {
        void before(int run, Scenario scenario);
    }

    private static final double FLOAT_ULP = 0x1p-24;

    private final String name;
    private final Program.Builder builder;
    private final CounterRandom random;
    private final Map<String, Tensor> weights = new HashMap<>();
    private final Map<Buffer, Object> values = new LinkedHashMap<>();
    private int reduction = 1;
    private int runs = 2;
    private double factor = 1;
    private Feed feed = (run, scenario) -> { };

    Scenario(String name) {
        this.name = name;
        builder = Program.builder(name);
        random = new CounterRandom(20240229).stream(name);
    }

    Scenario op(Op op) {
        builder.add(op);
        return this;
    }

    /** The length of the longest sum: the tolerance grows with it. */
    Scenario reduction(int length) {
        reduction = Math.max(reduction, length);
        return this;
    }

    /** Loosens the tolerance, for errors that grow along a chain of operations. */
    Scenario loosen(double times) {
        factor = times;
        return this;
    }

    Scenario runs(int count, Feed inputs) {
        runs = count;
        feed = inputs;
        return this;
    }

    Buffer weight(String buffer, int rows, int cols) {
        Buffer weight = builder.weight(buffer, rows, cols);
        weights.put(buffer, Tensor.of(normal(rows * cols), rows, cols));
        return weight;
    }

    Buffer input(String buffer, int rows, int cols) {
        return set(builder.input(buffer, rows, cols), normal(rows * cols));
    }

    Buffer parameter(String buffer, int rows, int cols) {
        return set(builder.parameter(buffer, rows, cols), normal(rows * cols));
    }

    /** A parameter that is never written, and so starts at zero. */
    Buffer zeroParameter(String buffer, int rows, int cols) {
        return builder.parameter(buffer, rows, cols);
    }

    Buffer output(String buffer, int rows, int cols) {
        return builder.output(buffer, rows, cols);
    }

    Buffer intermediate(String buffer, int rows, int cols) {
        return builder.intermediate(buffer, rows, cols);
    }

    Buffer sparse(String buffer, int rows, int cols) {
        return builder.sparse(buffer, rows, cols);
    }

    Buffer sparseOutput(String buffer, int rows, int cols) {
        return builder.buffer(buffer, Role.OUTPUT, Type.SPARSE, rows, cols);
    }

    /** Random entries; every fourth row has none. */
    Buffer sparseInput(String buffer, int rows, int cols, double density) {
        return set(builder.buffer(buffer, Role.INPUT, Type.SPARSE, rows, cols), sparseRows(rows, cols, density));
    }

    Buffer indices(String buffer, int... indices) {
        return set(builder.intInput(buffer, indices.length), indices);
    }

    /** Sets what is written to an input or parameter before the next run. */
    Buffer set(Buffer buffer, Object data) {
        values.put(buffer, data);
        return buffer;
    }

    /** Leaves an input or parameter at its initial zeros. */
    void unset(Buffer buffer) {
        values.remove(buffer);
    }

    /** Changes every element of an input or parameter. */
    Buffer adjust(Buffer buffer, DoubleUnaryOperator change) {
        float[] data = (float[]) Objects.requireNonNull(values.get(buffer));
        for (int i = 0; i < data.length; i++) {
            data[i] = (float) change.applyAsDouble(data[i]);
        }
        return buffer;
    }

    /** Sets one row of an input or parameter. */
    Buffer fillRow(Buffer buffer, int row, double value) {
        float[] data = (float[]) Objects.requireNonNull(values.get(buffer));
        Arrays.fill(data, row * buffer.cols(), (row + 1) * buffer.cols(), (float) value);
        return buffer;
    }

    float[] normal(int count) {
        float[] data = new float[count];
        for (int i = 0; i < count; i++) {
            data[i] = (float) random.nextGaussian();
        }
        return data;
    }

    int[] integers(int count, int bound) {
        int[] data = new int[count];
        for (int i = 0; i < count; i++) {
            data[i] = random.nextInt(bound);
        }
        return data;
    }

    SparseRows sparseRows(int rows, int cols, double density) {
        float[] data = normal(rows * cols);
        for (int i = 0; i < data.length; i++) {
            if (random.nextDouble() >= density || i / cols % 4 == 3) {
                data[i] = 0;
            }
        }
        return SparseRows.ofDense(Tensor.of(data, rows, cols));
    }

    /**
     * Runs the program on both engines and compares what can be read after each run. An engine that says that it does not run an operation
     * must refuse it, and gets the operation's definition if there is one.
     */
    void check(Engine engine) {
        Program program = builder.build();
        Program lowered = program;
        if (!program.ops().stream().allMatch(engine::runs)) {
            refuses(engine, program);
            try {
                lowered = program.loweredFor(engine);
            } catch (EngineException e) {
                return;
            }
        }
        try (Engine reference = new ReferenceEngine();
                CompiledProgram expected = reference.compile(program, weights);
                CompiledProgram actual = engine.compile(lowered, weights)) {
            for (int run = 0; run < runs; run++) {
                feed.before(run, this);
                values.forEach((buffer, data) -> {
                    write(expected, buffer, data);
                    write(actual, buffer, data);
                });
                values.clear();
                expected.run();
                actual.run();
                for (Buffer buffer : program.buffers()) {
                    if (buffer.role() == Role.OUTPUT || buffer.role() == Role.PARAMETER) {
                        compare(run, buffer, expected, actual);
                    }
                }
            }
        }
    }

    private void refuses(Engine engine, Program program) {
        try {
            engine.compile(program, weights).close();
        } catch (EngineException e) {
            return;
        }
        throw new AssertionError(name + ": the engine compiled an operation that it says it does not run");
    }

    private static void write(CompiledProgram program, Buffer buffer, Object data) {
        switch (data) {
            case float[] floats -> program.write(buffer, floats);
            case int[] ints -> program.write(buffer, ints);
            default -> program.write(buffer, (SparseRows) data);
        }
    }

    private void compare(int run, Buffer buffer, CompiledProgram expected, CompiledProgram actual) {
        String where = name + ", run " + run + ", " + buffer;
        if (buffer.type() == Type.SPARSE) {
            SparseRows want = expected.readSparse(buffer);
            SparseRows got = actual.readSparse(buffer);
            compareEntries(where, want, got);
            compare(where, values(want), values(got));
        } else {
            Tensor got = actual.read(buffer);
            if (got.rank() != 2 || got.dim(0) != buffer.rows() || got.dim(1) != buffer.cols()) {
                throw new AssertionError(where + ": expected that shape, found " + got);
            }
            compare(where, expected.read(buffer).toArray(), got.toArray());
        }
    }

    private static void compareEntries(String where, SparseRows want, SparseRows got) {
        if (want.rows() != got.rows() || want.columns() != got.columns()) {
            throw new AssertionError(where + ": expected that shape, found " + got);
        }
        for (int row = 0; row < want.rows(); row++) {
            String wanted = columns(want, row);
            String found = columns(got, row);
            if (!wanted.equals(found)) {
                throw new AssertionError(where + ", row " + row + ": expected entries at columns" + wanted + ", found" + found);
            }
        }
    }

    private static String columns(SparseRows rows, int row) {
        StringBuilder text = new StringBuilder();
        for (int e = rows.start(row); e < rows.start(row + 1); e++) {
            text.append(' ').append(rows.index(e));
        }
        return text.toString();
    }

    private static float[] values(SparseRows rows) {
        float[] data = new float[rows.entries()];
        for (int e = 0; e < data.length; e++) {
            data[e] = rows.value(e);
        }
        return data;
    }

    private void compare(String where, float[] want, float[] got) {
        double squares = 0;
        int finite = 0;
        for (float value : want) {
            if (Float.isFinite(value)) {
                squares += (double) value * value;
                finite++;
            }
        }
        double typical = finite == 0 ? 0 : Math.sqrt(squares / finite);
        double relative = factor * FLOAT_ULP * (16 + 2.0 * reduction);
        for (int i = 0; i < want.length; i++) {
            double tolerance = relative * Math.max(Math.abs(want[i]), typical);
            boolean close = Math.abs((double) want[i] - got[i]) <= tolerance;
            if (!close && Float.compare(want[i], got[i]) != 0) {
                throw new AssertionError(where + ", element " + i + ": expected " + want[i] + ", found " + got[i] + ", tolerance "
                        + tolerance);
            }
        }
    }
}
