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
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Sae4j;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.EvaluationFile;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.store.ActivationPaths;
import org.sae4j.core.store.ActivationStore;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Evaluates an autoencoder. */
@Command(name = "evaluate", description = "Measure how well an autoencoder reconstructs, how its features fire, and what the model loses.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class EvaluateCommand implements Runnable, Needs {
    @Spec
    private CommandSpec spec;

    @Option(names = "--sae", required = true, paramLabel = "PATH", description = "The autoencoder's folder or file.")
    private Path sae;

    @Option(names = "--model", paramLabel = "DIR", description = "The transformer's folder, or a GGUF file; it reads a corpus.")
    private Path model;

    @Mixin
    private CorpusOptions corpus;

    @Option(names = "--max-rows", paramLabel = "N", description = "Stop reading the corpus after so many tokens that count. Default: the "
            + "whole corpus.")
    private Long maxRows;

    @Option(names = "--keep-first", description = "With --model: exclude the first position of every context from reconstruction and "
            + "firing, and keep its activation when others are replaced, even without BOS there.")
    private boolean keepFirst;

    @Option(names = "--activations", arity = "1..*", paramLabel = "PATH",
            description = "Instead of a model: activations, as a store that sae harvest wrote, or safetensors files, or folders of them.")
    private List<Path> activations = List.of();

    @Option(names = "--tensor", paramLabel = "NAME", defaultValue = "data", description = "The tensor in the files. Default: data.")
    private String tensor;

    @Option(names = "--output", paramLabel = "FILE", description = "Write all numbers as JSON too, with the density of every feature; a "
            + "file whose name ends with .jsonl gets a line appended.")
    private Path output;

    @Mixin
    private JsonOption json;

    @Mixin
    private NormOption norm;

    @Mixin
    private OverwriteOption overwriteOption;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private EngineOption engineOption;

    EvaluateCommand() {
    }

    @Override
    public List<String> missing() {
        return model != null ? corpus.missing() : Usage.absent("'--activations=PATH' (or '--model=DIR' with a corpus)",
                activations.isEmpty() ? null : activations);
    }

    @Override
    public void run() {
        checkData();
        Paths.existing(sae, "--sae");
        if (output != null) {
            List<Path> inputs = new ArrayList<>(corpus.paths());
            inputs.addAll(activations);
            if (!Files.isDirectory(sae)) {
                inputs.add(sae);
            }
            EvaluationFile.check(output, overwriteOption.existing(), inputs.toArray(Path[]::new));
        }
        boolean data = json.begin();
        Terminal terminal = new Terminal();
        Map<String, Object> provenance = new LinkedHashMap<>();
        try (Engine engine = engineOption.open(terminal); SparseAutoencoder autoencoder = SparseAutoencoders.open(sae, engine)) {
            provenance.put("sae4j", Sae4j.version());
            provenance.put("engine", engine.id());
            provenance.put("device", engine.device().name());
            provenance.put("autoencoder_fingerprint", autoencoder.fingerprint());
            Evaluation evaluation = model != null ? onTexts(autoencoder, engine, provenance, terminal)
                    : onActivations(autoencoder, provenance, terminal);
            Terminal.endLine();
            if (data) {
                Map<String, @Nullable Object> values = new LinkedHashMap<>();
                values.put("provenance", provenance);
                values.putAll(EvaluationFile.values(evaluation));
                json.print("evaluation", values);
            } else {
                print(evaluation);
            }
            if (output != null) {
                EvaluationFile.write(output, evaluation, provenance);
            }
        }
    }

    private void checkData() {
        norm.check();
        processOption.check();
        if (model != null && !activations.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--model and --activations are mutually exclusive");
        }
        if (model == null && (corpus.isGiven() || processOption.isGiven() || maxRows != null || keepFirst)) {
            throw new ParameterException(spec.commandLine(), "--activations are given, so a corpus, --process, --max-rows and --keep-first "
                    + "have no effect");
        }
        if (maxRows != null && maxRows < 1) {
            throw new ParameterException(spec.commandLine(), "--max-rows is at least 1, found " + maxRows);
        }
    }

    private Evaluation onTexts(SparseAutoencoder autoencoder, Engine engine, Map<String, Object> provenance, Terminal terminal) {
        try (Transformer transformer = processOption.openWhole(Paths.existing(model, "--model"), engine)) {
            List<Context> contexts = corpus.contexts(transformer, maxRows == null ? Long.MAX_VALUE : maxRows, terminal);
            provenance.put("model_name", transformer.config().name());
            provenance.put("model_fingerprint", transformer.fingerprint());
            try (Contexts open = corpus.open(transformer)) {
                provenance.put("texts", open.description());
            }
            provenance.put("contexts", contexts.size());
            provenance.put("tokens_read", contexts.stream().mapToLong(Context::size).sum());
            return Evaluator.evaluate(transformer, autoencoder, contexts, keepFirst, norm.multiple(), terminal);
        }
    }

    private Evaluation onActivations(SparseAutoencoder autoencoder, Map<String, Object> provenance, Terminal terminal) {
        activations.forEach(path -> Paths.existing(path, "--activations"));
        ActivationPaths paths = new ActivationPaths(activations, tensor, Optional.empty(), Optional.empty(),
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
        e.large().ifPresent(large -> line(out, "  of all rows", "%.4f with %d rows of a norm above %.4g, which are excluded from all else "
                + "(--max-norm)", large.explainedVariance(), large.rows(), large.normLimit()));
        line(out, "dead features", "%d of %d (never in these tokens)", e.dead(), e.density().length);
        line(out, "dense features", "%d above 1%%, %d above 10%%", e.denserThan(0.01), e.denserThan(0.1));
        line(out, "mean centering |mu|/|sigma|", "%.3f", e.meanCentring());
        e.recovered().ifPresent(r -> {
            line(out, "cross-entropy in nats", "clean %.4f, with autoencoder %.4f, with zeros %.4f", r.ceClean(), r.ceSae(), r.ceZero());
            line(out, "  tokens kept", "%d as they were, of %d with a prediction: those that do not count%s", r.kept(), r.predictions(),
                    r.firstKept() ? ", the first position of every context among them" : "");
            line(out, "CE recovered", "%.4f of what zeros cost", r.ceRecovered());
            line(out, "KL recovered", "%.4f", r.klRecovered());
            line(out, "as SAELens counts", "ce_loss_score %.4f, kl_div_score %.4f: all positions replaced, kept ones too, which costs "
                    + "%.4f nats", r.everywhere().ceLossScore(), r.everywhere().klDivScore(), r.costOfKept());
        });
        out.flush();
    }

    private static void line(PrintWriter out, String name, String format, Object... values) {
        out.printf("%-28s%s%n", name, String.format(Locale.ROOT, format, values));
    }
}
