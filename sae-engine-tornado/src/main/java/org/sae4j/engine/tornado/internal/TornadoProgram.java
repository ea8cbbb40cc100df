package org.sae4j.engine.tornado.internal;

import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Buffer.Role;
import org.sae4j.api.engine.Buffer.Type;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.engine.tornado.internal.Storage.Sparse;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.TornadoExecutionResult;
import uk.ac.manchester.tornado.api.TornadoProfilerResult;
import uk.ac.manchester.tornado.api.enums.DataTransferMode;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * One program as one task graph in one execution plan: plans share nothing, so everything of a program has to lie in one. Weights and
 * parameters are sent with the first run, inputs with every run, and what a run computes stays on the device until it is read.
 */
final class TornadoProgram implements CompiledProgram {
    private final TornadoEngine engine;
    private final Program program;
    private final String where;
    private final Storage storage;
    private final Map<IntArray, Buffer> largestCounts;
    private final Map<String, SparseRows> sparseInputs = new HashMap<>();
    private final Set<TornadoNativeArray> fetched = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Buffer> rewritten = new HashSet<>();
    private final IntArray tick;
    private final IntArray answer;
    private final long bytes;
    private final @Nullable TornadoExecutionPlan plan;
    private final @Nullable FirstRun firstRun;
    private final int launches;
    private int unverified;
    private RunLog.@Nullable Run lastRun;
    private @Nullable TornadoExecutionResult result;
    private boolean closed;

    TornadoProgram(TornadoEngine engine, Program program, Map<String, Tensor> weights, long bytes) {
        this.engine = engine;
        this.program = program;
        this.bytes = bytes;
        where = engine.where(program);
        storage = new Storage(engine.limits().sparseCapacity());
        for (Buffer buffer : program.buffers()) {
            switch (buffer.type()) {
                case F32 -> storage.put(buffer, buffer.role() == Role.WEIGHT ? engine.weight(buffer, weights)
                        : Storage.newFloats(buffer.size()));
                case I32 -> storage.put(buffer, Storage.newInts(buffer.size()));
                case SPARSE -> {
                    if (buffer.role() == Role.INPUT) {
                        storage.putInput(buffer);
                        putRows(buffer, new SparseRows(buffer.cols(), new int[buffer.rows() + 1], new int[0], new float[0]));
                    }
                }
            }
        }
        TaskList tasks = new TaskList(engine.limits(), where);
        Buffer none = new Buffer("nothing", Role.WEIGHT, Type.F32, 1, 1);
        storage.put(none, Storage.newFloats(1));
        FloatArray nothing = storage.read(none);
        DenseOps dense = new DenseOps(storage, tasks, nothing, engine.cublas());
        SparseOps sparse = new SparseOps(storage, tasks, nothing, dense);
        for (Op op : program.ops()) {
            tasks.operation(op.getClass().getSimpleName());
            if (!dense.add(op)) {
                sparse.add(op);
            }
        }
        largestCounts = sparse.largestCounts();
        tick = storage.signal();
        answer = storage.signalBack();
        firstRun = engine.firstRun(program, weights);
        // Where the first run records and the next replays, both must be right.
        unverified = firstRun == null ? 0 : engine.replays() ? 2 : 1;
        plan = tasks.isEmpty() ? null : plan(tasks);
        launches = tasks.size();
    }

    private TornadoExecutionPlan plan(TaskList tasks) {
        tasks.operation("Heartbeat");
        tasks.line(1, (graph, id, c) -> graph.task(id, ElementKernels::saeHeartbeat, c, tick, answer));
        boolean poisoned = firstRun != null;
        if (poisoned) {
            storage.poison();
        }
        TaskGraph graph = new TaskGraph(tasks.graphName())
                .transferToDevice(DataTransferMode.FIRST_EXECUTION, storage.sentOnce(poisoned))
                .transferToDevice(DataTransferMode.EVERY_EXECUTION, storage.sentAlways());
        graph = tasks.addTo(graph).transferToHost(DataTransferMode.EVERY_EXECUTION, storage.returnedAlways());
        Object[] resident = storage.resident();
        if (resident.length > 0) {
            graph = graph.transferToHost(DataTransferMode.UNDER_DEMAND, resident);
        }
        return engine.plan(graph, tasks.grids());
    }

    @Override
    public Program program() {
        checkOpen();
        return program;
    }

    @Override
    public void write(Buffer buffer, float[] values) {
        checkWritable(buffer, Type.F32);
        checkSize(buffer, values.length);
        FloatArray array = storage.host(buffer);
        boolean resident = buffer.role() == Role.PARAMETER && !storage.isStreamed(array);
        if (resident && result != null && engine.replays()) {
            throw new EngineException("parameter " + buffer + " cannot be written after the first run, which was recorded", where,
                    "open the engine without " + TornadoSettings.CUDA_GRAPH);
        }
        Storage.copy(MemorySegment.ofArray(values), array);
        if (resident) {
            rewritten.add(buffer);
        }
    }

    @Override
    public void write(Buffer buffer, int[] values) {
        checkWritable(buffer, Type.I32);
        checkSize(buffer, values.length);
        Storage.copy(MemorySegment.ofArray(values), storage.hostInts(buffer));
    }

    @Override
    public void write(Buffer buffer, SparseRows values) {
        checkWritable(buffer, Type.SPARSE);
        if (values.rows() != buffer.rows() || values.columns() != buffer.cols()) {
            throw new IllegalArgumentException("program " + program.name() + ": expected " + buffer + ", found " + values);
        }
        putRows(buffer, values);
    }

    private void putRows(Buffer buffer, SparseRows values) {
        Sparse rows = storage.sparse(buffer);
        int stride = rows.pattern().stride;
        for (int row = 0; row < values.rows(); row++) {
            int count = values.count(row);
            if (count > stride) {
                throw overflow(buffer, count, stride);
            }
            rows.pattern().counts.set(row, count);
            for (int i = 0; i < count; i++) {
                rows.pattern().columns.set(row * stride + i, values.index(values.start(row) + i));
                rows.values().set(row * stride + i, values.value(values.start(row) + i));
            }
        }
        sparseInputs.put(buffer.name(), values);
    }

    private EngineException overflow(Buffer buffer, int count, int stride) {
        return new EngineException("a row of " + buffer + " has " + count + " entries, there is room for " + stride, where,
                "open the engine with a larger " + TornadoSettings.SPARSE_CAPACITY);
    }

    private void checkWritable(Buffer buffer, Type type) {
        checkMine(buffer);
        boolean role = buffer.role() == Role.INPUT || buffer.role() == Role.PARAMETER && type == Type.F32;
        if (!role || buffer.type() != type) {
            throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " is no " + type
                    + " input or parameter but a " + buffer.role());
        }
    }

    private void checkSize(Buffer buffer, int size) {
        if (size != buffer.size()) {
            throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " has " + buffer.size() + " elements, found "
                    + size);
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
        engine.checkAlive();
    }

    @Override
    public void run() {
        checkOpen();
        program.ops().forEach(this::checkIndices);
        if (plan == null) {
            return;
        }
        FirstRun check = unverified > 0 ? firstRun : null;
        if (check != null) {
            engine.guard(program, "read of the parameters", this::fetchParameters);
            check.expect(storage, sparseInputs);
            unverified--;
        }
        engine.guard(program, "run", () -> {
            if (result == null) {
                engine.alone(() -> execute(plan));
            } else if (rewritten.isEmpty()) {
                execute(plan);
            } else {
                fetchParameters();
                engine.alone(() -> {
                    plan.freeDeviceMemory();
                    execute(plan);
                });
            }
        });
        rewritten.clear();
        if (answer.get(0) != tick.get(0)) {
            throw engine.failed(new EngineException("the device did not finish run " + tick.get(0) + " of the program", where,
                    "look for the device driver's messages above; close the engine and open it again"));
        }
        largestCounts.forEach((largest, buffer) -> {
            int stride = storage.sparse(buffer).pattern().stride;
            if (largest.get(0) > stride) {
                throw engine.failed(overflow(buffer, largest.get(0), stride));
            }
        });
        if (check != null) {
            check.compare(this);
        }
    }

    private void execute(TornadoExecutionPlan ready) {
        writeLog();
        tick.set(0, tick.get(0) + 1);
        fetched.clear();
        long started = System.nanoTime();
        TornadoExecutionResult done = ready.execute();
        result = done;
        if (engine.log() != null) {
            TornadoProfilerResult profile = done.getProfilerResult();
            lastRun = new RunLog.Run(launches, profile.getTotalBytesCopyIn(), profile.getTotalBytesCopyOut(), profile.getDeviceKernelTime(),
                    profile.getDataTransfersTime(), System.nanoTime() - started);
        }
    }

    /** Notes the last run once no more can be read from it. */
    private void writeLog() {
        RunLog log = engine.log();
        RunLog.Run run = lastRun;
        if (log != null && run != null) {
            lastRun = null;
            log.write(program.name(), tick.get(0), run);
        }
    }

    /**
     * Before parameters are sent: what is sent once can only be sent again with everything else, so those that were not rewritten must be
     * fetched. The kernels are compiled again too.
     */
    private void fetchParameters() {
        for (Buffer buffer : program.buffers()) {
            if (buffer.role() == Role.PARAMETER && !rewritten.contains(buffer)) {
                fetch(storage.host(buffer));
            }
        }
    }

    private void fetch(TornadoNativeArray array) {
        if (storage.isWritten(array)) {
            transfer(array);
        }
    }

    private void transfer(TornadoNativeArray array) {
        if (result != null && fetched.add(array)) {
            result.transferToHost(array);
            if (lastRun != null) {
                lastRun = lastRun.andReturned(array.getNumBytesOfSegment());
            }
        }
    }

    /** An index out of range would end the process on some devices. */
    private void checkIndices(Op op) {
        switch (op) {
            case Op.Gather o -> checkIndices(o.indices(), 0, o.table().rows(), false);
            case Op.Patch o -> checkIndices(o.rows(), -1, o.target().rows(), true);
            case Op.Attention o when o.pastLength() != null -> checkIndices(o.pastLength(), 0, o.past() + 1, false);
            default -> { }
        }
    }

    private void checkIndices(Buffer buffer, int first, int end, boolean once) {
        IntArray indices = storage.hostInts(buffer);
        Set<Integer> seen = new HashSet<>();
        for (int i = 0; i < buffer.cols(); i++) {
            int index = indices.get(i);
            if (index < first || index >= end) {
                throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " holds " + index + " at " + i
                        + ", expected " + first + " to " + (end - 1));
            }
            if (once && index >= 0 && !seen.add(index)) {
                throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " names row " + index + " twice");
            }
        }
    }

    @Override
    public Tensor read(Buffer buffer) {
        checkReadable(buffer, Type.F32);
        FloatArray array = storage.host(buffer);
        if (!rewritten.contains(buffer)) {
            engine.guard(program, "read of " + buffer, () -> fetch(array));
        }
        return Tensor.of(Storage.floats(array, buffer), buffer.rows(), buffer.cols());
    }

    @Override
    public SparseRows readSparse(Buffer buffer) {
        checkReadable(buffer, Type.SPARSE);
        int[] offsets = new int[buffer.rows() + 1];
        if (result == null || !storage.hasSparse(buffer)) {
            return new SparseRows(buffer.cols(), offsets, new int[0], new float[0]);
        }
        Sparse rows = storage.sparse(buffer);
        engine.guard(program, "read of " + buffer, () -> {
            for (TornadoNativeArray array : new TornadoNativeArray[] {rows.pattern().counts, rows.pattern().columns, rows.values()}) {
                transfer(array);
            }
        });
        for (int row = 0; row < buffer.rows(); row++) {
            offsets[row + 1] = offsets[row] + rows.pattern().counts.get(row);
        }
        int[] columns = new int[offsets[buffer.rows()]];
        float[] values = new float[columns.length];
        for (int row = 0; row < buffer.rows(); row++) {
            for (int e = offsets[row]; e < offsets[row + 1]; e++) {
                int at = row * rows.pattern().stride + e - offsets[row];
                columns[e] = rows.pattern().columns.get(at);
                values[e] = rows.values().get(at);
            }
        }
        return new SparseRows(buffer.cols(), offsets, columns, values);
    }

    private void checkReadable(Buffer buffer, Type type) {
        checkMine(buffer);
        boolean role = buffer.role() == Role.OUTPUT || buffer.role() == Role.PARAMETER && type == Type.F32;
        if (!role || buffer.type() != type) {
            throw new IllegalArgumentException("program " + program.name() + ": " + buffer + " is no " + type
                    + " output or parameter but a " + buffer.role());
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        engine.release(this, bytes);
        if (plan != null) {
            engine.free(program, plan);
        }
        writeLog();
    }
}
