package org.sae4j.cli;

import java.io.PrintWriter;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.core.experiment.Experiments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lists the experiments. */
@Command(name = "experiments", description = "List the experiments, and the plugins that could not be loaded.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class ExperimentsCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PluginOption plugins;

    ExperimentsCommand() {
    }

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        Experiments experiments = plugins.experiments();
        for (Experiment<?, ?> experiment : experiments.all()) {
            out.printf("%-16s %s%n%-16s %s%n", experiment.id(), experiment.title(), "", experiment.description());
        }
        experiments.broken().forEach((plugin, reason) -> out.printf("not usable: %s: %s%n", plugin, reason));
        out.flush();
    }
}
