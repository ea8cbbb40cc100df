package org.sae4j.testkit;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Op;

/** An engine that runs no operation of gradients, as one for inference alone: what needs them must do without, and say so. */
public final class WithoutGradients {
    private WithoutGradients() {}

    /**
     * Takes gradients from an engine.
     *
     * @param engine does everything else; stays open as long as the result is used
     * @return an engine for which {@link Engine#runs} is false for operations whose names end with {@code Gradient}; to close it closes
     *     {@code engine}
     */
    public static Engine of(Engine engine) {
        return (Engine) Proxy.newProxyInstance(Engine.class.getClassLoader(), new Class<?>[] {Engine.class}, (_, method, arguments) -> {
            if (method.getName().equals("runs") && isGradient((Op) arguments[0])) {
                return false;
            }
            try {
                return method.invoke(engine, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
    }

    private static boolean isGradient(Op op) {
        return op.getClass().getSimpleName().endsWith("Gradient");
    }
}
