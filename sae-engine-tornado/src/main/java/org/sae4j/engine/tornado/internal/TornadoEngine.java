package org.sae4j.engine.tornado.internal;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import uk.ac.manchester.tornado.api.GridScheduler;
import uk.ac.manchester.tornado.api.TaskGraph;
import uk.ac.manchester.tornado.api.TornadoExecutionPlan;
import uk.ac.manchester.tornado.api.common.TornadoDevice;
import uk.ac.manchester.tornado.api.enums.ProfilerMode;
import uk.ac.manchester.tornado.api.enums.TornadoVMBackendType;
import uk.ac.manchester.tornado.api.exceptions.TornadoExecutionPlanException;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/** An engine on one device of TornadoVM. */
public final class TornadoEngine implements Engine {
    /** TornadoVM's own flags turn on relaxed mathematics, which breaks infinities and NaN. */
    private static final String COMPILER_FLAGS = "-w";
    private static final String HOST_MEMORY = "start Java with a larger -XX:MaxDirectMemorySize, or use a smaller batch";
    private static final ReentrantLock COMPILING = new ReentrantLock();
    private static final System.Logger LOG = System.getLogger(TornadoEngine.class.getName());

    private final Device device;
    private final TornadoDevice tornadoDevice;
    private final DeviceLimits limits;
    private final @Nullable Engine verifier;
    private final Set<TornadoProgram> programs = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Map<Tensor, FloatArray> weights = new WeakHashMap<>();
    private final boolean cudaGraph;
    private final boolean cublas;
    private final @Nullable RunLog log;
    private long reserved;
    private boolean closed;
    private volatile @Nullable EngineException failure;

    /**
     * Opens a device.
     *
     * @param found the device
     * @param settings checked settings
     * @param verifier the engine that first runs are compared with, closed with this one, or null for none
     * @throws EngineException if the device is too small for the kernels or lacks what a setting asks for, or the profile cannot be written
     */
    public TornadoEngine(TornadoDevices.Found found, TornadoSettings settings, @Nullable Engine verifier) {
        device = found.device();
        tornadoDevice = found.handle();
        this.verifier = verifier;
        long[] groups = tornadoDevice.getPhysicalDevice().getDeviceMaxWorkGroupSize();
        limits = new DeviceLimits((int) Math.min(groups[0], Integer.MAX_VALUE),
                tornadoDevice.getPhysicalDevice().getDeviceLocalMemorySize(),
                Math.min(settings.memoryBytes().orElse(Long.MAX_VALUE), device.memoryBytes()),
                tornadoDevice.getPhysicalDevice().getDeviceMaxAllocationSize(), settings.sparseCapacity());
        if (limits.threadsPerGroup() < TaskList.MOST_THREADS) {
            throw new EngineException("the device runs groups of %d threads, %d are needed".formatted(limits.threadsPerGroup(),
                    TaskList.MOST_THREADS), "tornado engine on " + device.name(), "use another device");
        }
        cudaGraph = settings.cudaGraph();
        boolean cuda = EnumSet.of(TornadoVMBackendType.CUDA, TornadoVMBackendType.PTX).contains(tornadoDevice.getTornadoVMBackend());
        if (cudaGraph && !cuda) {
            throw new EngineException("setting " + TornadoSettings.CUDA_GRAPH + "=on is not offered by back end " + device.backEnd(),
                    "tornado engine on " + device.name(), "leave it off, or use a device of a CUDA back end");
        }
        cublas = settings.cublas();
        if (cublas) {
            Cublas.check(device, tornadoDevice.getTornadoVMBackend());
        }
        log = settings.profile().map(RunLog::new).orElse(null);
    }

    @Override
    public String id() {
        return "tornado";
    }

    @Override
    public Device device() {
        return device;
    }

    @Override
    public boolean runs(Op op) {
        return Vocabulary.missing(op).isEmpty();
    }

    @Override
    public CompiledProgram compile(Program program, Map<String, Tensor> values) {
        synchronized (this) {
            checkOpen();
        }
        checkWeights(program, values);
        Vocabulary.require(program);
        long bytes = reserve(program);
        TornadoProgram compiled = null;
        try {
            compiled = guard(program, "compilation", () -> locked(() -> new TornadoProgram(this, program, values, bytes)));
        } catch (OutOfMemoryError e) {
            throw new EngineException("%d bytes of host memory outside the heap are not free: %s".formatted(bytes, e.getMessage()),
                    where(program), HOST_MEMORY, e);
        } finally {
            synchronized (this) {
                if (compiled == null) {
                    reserved -= bytes;
                } else {
                    programs.add(compiled);
                }
            }
        }
        return compiled;
    }

    @Override
    public void requireMemory(Program program, Map<String, Tensor> values) {
        synchronized (this) {
            checkOpen();
        }
        checkWeights(program, values);
        long bytes = reserve(program);
        synchronized (this) {
            reserved -= bytes;
        }
    }

    private static void checkWeights(Program program, Map<String, Tensor> values) {
        for (Buffer buffer : program.buffers()) {
            Tensor weight = values.get(buffer.name());
            if (buffer.role() == Buffer.Role.WEIGHT && (weight == null || weight.size() != buffer.size())) {
                throw new IllegalArgumentException("program " + program.name() + ": weight " + buffer + " has " + buffer.size()
                        + " elements, found " + weight);
            }
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the tornado engine is closed");
        }
        checkAlive();
    }

    /** Takes a program's bytes of the device, before anything is allocated. */
    private synchronized long reserve(Program program) {
        long bytes = Storage.bytes(program, limits.sparseCapacity());
        long free = limits.memoryBytes() - reserved;
        if (bytes > free) {
            throw new EngineException("%d bytes of device memory are needed, %d of %d are free".formatted(bytes, free,
                    limits.memoryBytes()),
                    where(program), "use a smaller batch, close other programs, lower the setting " + TornadoSettings.SPARSE_CAPACITY
                            + ", or raise " + TornadoSettings.MEMORY + " and -Dtornado.device.memory where they are set");
        }
        for (Buffer buffer : program.buffers()) {
            long needed = 4 * buffer.size();
            if (buffer.size() > Integer.MAX_VALUE - 16 || needed + 32 > limits.allocationBytes()) {
                throw new EngineException("%s needs %d bytes in one array, the device allows %d".formatted(buffer, needed,
                        Math.min(limits.allocationBytes(), 4L * Integer.MAX_VALUE)), where(program), "use a smaller batch");
            }
        }
        long freeOnHost = directMemory() - reserved;
        if (bytes > freeOnHost) {
            throw new EngineException("%d bytes of host memory outside the heap are needed, %d are free".formatted(bytes, freeOnHost),
                    where(program), HOST_MEMORY);
        }
        reserved += bytes;
        return bytes;
    }

    /** The arrays' copies on the host count against the limit of direct memory, which is that of the heap where it is not set. */
    private static long directMemory() {
        return Probe.vmOption("MaxDirectMemorySize").map(Long::parseLong).filter(bytes -> bytes > 0)
                .orElse(Runtime.getRuntime().maxMemory());
    }

    /** A weight's array on the host, shared by the programs that are given the same tensor. */
    FloatArray weight(Buffer buffer, Map<String, Tensor> values) {
        Tensor tensor = values.get(buffer.name());
        synchronized (weights) {
            return weights.computeIfAbsent(tensor, key -> {
                FloatArray array = Storage.newFloats(key.size());
                Storage.copy(key.segment(), array);
                return array;
            });
        }
    }

    @Nullable FirstRun firstRun(Program program, Map<String, Tensor> values) {
        return verifier == null ? null : new FirstRun(this, verifier, program, values);
    }

    TornadoExecutionPlan plan(TaskGraph graph, GridScheduler grids) {
        TornadoExecutionPlan plan = new TornadoExecutionPlan(graph.snapshot());
        plan.withDevice(tornadoDevice);
        plan.withGridScheduler(grids);
        if (tornadoDevice.getTornadoVMBackend() == TornadoVMBackendType.OPENCL) {
            plan.withCompilerFlags(TornadoVMBackendType.OPENCL, COMPILER_FLAGS);
        }
        if (log != null) {
            plan.withProfiler(ProfilerMode.SILENT);
        }
        if (cudaGraph) {
            plan.withCUDAGraph();
        }
        return plan;
    }

    /** Whether a program's first run records what later runs replay. */
    boolean replays() {
        return cudaGraph;
    }

    /** Whether dense products are cuBLAS's. */
    boolean cublas() {
        return cublas;
    }

    @Nullable RunLog log() {
        return log;
    }

    DeviceLimits limits() {
        return limits;
    }

    /** Engine, device and program, for messages. */
    String where(Program program) {
        return "tornado engine on " + device.name() + ", program " + program.name();
    }

    void checkAlive() {
        EngineException cause = failure;
        if (cause != null) {
            throw new EngineException("the engine failed before: " + cause.what(), cause.where(), "close it and open a new one", cause);
        }
    }

    /** Notes a failure after which the state on the device is unknown. */
    EngineException failed(EngineException cause) {
        failure = cause;
        return cause;
    }

    /** What may fail inside TornadoVM. */
    interface Action<T> {
        T run();
    }

    void guard(Program program, String doing, Runnable action) {
        guard(program, doing, () -> {
            action.run();
            return program;
        });
    }

    /** TornadoVM reports failures as exceptions and as errors of several kinds, with colours in their messages. */
    private <T> T guard(Program program, String doing, Action<T> action) {
        try {
            return action.run();
        } catch (EngineException | OutOfMemoryError e) {
            throw e;
        } catch (RuntimeException | Error e) {
            Throwable root = e;
            while (root.getCause() != null && root.getCause() != root) {
                root = root.getCause();
            }
            String message = String.valueOf(root.getMessage()).replaceAll("\u001b\\[[0-9;]*m", "").strip().replaceAll("\\s+", " ");
            throw failed(new EngineException(doing + " failed with " + root.getClass().getSimpleName() + ": " + message, where(program),
                    "close the engine and open it again; if it fails again, use another device or engine and report it", e));
        }
    }

    /** Frees what a program has on the device. After a failure of the device nothing else can be expected to work. */
    void free(Program program, TornadoExecutionPlan plan) {
        boolean failedBefore = failure != null;
        try {
            guard(program, "freeing memory", () -> {
                try {
                    plan.close();
                } catch (TornadoExecutionPlanException e) {
                    throw new IllegalStateException(e);
                }
            });
        } catch (EngineException e) {
            if (!failedBefore) {
                throw e;
            }
            LOG.log(Level.WARNING, "after a failure of the engine: {0}", e.getMessage());
        }
    }

    /** TornadoVM's compiler runs for one program at a time. */
    void alone(Runnable action) {
        locked(() -> {
            action.run();
            return "";
        });
    }

    private static <T> T locked(Action<T> action) {
        COMPILING.lock();
        try {
            return action.run();
        } finally {
            COMPILING.unlock();
        }
    }

    synchronized void release(TornadoProgram program, long bytes) {
        if (programs.remove(program)) {
            reserved -= bytes;
        }
    }

    @Override
    public void close() {
        List<TornadoProgram> open;
        synchronized (this) {
            closed = true;
            open = new ArrayList<>(new HashSet<>(programs));
        }
        EngineException first = null;
        for (TornadoProgram program : open) {
            try {
                program.close();
            } catch (EngineException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        if (verifier != null) {
            verifier.close();
        }
        if (log != null) {
            log.close();
        }
        if (first != null) {
            throw first;
        }
    }
}
