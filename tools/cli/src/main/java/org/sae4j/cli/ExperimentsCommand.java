package org.sae4j.cli;

import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.core.experiment.ConfigBinder;
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

    @Mixin
    private JsonOption json;

    ExperimentsCommand() {
    }

    @Override
    public void run() {
        if (json.begin()) {
            json.print("experiments", values(plugins.experiments()));
            return;
        }
        PrintWriter out = spec.commandLine().getOut();
        Experiments experiments = plugins.experiments();
        for (Experiment<?, ?> experiment : experiments.all()) {
            out.printf("%-16s %s%n%-16s %s%n", experiment.id(), experiment.title(), "", experiment.description());
        }
        experiments.broken().forEach((plugin, reason) -> out.printf("not usable: %s: %s%n", plugin, reason));
        out.flush();
    }

    private static Map<String, Object> values(Experiments experiments) {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("experiments", experiments.all().stream().map(experiment -> {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("id", experiment.id());
            one.put("title", experiment.title());
            one.put("description", experiment.description());
            one.put("settings", ConfigBinder.describe(experiment.defaults()).stream().map(s -> {
                Map<String, Object> setting = new LinkedHashMap<>();
                setting.put("name", s.name());
                setting.put("type", s.type());
                setting.put("unit", s.unit());
                setting.put("range", s.range());
                setting.put("default", s.defaultValue());
                setting.put("description", s.description());
                return setting;
            }).toList());
            return one;
        }).toList());
        values.put("broken", new LinkedHashMap<>(experiments.broken()));
        return values;
    }
}
