package org.sae4j.api.engine;

import java.util.List;

/** An engine that can be plugged in, found with {@link java.util.ServiceLoader}. Loading and asking a provider must be cheap and harmless. */
public interface EngineProvider {
    /** {@return the id that users choose the engine by, such as {@code cpu}; lower-case letters, digits and hyphens} */
    String id();

    /** {@return a name for people} */
    String name();

    /** {@return which available engine is picked when the user leaves the choice: the highest; the CPU engine has 0} */
    int priority();

    /** {@return whether the engine can be opened in this JVM; never throws, whatever is missing} */
    Availability availability();

    /** {@return the devices; empty if the engine is not available; never throws} */
    List<Device> devices();

    /**
     * Opens the engine.
     *
     * @param options device, threads and settings
     * @return a new engine
     * @throws EngineException if it is not available, there is no such device, or a setting is unknown
     */
    Engine open(EngineOptions options);
}
