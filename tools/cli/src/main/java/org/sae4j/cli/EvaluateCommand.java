package org.sae4j.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Sae4j;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.EvaluationFile;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.store.ActivationPaths;
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
    private NormOption norm;

    @Mixin
    private OverwriteOption overwriteOption;

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
        @Option(names = "--model", required = true, paramLabel = "DIR", description = "The transformer's folder, or a GGUF file, with a tokenizer.")
        private Path model;

        @Option(names = "--corpus", required = true, paramLabel = "FILE", description = CorpusOptions.LABELLED)
        private Path corpus;

        Texts() {
        }
    }

    /** Activations from a file. */
    static final class Stored {
        @Option(names = "--activations", required = true, arity = "1..*", paramLabel = "PATH",
                description = "Activations: a store that sae harvest wrote, or safetensors files, or folders of them.")
        private List<Path> activations;

        @Option(names = "--tensor", paramLabel = "NAME", defaultValue = "data", description = "The tensor in the files. Default: data.")
        private String tensor;

        Stored() {
        }
    }

    EvaluateCommand() {
    }

    @Override
    public void run() {
        processOption.check();
        norm.check();
        Paths.existing(sae, "--sae");
        if (output != null) {
            List<Path> inputs = new ArrayList<>(data.texts != null ? List.of(data.texts.corpus) : data.stored.activations);
            if (!Files.isDirectory(sae)) {
                inputs.add(sae);
            }
            EvaluationFile.check(output, overwriteOption.existing(), inputs.toArray(Path[]::new));
        }
        Terminal terminal = new Terminal();
        Map<String, Object> provenance = new LinkedHashMap<>();
        try (Engine engine = engineOption.open(terminal); SparseAutoencoder autoencoder = SparseAutoencoders.open(sae, engine)) {
            provenance.put("sae4j", Sae4j.version());
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
        try (Transformer model = processOption.open(Paths.existing(texts.model, "--model"), engine)) {
            List<String> documents = DataFiles.corpus(Paths.existing(texts.corpus, "--corpus")).stream().map(Document::text).toList();
            provenance.put("model_name", model.config().name());
            provenance.put("model_fingerprint", model.fingerprint());
            boolean hasBos = model.tokenizer().filter(t -> t.bos().isPresent()).isPresent();
            return Evaluator.evaluate(model, autoencoder, TokenActivations.rows(model, documents), hasBos, terminal);
        }
    }

    private Evaluation onActivations(Stored stored, SparseAutoencoder autoencoder, Map<String, Object> provenance, Terminal terminal) {
        stored.activations.forEach(path -> Paths.existing(path, "--activations"));
        ActivationPaths paths = new ActivationPaths(stored.activations, stored.tensor, Optional.empty(), Optional.empty(),
                OptionalInt.of(autoencoder.config().dIn()));
        try (ActivationStore store = paths.open()) {
            if (store.info().modelFingerprint().isEmpty()) {
                provenance.put("activations_sha256", store.summary(terminal).sha256());
            } else {
                provenance.put("model_fingerprint", store.info().modelFingerprint());
            }
            store.info().modelName().ifPresent(name -> provenance.put("model_name", name));
            store.info().hook().ifPresent(hook -> provenance.put("hook_name", hook.toString()));
            return Evaluator.evaluate(autoencoder, store.all().sequential()::next, store.rows(), norm.limit(store.norms(terminal)),
                    terminal);
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
        e.large().ifPresent(large -> line(out, "  of all rows", "%.4f with %d rows of a norm above %.4g, which are left out of all else "
                + "(--max-norm)", large.explainedVariance(), large.rows(), large.normLimit()));
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
