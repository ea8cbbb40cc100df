package org.sae4j.engine.tornado.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.sae4j.api.engine.EngineException;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.WorkerGrid;
import uk.ac.manchester.tornado.api.WorkerGrid1D;
import uk.ac.manchester.tornado.api.WorkerGrid2D;
import uk.ac.manchester.tornado.api.common.LibraryTaskDescriptor;
import uk.ac.manchester.tornado.api.common.TornadoFunctions.LibraryTask1;

/**
 * The tasks of one program in order, with their grids. A task without a grid writes nothing, and one whose group is too large for the
 * device is changed with no more than a printed warning: so every task gets its grid here, checked.
 */
final class TaskList {
    private static final AtomicLong NEXT = new AtomicLong();
    private static final int LINE = 64;
    /** The largest group that a kernel is started with; a device must allow it. */
    static final int MOST_THREADS = 256;

    private final String graphName = "sae" + NEXT.incrementAndGet();
    private final GridScheduler grids = new GridScheduler();
    private final List<UnaryOperator<TaskGraph>> tasks = new ArrayList<>();
    private final KernelContext context = new KernelContext();
    private final DeviceLimits limits;
    private final String where;
    private String operation = "";

    /** Adds one kernel to a graph under an id. */
    interface Kernel {
        TaskGraph addTo(TaskGraph graph, String id, KernelContext context);
    }

    TaskList(DeviceLimits limits, String where) {
        this.limits = limits;
        this.where = where;
    }

    /** Names the operation that the next tasks belong to, for messages. */
    void operation(String name) {
        operation = name;
    }

    int size() {
        return tasks.size();
    }

    boolean isEmpty() {
        return tasks.isEmpty();
    }

    String graphName() {
        return graphName;
    }

    GridScheduler grids() {
        return grids;
    }

    TaskGraph addTo(TaskGraph graph) {
        TaskGraph result = graph;
        for (UnaryOperator<TaskGraph> task : tasks) {
            result = task.apply(result);
        }
        return result;
    }

    /** The threads of a group that share a row: a power of two. */
    int threadsFor(int cols) {
        return Integer.highestOneBit(Math.clamp(cols, 32, MOST_THREADS));
    }

    /** One thread an element; the kernel ignores threads beyond. */
    void line(long count, Kernel kernel) {
        if (count > 0) {
            WorkerGrid1D grid = new WorkerGrid1D(padded(count, LINE));
            grid.setLocalWork(LINE, 1, 1);
            add(grid, LINE, 0, kernel);
        }
    }

    /** One group a row. */
    void groups(long groups, int threads, long localBytes, Kernel kernel) {
        if (groups > 0) {
            WorkerGrid1D grid = new WorkerGrid1D(padded(groups * threads, threads));
            grid.setLocalWork(threads, 1, 1);
            add(grid, threads, localBytes, kernel);
        }
    }

    /** One group a tile of an [m, n] matrix. */
    void tiles(int m, int n, Kernel kernel) {
        if (m > 0 && n > 0) {
            int side = MatMulKernels.SIDE;
            int tile = MatMulKernels.TILE;
            WorkerGrid2D grid = new WorkerGrid2D(padded(n, tile) / tile * side, padded(m, tile) / tile * side);
            grid.setLocalWork(side, side, 1);
            add(grid, side * side, 8192, kernel);
        }
    }

    /** A call of a native library, which has no grid. */
    void library(Supplier<LibraryTaskDescriptor> call) {
        String id = nextId();
        tasks.add(graph -> graph.libraryTask(id, (LibraryTask1<String>) name -> call.get(), id));
    }

    private int padded(long count, int unit) {
        long padded = (count + unit - 1) / unit * unit;
        if (padded > Integer.MAX_VALUE) {
            throw new EngineException(operation + " needs " + padded + " threads, at most " + Integer.MAX_VALUE + " can be started", where,
                    "use a smaller batch");
        }
        return (int) padded;
    }

    private void add(WorkerGrid grid, int threads, long localBytes, Kernel kernel) {
        if (threads > limits.threadsPerGroup() || localBytes > limits.localBytes()) {
            throw new EngineException("%s needs groups of %d threads with %d bytes of local memory, the device has %d threads and %d bytes"
                    .formatted(operation, threads, localBytes, limits.threadsPerGroup(), limits.localBytes()), where,
                    "use shorter sequences, or another device");
        }
        String id = nextId();
        grids.addWorkerGrid(graphName + "." + id, grid);
        tasks.add(graph -> kernel.addTo(graph, id, context));
    }

    private String nextId() {
        return "t" + tasks.size() + "_" + operation.toLowerCase(Locale.ROOT);
    }
}
