package org.sae4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.core.experiment.Experiments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists the experiments. */
@Command(name = "experiments", description = "List the experiments, and the plugins that could not be loaded.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class ExperimentsCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--plugin-path", paramLabel = "FOLDER", description = "A folder with jars of further experiments.")
    private @Nullable Path plugins;

    ExperimentsCommand() {
    }

    static Experiments load(@Nullable Path plugins) {
        return plugins == null ? Experiments.installed() : Experiments.installedAndIn(Paths.folder(plugins, "--plugin-path"));
    }

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        Experiments experiments = load(plugins);
        for (Experiment<?, ?> experiment : experiments.all()) {
            out.printf("%-16s %s%n%-16s %s%n", experiment.id(), experiment.title(), "", experiment.description());
        }
        experiments.broken().forEach((plugin, reason) -> out.printf("not usable: %s: %s%n", plugin, reason));
        out.flush();
    }
}
