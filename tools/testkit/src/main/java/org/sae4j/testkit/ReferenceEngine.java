package org.sae4j.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Program;

/**
 * The meaning of every operation, for tests: a slow, simple interpreter. Each operation computes in double precision, in one thread, in the
 * order of the formulas; values are rounded to float32 only when they are stored in a buffer.
 */
public final class ReferenceEngine implements Engine {
    private final List<ReferenceProgram> programs = new ArrayList<>();
    private boolean closed;

    /** Opens a reference engine. It holds no resources but memory. */
    public ReferenceEngine() {}

    @Override
    public String id() {
        return "reference";
    }

    @Override
    public Device device() {
        return new Device(0, "double-precision interpreter", "java", Runtime.getRuntime().maxMemory());
    }

    @Override
    public synchronized CompiledProgram compile(Program program, Map<String, Tensor> weights) {
        if (closed) {
            throw new IllegalStateException("the reference engine is closed");
        }
        checkMemory(program);
        ReferenceProgram compiled = new ReferenceProgram(program, weights);
        programs.add(compiled);
        return compiled;
    }

    private void checkMemory(Program program) {
        double needed = program.buffers().stream().mapToDouble(buffer -> 4.0 * buffer.size()).sum();
        boolean tooLong = program.buffers().stream().anyMatch(buffer -> buffer.size() > Integer.MAX_VALUE - 8);
        if (tooLong || needed > device().memoryBytes()) {
            throw new EngineException("%.0f bytes are needed, %d are available".formatted(needed, device().memoryBytes()),
                    "reference engine, program " + program.name(), "use smaller shapes or a larger heap (-Xmx)");
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        programs.forEach(CompiledProgram::close);
    }
}
