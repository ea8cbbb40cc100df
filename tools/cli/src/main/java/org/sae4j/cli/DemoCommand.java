package org.sae4j.cli;

import java.nio.file.Path;
import org.sae4j.api.engine.Engine;
import org.sae4j.core.output.OutputFolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The main job: what an autoencoder finds in a transformer. */
@Command(name = "demo", description = {"Train autoencoders on the embedded demo model, run all experiments and write one report.",
        "Takes a few minutes and needs no network."}, mixinStandardHelpOptions = true, versionProvider = Version.class)
final class DemoCommand implements Runnable {
    @Option(names = "--output", paramLabel = "DIR", defaultValue = "sae-demo",
            description = "The folder to write: report.html, results, the trained autoencoders and the models. Default: ${DEFAULT-VALUE}.")
    private Path output;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of all random numbers. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--steps", paramLabel = "N", defaultValue = "1000",
            description = "Training steps of the main autoencoder; fewer are quicker and worse. Default: ${DEFAULT-VALUE}.")
    private int steps;

    @Option(names = "--documents", paramLabel = "N", defaultValue = "12000",
            description = "Documents to train on, up to 20000. Default: ${DEFAULT-VALUE}.")
    private int documents;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private EngineOption engineOption;

    DemoCommand() {
    }

    @Override
    public void run() {
        Terminal terminal = new Terminal();
        try (OutputFolder target = OutputFolder.open(output, OutputKinds.DEMO, overwriteOption.existing());
                Engine engine = engineOption.open(terminal)) {
            target.begin();
            Path report = new Demo(engine, output, seed, Math.max(1, steps), Math.max(100, documents), terminal).run();
            terminal.say("the report is " + report.toAbsolutePath().normalize().toUri());
        }
    }
}
