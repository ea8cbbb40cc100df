package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.Corpus;
import org.sae4j.core.activations.TextContexts;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.TrainingRun;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The options for evaluation as training goes: on held-out activations, or within a model on held-out texts. */
final class HeldOutOptions {
    @Spec(Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--eval-activations", paramLabel = "STORE",
            description = "A store of held-out activations to evaluate on as training goes; adds evaluation.jsonl to the output.")
    private Path activations;

    @Option(names = "--eval-corpus", arity = "1..*", paramLabel = "FILE",
            description = "Instead: held-out texts to evaluate on within the model, recovered cross-entropy included. "
                    + CorpusOptions.LABELLED)
    private List<Path> corpus = List.of();

    @Option(names = "--eval-model", paramLabel = "DIR",
            description = "With --eval-corpus and --activations: the transformer that the activations come from, with --process as it "
                    + "was harvested. With --model it is that one.")
    private Path model;

    @Option(names = "--eval-every", paramLabel = "N", description = "Steps between evaluations. Default: a tenth of all.")
    private Long every;

    @Option(names = "--eval-rows", paramLabel = "N", defaultValue = "8192",
            description = "Held-out activations or tokens to evaluate on, always the first ones. Default: ${DEFAULT-VALUE}, or all if fewer.")
    private long rows;

    HeldOutOptions() {
    }

    /** Whether a transformer is opened for evaluation alone, so that options of models have an effect. */
    boolean hasModel() {
        return model != null;
    }

    /** Refuses what contradicts itself, before anything is opened. */
    void check(boolean onModel) {
        if (activations != null && !corpus.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--eval-activations and --eval-corpus are mutually exclusive");
        }
        if (model != null && (onModel || corpus.isEmpty())) {
            throw new ParameterException(spec.commandLine(), onModel ? "--eval-model belongs to --activations; with --model it is that one"
                    : "--eval-model needs '--eval-corpus=FILE'");
        }
        if (!onModel && model == null && !corpus.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "Missing required option: '--eval-model=DIR', since --eval-corpus is given");
        }
        if ((activations != null || !corpus.isEmpty()) && (rows < 1 || every != null && every < 1)) {
            throw new ParameterException(spec.commandLine(), "--eval-every and --eval-rows are at least 1, found " + every + " and " + rows);
        }
        corpus.forEach(path -> Paths.existing(path, "--eval-corpus"));
    }

    /** What is read, for checks of the output. */
    Stream<Path> inputs() {
        return corpus.stream();
    }

    /** Opens the store, or the model of the activations and reads the texts. */
    HeldOut onActivations(ActivationStore trained, ProcessOption process, CorpusOptions texts, NormOption norm, Engine engine,
            Terminal terminal) {
        if (corpus.isEmpty()) {
            return open(norm, terminal);
        }
        HookPoint hook = trained.info().hook().orElseThrow(() -> new Sae4jException("it is not known where the activations come from",
                "--eval-corpus", "name their hook point with --hook"));
        Transformer transformer = process.openWhole(Paths.existing(model, "--eval-model"), engine);
        try {
            int width = transformer.hookPoints().contains(hook) ? transformer.width(hook).orElse(0) : 0;
            if (width != trained.info().width()) {
                throw new Sae4jException(width == 0 ? "the model has no hook point " + hook : "the model's activations at " + hook + " have "
                        + width + " values, those to train on " + trained.info().width(), model.toString(),
                        "give the model that the activations come from");
            }
            return onTexts(transformer, transformer, texts, norm, terminal);
        } catch (RuntimeException | Error e) {
            transformer.close();
            throw e;
        }
    }

    /** Opens the store, or reads the texts for an open model. */
    HeldOut onModel(Transformer transformer, CorpusOptions texts, NormOption norm, Terminal terminal) {
        return corpus.isEmpty() ? open(norm, terminal) : onTexts(transformer, null, texts, norm, terminal);
    }

    private HeldOut open(NormOption norm, Terminal terminal) {
        if (activations == null) {
            return new HeldOut(null, List.of());
        }
        ActivationStore store = ActivationStore.open(Paths.folder(activations, "--eval-activations"));
        try {
            double limit = norm.limit(store.norms(terminal));
            ActivationSource source = store.all().sequential();
            return new HeldOut(sae -> {
                source.seek(0);
                return Evaluator.evaluate(sae, source::next, Math.min(rows, store.rows()), limit, terminal);
            }, List.of(store));
        } catch (RuntimeException | Error e) {
            store.close();
            throw e;
        }
    }

    private HeldOut onTexts(Transformer transformer, @Nullable Transformer own, CorpusOptions texts, NormOption norm, Terminal terminal) {
        List<Context> contexts = new ArrayList<>();
        try (Contexts open = new TextContexts(Corpus.labelled(corpus), texts.tokenization(transformer))) {
            long counted = 0;
            for (Optional<Context> next = open.next(); next.isPresent(); next = counted < rows ? open.next() : Optional.empty()) {
                terminal.checkCancelled();
                contexts.add(next.get());
                counted += next.get().count();
            }
            terminal.say("evaluating on " + counted + " tokens in " + contexts.size() + " contexts of held-out texts: "
                    + CorpusOptions.describe(open));
        }
        if (contexts.isEmpty()) {
            throw new Sae4jException("there is no text", corpus.getFirst().toString(), "give texts to evaluate on");
        }
        return new HeldOut(sae -> Evaluator.evaluate(transformer, sae, contexts, false, norm.multiple(), terminal),
                Stream.ofNullable(own).toList());
    }

    /** Held-out activations or texts while training goes: nothing, if the user asked for nothing. */
    final class HeldOut implements AutoCloseable {
        private final @Nullable Function<SparseAutoencoder, Evaluation> evaluation;
        private final List<? extends AutoCloseable> open;

        private HeldOut(@Nullable Function<SparseAutoencoder, Evaluation> evaluation, List<? extends AutoCloseable> open) {
            this.evaluation = evaluation;
            this.open = open;
        }

        /** Tells a run to evaluate on them. */
        void configure(TrainingRun.Builder run, Recipe recipe) {
            if (evaluation != null) {
                run.evaluation(Objects.requireNonNull(evaluation), every == null ? Math.max(1, recipe.steps() / 10) : every);
            }
        }

        @Override
        public void close() {
            for (AutoCloseable resource : open) {
                switch (resource) {
                    case ActivationStore store -> store.close();
                    case Transformer transformer -> transformer.close();
                    default -> throw new IllegalStateException("not opened here: " + resource);
                }
            }
        }
    }
}
