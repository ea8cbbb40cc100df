package org.sae4j.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.core.Plugins;
import org.sae4j.core.experiment.Experiments;
import picocli.CommandLine.Option;

/** The option that names a folder of plugins. */
final class PluginOption {
    @Option(names = "--plugin-path", paramLabel = "FOLDER", description = "A folder with jars of further engines, experiments and architectures.")
    private @Nullable Path folder;

    /** Loaded once, so that an engine and an experiment of one jar share their classes. */
    private @Nullable Plugins plugins;

    PluginOption() {
    }

    /** {@return the experiments that are installed and those of the folder} */
    Experiments experiments() {
        return folder == null ? Experiments.installed() : Experiments.with(plugins(folder));
    }

    /** {@return finds the engines that are installed and those of the folder} */
    ClassLoader loader() {
        return folder == null ? EngineProvider.class.getClassLoader() : plugins(folder).loader();
    }

    /** Makes the folder's architectures of autoencoders known to this thread. */
    void load() {
        if (folder != null) {
            plugins(folder);
        }
    }

    private Plugins plugins(Path path) {
        Plugins known = plugins;
        if (known == null) {
            known = Plugins.in(Paths.folder(path, "--plugin-path"));
            plugins = known;
            // Architectures of autoencoders are looked up by name wherever files are read.
            Thread.currentThread().setContextClassLoader(known.loader());
        }
        return known;
    }
}
