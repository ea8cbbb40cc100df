package org.sae4j.core.coder;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.internal.Services;

/**
 * The architectures that are built in and those of plugins. Plugins are looked up, each time an architecture is not built in, with
 * {@link ServiceLoader} through the thread's context class loader, which the command line sets for {@code --plugin-path}, and the one of
 * this class.
 */
public final class CoderArchitectures {
    private static final List<CoderArchitecture> BUILT_IN = List.of(new Relu(), new TopK(), new JumpRelu(), new Gated(), new AbsTopK(),
            new GroupMax(), new MatchingPursuit());

    private CoderArchitectures() {}

    /**
     * The architecture of a name.
     *
     * @param architecture the name
     * @return the architecture
     * @throws Sae4jException if there is none, with the names that are known and the services that could not be loaded
     */
    public static CoderArchitecture of(Architecture architecture) {
        Map<String, String> broken = new TreeMap<>();
        return find(architecture.name(), broken).orElseThrow(() -> new Sae4jException("no architecture " + architecture,
                "known are " + known(broken).stream().map(CoderArchitecture::toString).collect(Collectors.joining(", "))
                        + (broken.isEmpty() ? "" : "; could not be loaded: " + broken),
                "put the jar of a plugin that brings it on the class path, or into the folder of --plugin-path"));
    }

    /**
     * The architecture of a configuration, which is checked.
     *
     * @param config what is computed
     * @return the architecture
     * @throws Sae4jException if there is no such architecture
     * @throws IllegalArgumentException if its settings do not fit
     */
    public static CoderArchitecture of(SaeConfig config) {
        CoderArchitecture found = of(config.architecture());
        found.check(config);
        return found;
    }

    /**
     * Looks an architecture up.
     *
     * @param name the name
     * @return the architecture, or empty if there is none
     */
    public static Optional<CoderArchitecture> find(String name) {
        return find(name, new TreeMap<>());
    }

    /** {@return all architectures that can be found, those that are built in first} */
    public static List<CoderArchitecture> known() {
        return known(new TreeMap<>());
    }

    private static Optional<CoderArchitecture> find(String name, Map<String, String> broken) {
        return BUILT_IN.stream().filter(built -> built.architecture().name().equals(name)).findFirst()
                .or(() -> known(broken).stream().filter(known -> known.architecture().name().equals(name)).findFirst());
    }

    private static List<CoderArchitecture> known(Map<String, String> broken) {
        Map<String, CoderArchitecture> byName = new LinkedHashMap<>();
        BUILT_IN.forEach(built -> byName.put(built.architecture().name(), built));
        ClassLoader own = CoderArchitectures.class.getClassLoader();
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        add(byName, broken, ServiceLoader.load(CoderArchitecture.class, own));
        if (context != null && context != own) {
            add(byName, broken, ServiceLoader.load(CoderArchitecture.class, context));
        }
        return List.copyOf(byName.values());
    }

    /** Adds what can be loaded; what is there stays. */
    private static void add(Map<String, CoderArchitecture> byName, Map<String, String> broken, ServiceLoader<CoderArchitecture> loader) {
        for (ServiceLoader.Provider<CoderArchitecture> service : Services.lookUp(loader, broken)) {
            try {
                CoderArchitecture made = service.get();
                byName.putIfAbsent(made.architecture().name(), made);
            } catch (ServiceConfigurationError | LinkageError e) {
                broken.put(service.type().getName(), Services.reason(e));
            }
        }
    }
}
