package org.sae4j.core.internal;

import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.EngineProvider;

/**
 * The engine providers that one class loader finds.
 *
 * @param providers those that could be loaded, by descending priority, then by id
 * @param broken those that could not, with the reasons
 */
public record ProviderCatalog(List<EngineProvider> providers, Map<String, String> broken) {
    /** An engine's id and priority, asked once, as a foreign provider may throw. */
    private record Ranked(EngineProvider provider, String id, int priority) {}

    /**
     * Looks for providers.
     *
     * @param loader where to look
     * @return what was found
     */
    public static ProviderCatalog load(ClassLoader loader) {
        Map<String, String> broken = new LinkedHashMap<>();
        Map<String, Ranked> ranked = new LinkedHashMap<>();
        for (ServiceLoader.Provider<EngineProvider> service : Services.lookUp(ServiceLoader.load(EngineProvider.class, loader), broken)) {
            String type = service.type().getName();
            try {
                EngineProvider provider = service.get();
                Ranked candidate = new Ranked(provider, provider.id(), provider.priority());
                if (!candidate.id().matches("[a-z0-9-]+") || candidate.id().equals("auto")) {
                    broken.put(type, "its id '" + candidate.id() + "' must be lower-case letters, digits and hyphens, and not 'auto'");
                } else if (ranked.containsKey(candidate.id())) {
                    broken.put(type, "its id '" + candidate.id() + "' is that of "
                            + ranked.get(candidate.id()).provider().getClass().getName());
                } else {
                    ranked.put(candidate.id(), candidate);
                }
            } catch (ServiceConfigurationError | LinkageError | RuntimeException e) {
                broken.put(type, Services.reason(e));
            }
        }
        List<EngineProvider> providers = ranked.values().stream()
                .sorted(Comparator.comparingInt(Ranked::priority).reversed().thenComparing(Ranked::id)).map(Ranked::provider).toList();
        return new ProviderCatalog(providers, Collections.unmodifiableMap(broken));
    }

    /**
     * Asks a provider whether its engine can be opened, and takes an exception, which its contract forbids, as a no.
     *
     * @param provider the provider
     * @return its answer
     */
    public static Availability availability(EngineProvider provider) {
        try {
            return provider.availability();
        } catch (LinkageError | RuntimeException e) {
            return new Availability.Unavailable("asking it failed, " + Services.reason(e),
                    "report this to the author of " + provider.getClass().getName());
        }
    }

    /** {@return which engines are known and which are broken, for messages} */
    public String describe() {
        String known = providers.isEmpty() ? "no engine is installed"
                : providers.stream().map(EngineProvider::id).collect(Collectors.joining(", ", "known engines: ", ""));
        return broken.isEmpty() ? known : known + "; not usable: " + broken;
    }
}
