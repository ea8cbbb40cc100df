package org.sae4j.engine.tornado;

import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.api.engine.Program;
import org.sae4j.testkit.ReferenceEngine;

/** An engine that reads one buffer wrongly, to stand for a device that computes wrongly. */
public final class WrongEngineProvider implements EngineProvider {
    static String wrong = "";

    @Override
    public String id() {
        return "wrong";
    }

    @Override
    public String name() {
        return "wrong";
    }

    @Override
    public int priority() {
        return -2;
    }

    @Override
    public Availability availability() {
        return new Availability.Available("tests");
    }

    @Override
    public List<Device> devices() {
        return List.of();
    }

    @Override
    public Engine open(EngineOptions options) {
        ReferenceEngine right = new ReferenceEngine();
        return new Engine() {
            @Override
            public String id() {
                return "wrong";
            }

            @Override
            public Device device() {
                return right.device();
            }

            @Override
            public CompiledProgram compile(Program program, Map<String, Tensor> weights) {
                CompiledProgram compiled = right.compile(program, weights);
                return (CompiledProgram) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {CompiledProgram.class},
                        (proxy, method, arguments) -> {
                            Object result = method.invoke(compiled, arguments);
                            return result instanceof Tensor tensor && arguments[0] instanceof Buffer b && b.name().equals(wrong)
                                    ? Tensor.zeros(tensor.shape()) : result;
                        });
            }

            @Override
            public void close() {
                right.close();
            }
        };
    }
}
