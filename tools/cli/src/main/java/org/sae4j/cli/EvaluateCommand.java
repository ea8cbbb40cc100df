package org.sae4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.EvaluationFile;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.train.TokenActivations;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Evaluates an autoencoder. */
@Command(name = "evaluate", description = "Measure how well an autoencoder reconstructs, how its features fire, and what the model loses.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class EvaluateCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--sae", required = true, paramLabel = "PATH", description = "The autoencoder's folder or file.")
    private Path sae;

    @ArgGroup(multiplicity = "1", exclusive = true)
    private Data data;

    @Option(names = "--output", paramLabel = "FILE", description = "Write all numbers as JSON too, with the density of every feature; a "
            + "file whose name ends with .jsonl gets one more line.")
    private Path output;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private EngineOption engineOption;

    /** What to evaluate on. */
    static final class Data {
        @ArgGroup(exclusive = false)
        private Texts texts;

        @ArgGroup(exclusive = false)
        private Stored stored;

        Data() {
        }
    }

    /** Texts through a model. */
    static final class Texts {
        @Option(names = "--model", required = true, paramLabel = "DIR", description = "The transformer's folder, with a tokenizer.")
        private Path model;

        @Option(names = "--corpus", required = true, paramLabel = "FILE", description = CorpusOptions.LABELLED)
        private Path corpus;

        Texts() {
        }
    }

    /** Activations from a file. */
    static final class Stored {
        @Option(names = "--activations", required = true, paramLabel = "PATH",
                description = "A safetensors file with activations, or a store that sae harvest wrote.")
        private Path activations;

        @Option(names = "--tensor", paramLabel = "NAME", defaultValue = "data", description = "The tensor in a file. Default: data.")
        private String tensor;

        Stored() {
        }
    }

    EvaluateCommand() {
    }

    @Override
    public void run() {
        processOption.check();
        Paths.existing(sae, "--sae");
        if (output != null) {
            Paths.newFile(output, sae, data.texts != null ? data.texts.corpus : data.stored.activations);
        }
        Terminal terminal = new Terminal();
        Map<String, Object> provenance = new LinkedHashMap<>();
        try (Engine engine = engineOption.open(terminal); SparseAutoencoder autoencoder = SparseAutoencoders.open(sae, engine)) {
            provenance.put("sae4j", Version.current());
            provenance.put("engine", engine.id());
            provenance.put("device", engine.device().name());
            provenance.put("autoencoder_fingerprint", autoencoder.fingerprint());
            Evaluation evaluation = data.texts != null ? onTexts(data.texts, autoencoder, engine, provenance, terminal)
                    : onActivations(data.stored, autoencoder, provenance, terminal);
            Terminal.endLine();
            print(evaluation);
            if (output != null) {
                EvaluationFile.write(output, evaluation, provenance);
            }
        }
    }

    private Evaluation onTexts(Texts texts, SparseAutoencoder autoencoder, Engine engine, Map<String, Object> provenance,
            Terminal terminal) {
        try (Transformer model = processOption.open(Paths.folder(texts.model, "--model"), engine)) {
            List<String> documents = DataFiles.corpus(Paths.existing(texts.corpus, "--corpus")).stream().map(Document::text).toList();
            provenance.put("model_name", model.config().name());
            provenance.put("model_fingerprint", model.fingerprint());
            boolean hasBos = model.tokenizer().filter(t -> t.bos().isPresent()).isPresent();
            return Evaluator.evaluate(model, autoencoder, TokenActivations.rows(model, documents), hasBos, terminal);
        }
    }

    private static Evaluation onActivations(Stored stored, SparseAutoencoder autoencoder, Map<String, Object> provenance,
            Terminal terminal) {
        Path path = Paths.existing(stored.activations, "--activations");
        if (ActivationStore.isStore(path)) {
            try (ActivationStore store = ActivationStore.open(path)) {
                if (store.info().width() != autoencoder.config().dIn()) {
                    throw new Sae4jException("expected activations of width " + autoencoder.config().dIn() + ", found "
                            + store.info().width(), path.toString(), "use activations of the autoencoder's hook point");
                }
                provenance.put("model_name", store.info().modelName());
                provenance.put("model_fingerprint", store.info().modelFingerprint());
                provenance.put("hook_name", store.info().hook().toString());
                return Evaluator.evaluate(autoencoder, store.sequential()::next, store.rows(), terminal);
            }
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            return Evaluator.evaluate(autoencoder, Inputs.rows(file, stored.tensor, autoencoder.config().dIn()), terminal);
        }
    }

    private void print(Evaluation e) {
        PrintWriter out = spec.commandLine().getOut();
        line(out, "tokens", "%d", e.tokens());
        line(out, "L0", "%.2f", e.l0());
        line(out, "L1", "%.4g", e.l1());
        line(out, "MSE", "%.6g", e.mse());
        line(out, "cosine", "%.4f", e.cosine());
        line(out, "explained variance", "%.4f", e.explainedVariance());
        line(out, "dead features", "%d of %d (never in these tokens)", e.dead(), e.density().length);
        line(out, "dense features", "%d above 1%%, %d above 10%%", e.denserThan(0.01), e.denserThan(0.1));
        line(out, "mean centring |mu|/|sigma|", "%.3f", e.meanCentring());
        e.recovered().ifPresent(r -> {
            line(out, "cross-entropy in nats", "clean %.4f, with autoencoder %.4f, with zeros %.4f", r.ceClean(), r.ceSae(), r.ceZero());
            line(out, "CE recovered", "%.4f", r.ceRecovered());
            line(out, "KL recovered", "%.4f", r.klRecovered());
        });
        out.flush();
    }

    private static void line(PrintWriter out, String name, String format, Object... values) {
        out.printf("%-28s%s%n", name, String.format(Locale.ROOT, format, values));
    }
}
