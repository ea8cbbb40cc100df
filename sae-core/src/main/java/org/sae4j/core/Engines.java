package org.sae4j.core;

import java.lang.ref.SoftReference;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;
import org.sae4j.api.Observer;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.core.internal.ObservedEngine;
import org.sae4j.core.internal.ProviderCatalog;

/**
 * The engines that are installed, and the choice among them.
 *
 * <p>Providers are found with {@link java.util.ServiceLoader}, through the class loader of {@link EngineProvider} unless another one is
 * given, once for each class loader. A provider that cannot be loaded does not hide the others: it is listed with the reason. Nothing here
 * falls back: asking for an engine gives that engine or an {@link EngineException}. All methods refuse null.
 */
public final class Engines {
    /** The id that leaves the choice to {@link #choose(String)}. */
    public static final String AUTO = "auto";

    private static final Map<ClassLoader, SoftReference<ProviderCatalog>> CATALOGS = new WeakHashMap<>();

    private Engines() {}

    /**
     * A provider that was found but cannot be used.
     *
     * @param provider what is known of it: its class or its configuration file
     * @param reason why it cannot be used
     */
    public record Broken(String provider, String reason) {}

    /**
     * An engine that was chosen.
     *
     * @param provider its provider
     * @param reason why this one, for people
     */
    public record Choice(EngineProvider provider, String reason) {
        /**
         * Opens the chosen engine.
         *
         * @param options device, threads and settings
         * @return a new engine, to be closed by the caller
         * @throws EngineException if it cannot be opened with these options
         */
        public Engine open(EngineOptions options) {
            return provider.open(options);
        }
    }

    /** {@return the providers that could be loaded, available or not, by descending priority, then by id} */
    public static List<EngineProvider> providers() {
        return providers(defaultLoader());
    }

    /**
     * The providers that a class loader finds.
     *
     * @param loader where to look
     * @return those that could be loaded, available or not, by descending priority, then by id
     */
    public static List<EngineProvider> providers(ClassLoader loader) {
        return catalog(loader).providers();
    }

    /** {@return the providers that could not be loaded, with the reasons} */
    public static List<Broken> broken() {
        return broken(defaultLoader());
    }

    /**
     * The providers that a class loader finds but that cannot be used.
     *
     * @param loader where to look
     * @return the providers with the reasons
     */
    public static List<Broken> broken(ClassLoader loader) {
        return catalog(loader).broken().entrySet().stream().map(e -> new Broken(e.getKey(), e.getValue())).toList();
    }

    /**
     * Chooses an engine without opening it.
     *
     * @param id an engine's id, or {@value #AUTO} for the available one of highest priority (of equal ones the first by id)
     * @return the engine and why it was chosen
     * @throws EngineException if there is no such engine or it is not available; the message says why not and what to do
     */
    public static Choice choose(String id) {
        return choose(id, defaultLoader());
    }

    /**
     * Chooses an engine among those that a class loader finds, without opening it.
     *
     * @param id an engine's id, or {@value #AUTO}
     * @param loader where to look for providers
     * @return the engine and why it was chosen
     * @throws EngineException as {@link #choose(String)}
     */
    public static Choice choose(String id, ClassLoader loader) {
        Objects.requireNonNull(id, "id");
        ProviderCatalog catalog = catalog(loader);
        return id.equals(AUTO) ? chooseBest(catalog) : chooseById(id, catalog);
    }

    /**
     * Opens an engine.
     *
     * @param id an engine's id, or {@value #AUTO}, see {@link #choose(String)}
     * @param options device, threads and settings
     * @return a new engine, to be closed by the caller
     * @throws EngineException if there is no such engine, it is not available, or it cannot be opened with these options
     */
    public static Engine open(String id, EngineOptions options) {
        return open(id, options, defaultLoader());
    }

    /**
     * Opens an engine whose provider a class loader finds.
     *
     * @param id an engine's id, or {@value #AUTO}, see {@link #choose(String)}
     * @param options device, threads and settings
     * @param loader where to look for providers
     * @return a new engine, to be closed by the caller
     * @throws EngineException as {@link #open(String, EngineOptions)}
     */
    public static Engine open(String id, EngineOptions options, ClassLoader loader) {
        Objects.requireNonNull(options, "options");
        return choose(id, loader).open(options);
    }

    /**
     * The same engine, with an observer. Models, autoencoders and trainers that are opened with it tell the observer what they do.
     *
     * @param engine the engine; it is closed with the one that is returned
     * @param observer told of what runs, after the observer that the engine has already
     * @return an engine that shares everything with the given one
     */
    public static Engine observed(Engine engine, Observer observer) {
        Objects.requireNonNull(observer, "observer");
        Observer known = engine.observer();
        return new ObservedEngine(engine, known == Observer.NONE ? observer : known.and(observer));
    }

    private static Choice chooseBest(ProviderCatalog catalog) {
        StringBuilder passedOver = new StringBuilder();
        for (EngineProvider provider : catalog.providers()) {
            switch (ProviderCatalog.availability(provider)) {
                case Availability.Available available -> {
                    return new Choice(provider, provider.id() + " has the highest priority (" + provider.priority()
                            + ") of the available engines, " + available.detail() + passedOver);
                }
                case Availability.Unavailable unavailable ->
                    passedOver.append("; ").append(provider.id()).append(" (priority ").append(provider.priority())
                            .append(") is not available: ").append(unavailable.reason()).append(", ").append(unavailable.remedy());
            }
        }
        throw new EngineException("no engine is available", catalog.describe() + passedOver,
                "put sae-engine-cpu on the class path or module path");
    }

    private static Choice chooseById(String id, ProviderCatalog catalog) {
        EngineProvider provider = catalog.providers().stream().filter(p -> p.id().equals(id)).findFirst()
                .orElseThrow(() -> new EngineException("no engine '" + id + "'", catalog.describe(),
                        "choose a known engine or " + AUTO + ", or put the engine's jar on the class path or module path"));
        return switch (ProviderCatalog.availability(provider)) {
            case Availability.Available available -> new Choice(provider, id + " was asked for, " + available.detail());
            case Availability.Unavailable unavailable ->
                throw new EngineException("engine '" + id + "' is not available: " + unavailable.reason(), provider.name(),
                        unavailable.remedy());
        };
    }

    private static ProviderCatalog catalog(ClassLoader loader) {
        synchronized (CATALOGS) {
            SoftReference<ProviderCatalog> known = CATALOGS.get(Objects.requireNonNull(loader, "loader"));
            ProviderCatalog catalog = known == null ? null : known.get();
            if (catalog == null) {
                catalog = ProviderCatalog.load(loader);
                // Providers refer to their class loader: a strong reference from here would keep it from ever being unloaded.
                CATALOGS.put(loader, new SoftReference<>(catalog));
            }
            return catalog;
        }
    }

    private static ClassLoader defaultLoader() {
        ClassLoader loader = EngineProvider.class.getClassLoader();
        return loader == null ? ClassLoader.getSystemClassLoader() : loader;
    }
}
