package org.sae4j.core.experiment;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.core.Plugins;
import org.sae4j.core.internal.Nearest;
import org.sae4j.core.internal.Services;

/**
 * The experiments that are installed. One broken plugin does not hide the others: it is listed with its reason.
 */
public final class Experiments {
    private final List<Experiment<?, ?>> all;
    private final Map<String, String> broken;

    private Experiments(List<Experiment<?, ?>> all, Map<String, String> broken) {
        this.all = List.copyOf(all);
        this.broken = broken;
    }

    /** {@return the experiments on the class path or module path of sae4j} */
    public static Experiments installed() {
        return load(Objects.requireNonNullElseGet(Experiment.class.getClassLoader(), ClassLoader::getSystemClassLoader));
    }

    /**
     * The experiments that are installed, and those of plugins.
     *
     * @param plugins the plugins
     * @return the experiments
     */
    public static Experiments with(Plugins plugins) {
        return load(plugins.loader(), plugins.unreadable());
    }

    /**
     * The experiments that a class loader finds.
     *
     * @param loader where to look
     * @return the experiments
     */
    public static Experiments load(ClassLoader loader) {
        return load(loader, Map.of());
    }

    private static Experiments load(ClassLoader loader, Map<String, String> unreadable) {
        Map<String, String> broken = new LinkedHashMap<>(unreadable);
        Map<String, Experiment<?, ?>> byId = new TreeMap<>();
        for (ServiceLoader.Provider<?> service : Services.lookUp(ServiceLoader.load(Experiment.class, loader), broken)) {
            String type = service.type().getName();
            try {
                Experiment<?, ?> experiment = (Experiment<?, ?>) service.get();
                String id = Objects.requireNonNull(experiment.id(), "id() gave null");
                // Asked for here, so that a list of experiments does not end at one that fails.
                Objects.requireNonNull(experiment.title(), "title() gave null");
                Objects.requireNonNull(experiment.description(), "description() gave null");
                Objects.requireNonNull(experiment.defaults(), "defaults() gave null");
                if (!id.matches("[a-z0-9-]+")) {
                    broken.put(type, "its id '" + id + "' must be lower-case letters, digits and hyphens");
                } else if (experiment.apiVersion() > Experiment.API_VERSION) {
                    broken.put(type, "it was written for version " + experiment.apiVersion() + " of the experiment interface, this is "
                            + Experiment.API_VERSION + ": use a newer sae4j");
                } else if (byId.containsKey(id)) {
                    broken.put(type, "its id '" + id + "' is that of " + byId.get(id).getClass().getName());
                } else {
                    byId.put(id, experiment);
                }
            } catch (ServiceConfigurationError | LinkageError | RuntimeException e) {
                broken.put(type, Services.reason(e));
            }
        }
        return new Experiments(List.copyOf(byId.values()), broken);
    }

    /** {@return the experiments that can be run, by id} */
    public List<Experiment<?, ?>> all() {
        return all;
    }

    /** {@return why plugins could not be loaded, by class or configuration} */
    public Map<String, String> broken() {
        return java.util.Collections.unmodifiableMap(broken);
    }

    /**
     * An experiment by its id.
     *
     * @param id the id
     * @return the experiment
     * @throws Sae4jException if there is none; it names the nearest and lists all
     */
    public Experiment<?, ?> get(String id) {
        List<String> ids = all.stream().map(Experiment::id).toList();
        return all.stream().filter(e -> e.id().equals(id)).findFirst()
                .orElseThrow(() -> new Sae4jException("no experiment '" + id + "'" + (broken.isEmpty() ? "" : "; not usable: "
                        + broken),
                        "among " + ids, Nearest.hint(id, ids) + "list them with Experiments.installed, add yours with Plugins.in"));
    }
}
