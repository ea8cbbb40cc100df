package org.sae4j.engine.tornado.internal;

import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Buffer.Role;
import org.sae4j.api.engine.Buffer.Type;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

/**
 * Compares the first run of a program with that of another engine, from the same state. Kernels are compiled at run time for the device,
 * and a wrong one, a failed launch and a failed copy are not reported by the runtime: wrong numbers are the only sign.
 */
final class FirstRun {
    /** The largest accepted norm of the difference, relative to the norm: well above rounding, and above one entry of a tie. */
    private static final double TOLERANCE = 1e-3;

    private static final System.Logger LOG = System.getLogger(FirstRun.class.getName());

    private final Engine other;
    private final Program program;
    private final Map<String, Tensor> weights;
    private final TornadoEngine engine;
    private @Nullable CompiledProgram expected;

    FirstRun(TornadoEngine engine, Engine other, Program program, Map<String, Tensor> weights) {
        this.engine = engine;
        this.other = other;
        this.program = program;
        this.weights = Map.copyOf(weights);
    }

    /** Runs the program on the other engine, from what the host's arrays hold before the device's first run. */
    void expect(Storage storage, Map<String, SparseRows> sparseInputs) {
        CompiledProgram reference = other.compile(program, weights);
        expected = reference;
        for (Buffer buffer : program.buffers()) {
            boolean state = buffer.role() == Role.INPUT || buffer.role() == Role.PARAMETER;
            if (state && buffer.type() == Type.F32) {
                reference.write(buffer, Storage.floats(storage.host(buffer), buffer));
            } else if (state && buffer.type() == Type.I32) {
                reference.write(buffer, Storage.ints(storage.hostInts(buffer), buffer));
            } else if (state) {
                reference.write(buffer, Objects.requireNonNull(sparseInputs.get(buffer.name())));
            }
        }
        reference.run();
    }

    /** Compares everything that can be read, if it is finite or infinite on purpose: what follows from NaN depends on the order of sums. */
    void compare(CompiledProgram actual) {
        try (CompiledProgram reference = Objects.requireNonNull(expected)) {
            List<Buffer> readable = program.buffers().stream()
                    .filter(buffer -> buffer.role() == Role.OUTPUT || buffer.role() == Role.PARAMETER).toList();
            if (readable.stream().anyMatch(buffer -> hasNaN(reference, buffer))) {
                LOG.log(Level.WARNING, "the first run of program {0} gives NaN on engine {1} too: it is not compared", program.name(),
                        other.id());
                return;
            }
            readable.forEach(buffer -> compare(buffer, reference, actual));
        }
    }

    private void compare(Buffer buffer, CompiledProgram reference, CompiledProgram actual) {
        double error = buffer.type() == Type.SPARSE ? error(reference.readSparse(buffer), actual.readSparse(buffer))
                : error(reference.read(buffer), actual.read(buffer));
        if (!(error <= TOLERANCE)) {
            String what = "the first run differs from engine %s in %s: relative error %.3g, at most %.3g is accepted"
                    .formatted(other.id(), buffer, error, TOLERANCE);
            throw engine.failed(new EngineException(what, engine.where(program),
                    "the device or its compiler computes wrongly: use another device, update its driver, or use engine " + other.id()
                            + "; please report it"));
        }
    }

    private static boolean hasNaN(CompiledProgram run, Buffer buffer) {
        if (buffer.type() == Type.SPARSE) {
            SparseRows rows = run.readSparse(buffer);
            return IntStream.range(0, rows.entries()).anyMatch(e -> Float.isNaN(rows.value(e)));
        }
        Tensor values = run.read(buffer);
        return LongStream.range(0, values.size()).anyMatch(i -> Float.isNaN(values.get(i)));
    }

    private static double error(Tensor expected, Tensor found) {
        Distance distance = new Distance();
        for (long i = 0; i < expected.size(); i++) {
            distance.add(expected.get(i), found.get(i));
        }
        return distance.relative();
    }

    private static double error(SparseRows expected, SparseRows found) {
        Distance distance = new Distance();
        for (int row = 0; row < expected.rows(); row++) {
            int e = expected.start(row);
            int f = found.start(row);
            while (e < expected.start(row + 1) || f < found.start(row + 1)) {
                int ahead = e == expected.start(row + 1) ? 1 : f == found.start(row + 1) ? -1
                        : Integer.compare(expected.index(e), found.index(f));
                distance.add(ahead <= 0 ? expected.value(e) : 0, ahead >= 0 ? found.value(f) : 0);
                e += ahead <= 0 ? 1 : 0;
                f += ahead >= 0 ? 1 : 0;
            }
        }
        return distance.relative();
    }

    /** The norm of a difference over that of what is expected. */
    private static final class Distance {
        private double squares;
        private double differences;

        void add(float expected, float found) {
            if (Float.compare(expected, found) != 0) {
                double difference = (double) expected - found;
                differences += Double.isFinite(difference) ? difference * difference : Double.NaN;
            }
            squares += Float.isFinite(expected) ? (double) expected * expected : 0;
        }

        double relative() {
            return differences == 0 ? 0 : Math.sqrt(differences / Math.max(squares, Float.MIN_NORMAL));
        }
    }
}
