package org.sae4j.engine.tornado.internal;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Buffer.Role;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/** The arrays of one program: each exists on the host and, once the program runs, on the device. */
final class Storage {
    /** The positions of sparse rows, shared by all values at the same entries. */
    static final class Pattern {
        final int rows;
        final int cols;
        final int stride;
        final IntArray counts;
        final IntArray columns;
        private @Nullable Columns byColumn;

        private Pattern(Storage storage, int rows, int cols, int stride) {
            this.rows = rows;
            this.cols = cols;
            this.stride = stride;
            counts = storage.intScratch(rows);
            columns = storage.intScratch((long) rows * stride);
        }
    }

    /** The entries of a pattern by column. */
    record Columns(IntArray starts, IntArray entries) {}

    /** Sparse rows. */
    record Sparse(Pattern pattern, FloatArray values) {}

    private static final long MOST_STREAMED_BYTES = 1 << 20;

    private final double sparseCapacity;
    private final Map<String, FloatArray> floats = new HashMap<>();
    private final Map<String, IntArray> ints = new HashMap<>();
    private final Map<String, Sparse> sparse = new HashMap<>();
    private final Set<TornadoNativeArray> used = identitySet();
    private final Set<TornadoNativeArray> loaded = identitySet();
    private final Set<TornadoNativeArray> parameters = identitySet();
    private final Set<TornadoNativeArray> streamed = identitySet();
    private final Set<TornadoNativeArray> returned = identitySet();
    private final Set<TornadoNativeArray> written = identitySet();
    private final Set<TornadoNativeArray> scratch = identitySet();

    Storage(double sparseCapacity) {
        this.sparseCapacity = sparseCapacity;
    }

    private static Set<TornadoNativeArray> identitySet() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    /** Room for the entries of one row of an operation's sparse output. */
    static int stride(Buffer out, int most, double capacity) {
        return most > 0 ? Math.min(most, Math.max(1, out.cols())) : (int) Math.max(1, Math.ceil(capacity * out.cols()));
    }

    /** The most entries of one row where the operation says so, or 0. */
    static int most(Op.Select op) {
        return switch (op.rule()) {
            case TOPK -> op.k();
            case BATCH_TOPK -> (int) Math.min(op.pre().cols(), (long) op.k() * op.pre().rows());
            case RELU, JUMP_RELU, WINDOW, EXP -> 0;
        };
    }

    /** Bytes on the device of all arrays of a program, short of small ones. */
    static long bytes(Program program, double capacity) {
        double bytes = 0;
        Map<String, Integer> strides = new HashMap<>();
        for (Op op : program.ops()) {
            switch (op) {
                case Op.Select o -> strides.merge(o.out().name(), stride(o.out(), most(o), capacity), Math::max);
                case Op.FeatureGradient o -> strides.merge(o.out().name(), strides.getOrDefault(o.s().name(), o.s().cols()), Math::max);
                default -> { }
            }
        }
        for (Buffer buffer : program.buffers()) {
            bytes += switch (buffer.type()) {
                case F32, I32 -> 4.0 * buffer.size();
                // Columns, values, and entries by column.
                case SPARSE -> 12.0 * buffer.rows() * strides.getOrDefault(buffer.name(), stride(buffer, 0, capacity))
                        + 4.0 * (buffer.rows() + 2.0 * buffer.cols());
            };
        }
        return (long) bytes;
    }

    void put(Buffer buffer, FloatArray array) {
        floats.put(buffer.name(), array);
        if (buffer.role() == Role.INPUT) {
            streamed.add(array);
        } else if (buffer.role() == Role.WEIGHT) {
            loaded.add(array);
        } else if (buffer.role() == Role.PARAMETER) {
            parameters.add(array);
        } else {
            scratch.add(array);
        }
    }

    void put(Buffer buffer, IntArray array) {
        ints.put(buffer.name(), array);
        streamed.add(array);
    }

    /** A sparse input, with room for all columns. */
    void putInput(Buffer buffer) {
        Sparse rows = newSparse(buffer, stride(buffer, 0, sparseCapacity));
        sparse.put(buffer.name(), rows);
        for (TornadoNativeArray array : List.of(rows.pattern.counts, rows.pattern.columns, rows.values)) {
            scratch.remove(array);
            streamed.add(array);
        }
    }

    FloatArray host(Buffer buffer) {
        return Objects.requireNonNull(floats.get(buffer.name()));
    }

    IntArray hostInts(Buffer buffer) {
        return Objects.requireNonNull(ints.get(buffer.name()));
    }

    /** What an operation reads. */
    FloatArray read(Buffer buffer) {
        return use(host(buffer));
    }

    IntArray readInts(Buffer buffer) {
        return use(hostInts(buffer));
    }

    /** What an operation writes, and may read. */
    FloatArray write(Buffer buffer) {
        FloatArray array = read(buffer);
        written.add(array);
        return array;
    }

    /** Sparse rows that an operation reads: those written last, or empty ones if none were. */
    Sparse sparse(Buffer buffer) {
        Sparse rows = sparse.computeIfAbsent(buffer.name(), name -> {
            Sparse empty = newSparse(buffer, 1);
            scratch.remove(empty.pattern.counts);
            loaded.add(empty.pattern.counts);
            return empty;
        });
        use(rows.pattern.counts);
        use(rows.pattern.columns);
        use(rows.values);
        return rows;
    }

    boolean hasSparse(Buffer buffer) {
        return sparse.containsKey(buffer.name());
    }

    /** New sparse rows of a pattern of their own. */
    Sparse writeSparse(Buffer buffer, int most) {
        Sparse rows = newSparse(buffer, stride(buffer, most, sparseCapacity));
        sparse.put(buffer.name(), rows);
        return sparse(buffer);
    }

    /** New values at the entries of others. */
    Sparse writeSparse(Buffer buffer, Pattern pattern) {
        Sparse rows = new Sparse(pattern, scratch((long) pattern.rows * pattern.stride));
        sparse.put(buffer.name(), rows);
        return sparse(buffer);
    }

    private Sparse newSparse(Buffer buffer, int stride) {
        Pattern pattern = new Pattern(this, buffer.rows(), buffer.cols(), stride);
        return new Sparse(pattern, scratch((long) buffer.rows() * stride));
    }

    /** The entries of a pattern by column; the first call also says how to make them. */
    Columns columns(Pattern pattern, TaskList tasks) {
        if (pattern.byColumn == null) {
            IntArray counts = intScratch(pattern.cols);
            Columns columns = new Columns(intScratch(pattern.cols + 1L), intScratch((long) pattern.rows * pattern.stride));
            int threads = tasks.threadsFor(pattern.cols);
            tasks.line(pattern.cols, (graph, id, c) -> graph.task(id, SparseKernels::saeColumnCounts, c, pattern.counts, pattern.columns,
                    counts, pattern.rows, pattern.stride, pattern.cols));
            tasks.groups(1, threads, 4L * threads, (graph, id, c) -> graph.task(id, SparseKernels::saeColumnStarts, c, counts,
                    columns.starts, pattern.cols, threads));
            tasks.line(pattern.cols, (graph, id, c) -> graph.task(id, SparseKernels::saeColumnEntries, c, pattern.counts, pattern.columns,
                    columns.starts, columns.entries, pattern.rows, pattern.stride, pattern.cols));
            pattern.byColumn = columns;
        }
        return pattern.byColumn;
    }

    FloatArray scratch(long size) {
        FloatArray array = newFloats(size);
        scratch.add(array);
        return use(array);
    }

    IntArray intScratch(long size) {
        IntArray array = newInts(size);
        scratch.add(array);
        return use(array);
    }

    /** An array that is sent once. */
    FloatArray constant(float[] values) {
        FloatArray array = FloatArray.fromArray(values);
        loaded.add(array);
        return use(array);
    }

    /** Zeros. Empty arrays are not possible on devices: the smallest has one element. */
    static FloatArray newFloats(long size) {
        return new FloatArray(Math.max(1, Math.toIntExact(size)));
    }

    static IntArray newInts(long size) {
        return new IntArray(Math.max(1, Math.toIntExact(size)));
    }

    static void copy(MemorySegment from, TornadoNativeArray to) {
        MemorySegment.copy(from, 0, to.getSegment(), 0, from.byteSize());
    }

    /** The first elements of an array: one of no elements has one. */
    static float[] floats(FloatArray array, Buffer shape) {
        return array.getSegment().asSlice(0, Float.BYTES * shape.size()).toArray(ValueLayout.JAVA_FLOAT);
    }

    static int[] ints(IntArray array, Buffer shape) {
        return array.getSegment().asSlice(0, Integer.BYTES * shape.size()).toArray(ValueLayout.JAVA_INT);
    }

    /** An array that is sent before every run. */
    IntArray signal() {
        IntArray array = newInts(1);
        streamed.add(array);
        return use(array);
    }

    /** An array that comes back after every run. */
    IntArray signalBack() {
        IntArray array = newInts(1);
        returned.add(array);
        return use(array);
    }

    private <A extends TornadoNativeArray> A use(A array) {
        used.add(array);
        return array;
    }

    /** Whether the newest values of an array are those on the device, once the program ran. */
    boolean isWritten(TornadoNativeArray array) {
        return written.contains(array);
    }

    /** Fills what only the device writes with values that show up if they are left: with all its bits set, a float is NaN. */
    void poison() {
        for (TornadoNativeArray array : scratch) {
            if (array instanceof FloatArray values) {
                values.getSegment().fill((byte) 0xff);
            }
        }
    }

    Object[] sentOnce(boolean withScratch) {
        return select(array -> loaded.contains(array) || parameters.contains(array) && !isStreamed(array)
                || withScratch && scratch.contains(array) && array instanceof FloatArray);
    }

    Object[] sentAlways() {
        return select(this::isStreamed);
    }

    /**
     * Whether an array is sent before every run. Besides inputs these are small parameters that no operation writes, such as thresholds
     * that the host trains: to send them again otherwise means to send everything again.
     */
    boolean isStreamed(TornadoNativeArray array) {
        return streamed.contains(array)
                || parameters.contains(array) && !written.contains(array) && array.getNumBytesOfSegment() <= MOST_STREAMED_BYTES;
    }

    Object[] returnedAlways() {
        return select(returned::contains);
    }

    /** What stays on the device until it is asked for. */
    Object[] resident() {
        return select(array -> scratch.contains(array) || written.contains(array));
    }

    private Object[] select(Predicate<TornadoNativeArray> wanted) {
        List<Object> arrays = new ArrayList<>();
        for (TornadoNativeArray array : used) {
            if (wanted.test(array)) {
                arrays.add(array);
            }
        }
        return arrays.toArray();
    }
}
