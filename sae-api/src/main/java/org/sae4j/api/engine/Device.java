package org.sae4j.api.engine;

import java.util.Objects;

/**
 * A device that an engine can run on.
 *
 * @param index position in the provider's list, from 0
 * @param name the vendor's name
 * @param backEnd how it is driven, such as {@code java} or {@code opencl}
 * @param memoryBytes memory that programs can use
 */
public record Device(int index, String name, String backEnd, long memoryBytes) {
    /** Refuses null. */
    public Device {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(backEnd, "backEnd");
    }
}
