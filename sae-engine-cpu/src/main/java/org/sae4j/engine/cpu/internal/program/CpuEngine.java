package org.sae4j.engine.cpu.internal.program;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Program;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.kernels.ScalarKernels;
import org.sae4j.engine.cpu.internal.kernels.VectorSupport;
import org.sae4j.engine.cpu.internal.memory.Weights;
import org.sae4j.engine.cpu.internal.threads.Workers;

/** The engine: threads, kernels and weights that its programs share. */
public final class CpuEngine implements Engine {
    private final String id;
    private final Device device;
    private final Kernels kernels;
    private final Workers workers;
    private final Weights weights;
    private final Set<CpuProgram> programs = Collections.newSetFromMap(new IdentityHashMap<>());
    private final double denseFrom;
    private boolean closed;

    /**
     * Opens the engine.
     *
     * @param id the provider's id
     * @param device the device
     * @param vector whether to use the Vector API
     * @param threads number of threads, at least 1
     * @param pool runs all threads' work but the caller's, or null for threads of the engine's own
     * @param denseFrom share of active entries above which sparse rows are multiplied as a dense matrix
     */
    public CpuEngine(String id, Device device, boolean vector, int threads, @Nullable Executor pool, double denseFrom) {
        this.id = id;
        this.device = device;
        this.kernels = vector ? VectorSupport.kernels() : new ScalarKernels();
        this.workers = pool == null ? new Workers(threads, "sae4j-" + id) : new Workers(threads, pool);
        this.denseFrom = denseFrom;
        this.weights = new Weights(kernels, workers);
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public Device device() {
        return device;
    }

    @Override
    public boolean reads(ElementType type) {
        return type.isFloat();
    }

    @Override
    public void requireMemory(Program program, Map<String, Tensor> tensors) {
        checkOpen();
        CpuProgram.requireMemory(program, tensors, weights);
    }

    @Override
    public CompiledProgram compile(Program program, Map<String, Tensor> tensors) {
        checkOpen();
        CpuProgram compiled = CpuProgram.compile(program, tensors, weights, kernels, workers, denseFrom, this::forget);
        synchronized (programs) {
            if (!closed) {
                programs.add(compiled);
                return compiled;
            }
        }
        compiled.close();
        throw closedError();
    }

    private void forget(CpuProgram program) {
        synchronized (programs) {
            programs.remove(program);
        }
    }

    private void checkOpen() {
        synchronized (programs) {
            if (closed) {
                throw closedError();
            }
        }
    }

    private IllegalStateException closedError() {
        return new IllegalStateException("engine " + id + " is closed");
    }

    @Override
    public void close() {
        ArrayList<CpuProgram> open;
        synchronized (programs) {
            closed = true;
            open = new ArrayList<>(programs);
        }
        open.forEach(CpuProgram::close);
        workers.close();
        weights.clear();
    }
}
