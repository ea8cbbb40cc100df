package org.sae4j.core.internal;

import java.util.Map;
import org.sae4j.api.ElementType;
import org.sae4j.api.Observer;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/**
 * An engine with an observer.
 *
 * @param engine does all the work, and is closed with this
 * @param observer told of what runs
 */
public record ObservedEngine(Engine engine, Observer observer) implements Engine {
    @Override
    public String id() {
        return engine.id();
    }

    @Override
    public Device device() {
        return engine.device();
    }

    @Override
    public boolean reads(ElementType type) {
        return engine.reads(type);
    }

    @Override
    public boolean runs(Op op) {
        return engine.runs(op);
    }

    @Override
    public CompiledProgram compile(Program program, Map<String, Tensor> weights) {
        return engine.compile(program, weights);
    }

    @Override
    public void requireMemory(Program program, Map<String, Tensor> weights) {
        engine.requireMemory(program, weights);
    }

    @Override
    public void close() {
        engine.close();
    }
}
