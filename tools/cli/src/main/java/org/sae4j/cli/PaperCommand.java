package org.sae4j.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.hub.HubClient;
import org.sae4j.core.hub.HubReference;
import org.sae4j.core.hub.HubSettings;
import org.sae4j.core.output.OutputFolder;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Repeats the paper that this project follows. */
@Command(name = "paper", description = {"Repeat the paper that sae4j follows: its experiments with its settings, and its figures and claims "
        + "beside what is seen here.",
        "Without --model and --sae it downloads the paper's: gelu-1l and Neel Nanda's run1. See docs/replicate-the-paper.md."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class PaperCommand implements Runnable {
    static final String MODEL = "NeelNanda/GELU_1L512W_C4_Code";
    static final String TOKENIZER = "NeelNanda/gpt-neox-tokenizer-digits";
    static final String SAES = "NeelNanda/sparse_autoencoder";
    /** Run1 is number 25 of the repository. */
    static final List<String> RUN1 = List.of("25.pt", "25_cfg.json");

    @Spec
    private CommandSpec spec;

    @Option(names = "--model", paramLabel = "DIR", description = "Another transformer, with --sae.")
    private @Nullable Path model;

    @Option(names = "--sae", paramLabel = "PATH", description = "An autoencoder of --model.")
    private @Nullable Path sae;

    @Option(names = "--feature", paramLabel = "N", defaultValue = "42", description = "The feature that the paper looks at. Default: "
            + "${DEFAULT-VALUE}.")
    private int feature;

    @Option(names = "--corpus", paramLabel = "FILE", description = CorpusOptions.LABELLED + " Default: the demo's labeled texts.")
    private @Nullable Path corpus;

    @Option(names = "--documents", paramLabel = "N", defaultValue = "600", description = "Texts to use of the corpus, evenly spread. Default: "
            + "${DEFAULT-VALUE}.")
    private int documents;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of all random numbers. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Option(names = "--output", paramLabel = "DIR", defaultValue = "sae-paper", description = "The folder to write: report.html and the "
            + "experiments' results. Default: ${DEFAULT-VALUE}.")
    private Path output;

    @Option(names = "--offline", description = "Use only what was downloaded before.")
    private boolean offline;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private EngineOption engineOption;

    PaperCommand() {
    }

    @Override
    public void run() {
        if (model == null != (sae == null)) {
            throw new ParameterException(spec.commandLine(), "--model and --sae belong together");
        }
        if (documents < 2 || feature < 0) {
            throw new ParameterException(spec.commandLine(), "--documents is at least 2 and --feature at least 0, found " + documents + " and "
                    + feature);
        }
        Terminal terminal = new Terminal();
        try (OutputFolder target = OutputFolder.open(output, OutputKinds.PAPER, overwriteOption.existing(), corpus)) {
            Path transformer = model != null ? Paths.existing(model, "--model") : null;
            Path coder = sae != null ? Paths.existing(sae, "--sae") : null;
            List<Document> texts = spread(corpus == null ? DemoWorld.labelledCorpus()
                    : DataFiles.corpus(Paths.existing(corpus, "--corpus")));
            target.begin();
            if (transformer == null || coder == null) {
                transformer = Paths.newFolder(output.resolve("model"));
                coder = fetch(transformer, terminal);
            }
            try (Engine engine = engineOption.open(terminal);
                    Transformer opened = ProcessOption.whole(Transformers.open(transformer, engine));
                    SparseAutoencoder autoencoder = SparseAutoencoders.open(coder, engine)) {
                if (feature >= autoencoder.config().dSae()) {
                    throw new Sae4jException("no feature " + feature + ", only 0 to " + (autoencoder.config().dSae() - 1), "--feature",
                            "choose one of this autoencoder");
                }
                new PaperRun(opened, autoencoder, engine, texts, feature, seed, output, model == null, terminal).run();
            }
        }
        terminal.say("the page is " + output.resolve(OutputKinds.REPORT).toAbsolutePath().normalize().toUri());
    }

    private List<Document> spread(List<Document> all) {
        if (all.size() <= documents) {
            return all;
        }
        return java.util.stream.IntStream.range(0, documents).mapToObj(i -> all.get((int) ((long) i * all.size() / documents))).toList();
    }

    /** Puts the paper's model into a folder with its tokenizer, which lies in a repository of its own; {@return the autoencoder} */
    private Path fetch(Path folder, Terminal terminal) {
        HubSettings settings = HubSettings.fromEnvironment().withOffline(offline);
        try (HubClient client = new HubClient(settings)) {
            Path weights = client.fetch(HubReference.parse(MODEL), List.of("config.json", "model_final.pth"), terminal).folder();
            Path tokenizer = client.fetch(HubReference.parse(TOKENIZER), List.of("tokenizer.json"), terminal).folder();
            Path coders = client.fetch(HubReference.parse(SAES), RUN1, terminal).folder();
            copy(weights.resolve("config.json"), folder);
            copy(weights.resolve("model_final.pth"), folder);
            copy(tokenizer.resolve("tokenizer.json"), folder);
            return coders.resolve(RUN1.getFirst());
        } catch (Sae4jException e) {
            throw new Sae4jException("the paper's model and autoencoder cannot be had: " + e.getMessage(), MODEL + ", " + TOKENIZER + ", " + SAES,
                    "fetch them where there is a network, as docs/replicate-the-paper.md says, and give --model and --sae", e);
        }
    }

    private static void copy(Path file, Path folder) {
        try {
            Files.copy(file, folder.resolve(file.getFileName().toString()), StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new Sae4jException("the file cannot be copied (" + e + ")", file.toString(), "check space and permissions", e);
        }
    }
}
