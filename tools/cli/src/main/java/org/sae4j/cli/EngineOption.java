package org.sae4j.cli;

import java.util.Map;
import java.util.Optional;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.core.Engines;
import org.sae4j.core.experiment.Experiments;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The options that choose what computes. */
final class EngineOption {
    private static final int MOST_THREADS = 1024;

    @Option(names = "--engine", paramLabel = "ID", defaultValue = "auto",
            description = "What computes: auto, cpu, tornado or a plugin's id. Default: ${DEFAULT-VALUE}.")
    private String id;

    @Option(names = "--device", paramLabel = "DEVICE", description = "Index or part of the name of the engine's device; see sae devices.")
    private String device;

    @Option(names = "--threads", paramLabel = "N", defaultValue = "0",
            description = "Threads of the CPU engine; 0 is one per processor. Results do not depend on it.")
    private int threads;

    @Option(names = "--engine-set", paramLabel = "KEY=VALUE", description = "A further setting of the engine; repeat for more.")
    private Map<String, String> settings = Map.of();

    @Mixin
    private PluginOption plugins = new PluginOption();

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    EngineOption() {
    }

    /** {@return the experiments that are installed and those of plugins} */
    Experiments experiments() {
        return plugins.experiments();
    }

    /** Opens the engine and says which one, where the user left the choice. */
    Engine open(Terminal terminal) {
        say(terminal);
        return open(0);
    }

    /** Says which engine will be opened, where the user left the choice. */
    void say(Terminal terminal) {
        check();
        Engines.Choice choice = Engines.choose(id, plugins.loader());
        if (id.equals(Engines.AUTO)) {
            terminal.say("engine " + choice.provider().id() + ": " + choice.reason());
        }
    }

    private void check() {
        if (threads < 0 || threads > MOST_THREADS) {
            throw new ParameterException(spec.commandLine(), "--threads is 0, for one per processor, to " + MOST_THREADS + ", found "
                    + threads);
        }
    }

    /** Opens the engine with a number of threads, unless the user said one; 0 is one per processor. */
    Engine open(int otherwise) {
        return Engines.choose(id, plugins.loader()).open(new EngineOptions(Optional.ofNullable(device), threads > 0 ? threads : otherwise, settings));
    }
}
