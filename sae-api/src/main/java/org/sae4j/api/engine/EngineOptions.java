package org.sae4j.api.engine;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * How an engine is opened.
 *
 * @param device index or part of the name of a device, or empty for the provider's first
 * @param threads threads for engines that use the host's processor, or 0 for one per processor
 * @param settings further settings by name, documented by the provider; unknown names are refused
 */
public record EngineOptions(Optional<String> device, int threads, Map<String, String> settings) {
    /** The provider's first device, one thread per processor, no further settings. */
    public static final EngineOptions DEFAULT = new EngineOptions(Optional.empty(), 0, Map.of());

    /**
     * Copies the settings.
     *
     * @throws IllegalArgumentException if {@code threads} is negative
     */
    public EngineOptions {
        Objects.requireNonNull(device, "device");
        Objects.requireNonNull(settings, "settings");
        settings = Map.copyOf(settings);
        if (threads < 0) {
            throw new IllegalArgumentException("threads must be at least 0, found " + threads);
        }
    }
}
