package org.sae4j.core.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Spliterator;

/** Looks services up so that one broken provider does not hide the others. */
public final class Services {
    private Services() {}

    /**
     * The providers of a service, not yet made.
     *
     * @param <S> the service
     * @param found a new service loader; it comes from the caller, whose module declares that it uses the service
     * @param broken receives what could not be looked up, with the reason
     * @return the providers that could be
     */
    public static <S> List<ServiceLoader.Provider<S>> lookUp(ServiceLoader<S> found, Map<String, String> broken) {
        List<ServiceLoader.Provider<S>> services = new ArrayList<>();
        Spliterator<ServiceLoader.Provider<S>> entries = found.stream().spliterator();
        boolean more = true;
        while (more) {
            try {
                more = entries.tryAdvance(services::add);
            } catch (ServiceConfigurationError | LinkageError e) {
                // After an error the loader goes on with the next entry; the same error again means that it cannot.
                more = broken.put("provider configuration: " + e.getMessage(), reason(e)) == null;
            }
        }
        return services;
    }

    /**
     * Says why a provider failed.
     *
     * @param error what making it threw
     * @return the cause's type and message
     */
    public static String reason(Throwable error) {
        Throwable cause = error.getCause() == null ? error : error.getCause();
        return cause.getClass().getSimpleName() + ": " + cause.getMessage();
    }
}
