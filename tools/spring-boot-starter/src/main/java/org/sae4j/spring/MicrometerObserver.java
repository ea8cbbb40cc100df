package org.sae4j.spring;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import java.util.Locale;
import org.sae4j.api.Observer;

/**
 * Makes a Micrometer observation of every operation: a timer {@code sae4j.forward}, {@code sae4j.encode}, {@code sae4j.open} and so on with
 * the key {@code subject}, and a span where tracing is set up, with the number of tokens or rows as {@code size}.
 */
public final class MicrometerObserver implements Observer {
    private final ObservationRegistry registry;

    /**
     * Observes into a registry.
     *
     * @param registry gets the observations
     */
    public MicrometerObserver(ObservationRegistry registry) {
        this.registry = registry;
    }

    @Override
    public Span start(Operation operation, String subject, long size) {
        if (registry.isNoop()) {
            return Span.NONE;
        }
        String name = operation.name().toLowerCase(Locale.ROOT);
        Observation observation = Observation.createNotStarted("sae4j." + name.replace('_', '.'), registry)
                .contextualName("sae4j " + name.replace('_', ' ')).lowCardinalityKeyValue("subject", subject)
                .highCardinalityKeyValue("size", Long.toString(size)).start();
        Observation.Scope scope = observation.openScope();
        return failure -> {
            scope.close();
            if (failure != null) {
                observation.error(failure);
            }
            observation.stop();
        };
    }
}
