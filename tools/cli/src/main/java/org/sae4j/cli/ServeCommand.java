package org.sae4j.cli;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.format.EndTokens;
import org.sae4j.serve.RequestDeadline;
import org.sae4j.serve.SaeServer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Serves the page that shows features, until it is interrupted. */
@Command(name = "serve", description = {"Open a page on this machine: features of a text as you type, every feature with where it fires and what "
        + "it writes, steering, comparison, names.",
        "The page answers at once and reads the corpus in the meantime. It is for this machine and this user alone: keep the address that is "
                + "printed to yourself. Ctrl-C stops it."},
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class ServeCommand implements Runnable {
    static final String PORT = "7413";
    static final String PORT_DESCRIPTION = "The port of the page; 0 takes any that is free. Default: ${DEFAULT-VALUE}.";
    private static final int MOST_PORT = 65_535;
    private static final long POLL_MILLIS = 100;

    @Spec
    private CommandSpec spec;

    @Option(names = "--model", required = true, paramLabel = "DIR", description = "The transformer's folder, or a GGUF file, with a tokenizer.")
    private Path model;

    @Option(names = "--sae", required = true, arity = "1..*", paramLabel = "PATH", description = "The autoencoder's folder or file; several can be compared.")
    private List<Path> saes;

    @Mixin
    private CorpusOptions corpus;

    @Option(names = "--max-documents", paramLabel = "N", description = "Read the first N texts alone. What the features did on them is kept in memory. "
            + "Default: all texts.")
    private Integer maxDocuments;

    @Mixin
    private LabelsOption labels;

    @Option(names = "--watch", paramLabel = "DIR", description = "A folder that sae train writes to: its curves are drawn as it goes on.")
    private Path watch;

    @Option(names = "--port", paramLabel = "N", defaultValue = PORT, description = PORT_DESCRIPTION)
    private int port;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0", description = "Seed of all random numbers. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private EngineOption engineOption;

    ServeCommand() {
    }

    @Override
    public void run() {
        checkPort(port, spec);
        if (maxDocuments != null && maxDocuments < 1) {
            throw new ParameterException(spec.commandLine(), "--max-documents is at least 1, found " + maxDocuments);
        }
        processOption.check();
        Paths.existing(model, "--model");
        saes.forEach(sae -> Paths.existing(sae, "--sae"));
        if (watch != null) {
            Paths.folder(watch, "--watch");
        }
        Terminal terminal = new Terminal();
        List<Document> documents = corpus.documents(spec, terminal);
        if (maxDocuments != null && maxDocuments < documents.size()) {
            terminal.say(String.format(Locale.ROOT, "reading %,d of %,d texts (--max-documents)", maxDocuments, documents.size()));
            documents = documents.subList(0, maxDocuments);
        }
        try (Engine engine = engineOption.open(terminal); Transformer transformer = processOption.openWhole(model, engine);
                SaeSet autoencoders = SaeSet.open(saes, engine)) {
            SaeServer.Builder builder = SaeServer.builder(transformer).corpus(documents).tokenization(corpus.tokenization(transformer))
                    .labels(labels.file()).ends(EndTokens.of(model)).port(port).seed(seed).progress(terminal);
            Map<String, Integer> seen = new HashMap<>();
            for (int i = 0; i < saes.size(); i++) {
                Path name = saes.get(i).toAbsolutePath().normalize().getFileName();
                int same = seen.merge(String.valueOf(name), 1, Integer::sum);
                builder.autoencoder(same == 1 ? String.valueOf(name) : saes.get(i).toString(), autoencoders.autoencoders().get(i));
            }
            if (watch != null) {
                builder.watch(watch);
            }
            serve(builder, documents.isEmpty() ? "without --corpus, the page shows features on texts that you type"
                    : "names are kept in " + labels.file(), terminal);
        }
    }

    static void checkPort(int port, CommandSpec spec) {
        if (port < 0 || port > MOST_PORT) {
            throw new ParameterException(spec.commandLine(), "--port is from 0 to " + MOST_PORT + ", found " + port);
        }
    }

    /**
     * Serves until Ctrl-C.
     *
     * @param remark said beside the address
     */
    static void serve(SaeServer.Builder builder, String remark, Terminal terminal) {
        RequestDeadline.PROPERTIES.forEach(System.getProperties()::putIfAbsent);
        try (SaeServer server = builder.start()) {
            terminal.say("open " + server.address());
            terminal.say(remark + "; Ctrl-C stops it");
            awaitInterruption();
            Terminal.endLine();
        }
    }

    private static void awaitInterruption() {
        while (!Interruption.requested()) {
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Sae4jException("the server was interrupted", "sae serve", "start it again", e);
            }
        }
    }
}
