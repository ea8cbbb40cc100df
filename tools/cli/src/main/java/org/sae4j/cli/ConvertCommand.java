package org.sae4j.cli;

import java.nio.file.Path;
import java.util.Map;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.format.SaeLayout;
import org.sae4j.core.format.SaeWeights;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Writes an autoencoder in another layout. */
@Command(name = "convert", description = {"Write an autoencoder or transcoder of any readable kind in another layout.",
        "What the layout cannot express is refused. What reading folds into the weights (scales, centering, decoder norms) stays folded."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class ConvertCommand implements Runnable {
    @Option(names = "--sae", required = true, paramLabel = "PATH", description = "The autoencoder: a folder or the file of weights.")
    private Path sae;

    @Option(names = "--to", paramLabel = "LAYOUT", defaultValue = "saelens",
            description = "saelens, or sparsify: then the folder's name says the hook point, such as layers.3.mlp. Default: ${DEFAULT-VALUE}.")
    private SaeLayout layout;

    @Option(names = "--output", required = true, paramLabel = "DIR", description = "The folder to write.")
    private Path output;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private PluginOption plugins = new PluginOption();

    ConvertCommand() {
    }

    @Override
    public void run() {
        Paths.existing(sae, "--sae");
        Terminal terminal = new Terminal();
        plugins.load();
        try (SaeWeights weights = SaeFiles.read(sae)) {
            weights.notes().forEach(terminal::say);
            layout.write(Paths.newFolder(output), weights.config(), weights.parameters(), Map.of(), overwriteOption.existing());
            terminal.say("wrote " + output + ": " + weights.config());
        } catch (IllegalArgumentException e) {
            throw new Sae4jException(String.valueOf(e.getMessage()), sae.toString(), "choose another layout with --to", e);
        }
    }
}
