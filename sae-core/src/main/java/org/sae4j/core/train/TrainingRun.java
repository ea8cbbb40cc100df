package org.sae4j.core.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Sae4j;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFolder;
import org.sae4j.core.output.OutputKind;

/**
 * A training from its settings to a folder with all that belongs to the autoencoder: weights and configuration, model card, metrics of every
 * step, evaluations, checkpoints to go on from. What {@code sae train} does.
 *
 * <p>For one thread at a time. After {@link #close()}, {@link #run} throws {@link IllegalStateException}. Engine and source belong to the
 * caller and stay open.
 */
public final class TrainingRun implements AutoCloseable {
    /** The file with a line for each step, see {@link MetricsFile}. */
    public static final String METRICS = "metrics.jsonl";
    /** The file with a line for each evaluation as training goes. */
    public static final String EVALUATIONS = "evaluation.jsonl";
    private static final String CHECKPOINTS = "checkpoints";
    /** What a run leaves in its folder. */
    public static final OutputKind KIND = new OutputKind("a training", SaeFiles.KIND.with(OutputKind.Role.RESULT, FileForm.CARD,
            ModelCard.FILE).with(OutputKind.Role.PARTIAL, FileForm.METRICS, METRICS, EVALUATIONS).entries())
            .within(CHECKPOINTS, Trainer.CHECKPOINTS);
    /** Parts of a run after which a checkpoint is written, if nothing is said. */
    private static final long PARTS = 10;
    private static final long LEAST_ROWS = 1024;
    private static final long MOST_ROWS = 65_536;

    /**
     * What came out.
     *
     * @param trained the autoencoder
     * @param evaluation of it, as {@link Builder#evaluation} says, or else on the rows of the source that follow those of training
     * @param assessment whether it is good, and what to change
     */
    public record Result(TrainedSae trained, Evaluation evaluation, TrainingAssessment assessment) {}

    private final Engine engine;
    private final Recipe recipe;
    private final ActivationSource source;
    private final @Nullable OutputFolder target;
    private final boolean ownTarget;
    private final Map<String, Object> data;
    private final @Nullable Function<SparseAutoencoder, Evaluation> evaluation;
    private final Optional<Path> resumedFrom;
    private final List<String> remarks;
    private final Trainer trainer;
    private final List<MetricsFile> open = new ArrayList<>();
    private final List<Consumer<TrainingMetrics>> listeners = new ArrayList<>();

    private TrainingRun(Builder b) {
        engine = b.engine;
        recipe = b.recipe;
        source = b.source;
        ownTarget = b.folder != null;
        target = b.folder != null ? OutputFolder.open(b.folder, KIND, b.existing) : b.target;
        data = new LinkedHashMap<>(b.data);
        evaluation = b.evaluation;
        remarks = recipe.remarks(source.width(), b.rows);
        try {
            Trainer.Builder builder = Trainer.builder(engine, recipe, source).init(b.init).origin(b.hook, b.modelName)
                    .contexts(b.contexts).data(data.isEmpty() ? "" : data.toString());
            Path checkpoints = target == null || b.checkpointEvery < 0 ? null : target.path().resolve(CHECKPOINTS);
            resumedFrom = checkpoints == null || b.existing != Existing.RESUME ? Optional.empty()
                    : Trainer.latestCheckpoint(checkpoints);
            resumedFrom.ifPresent(builder::resume);
            if (checkpoints != null) {
                builder.checkpoints(checkpoints, b.checkpointEvery == Long.MAX_VALUE ? Math.max(1, recipe.steps() / PARTS)
                        : b.checkpointEvery).keepCheckpoints(b.keep).existing(b.existing);
            }
            builder.listener(metrics -> listeners.forEach(listener -> listener.accept(metrics)));
            trainer = builder.build();
        } catch (RuntimeException | Error e) {
            closeTarget();
            throw e;
        }
        try {
            if (target != null) {
                // What an earlier run wrote stays until this one is ready to begin.
                target.begin();
                listeners.add(file(METRICS));
                if (evaluation != null && b.evaluateEvery > 0) {
                    PeriodicEvaluation periodic = new PeriodicEvaluation(engine, evaluation, b.evaluateEvery, file(EVALUATIONS));
                    listeners.add(metrics -> periodic.after(metrics, trainer::result));
                }
            }
            listeners.addAll(b.listeners);
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private MetricsFile file(String name) {
        MetricsFile file = new MetricsFile(Objects.requireNonNull(target).path().resolve(name), trainer.steps());
        open.add(file);
        return file;
    }

    /**
     * Prepares a run.
     *
     * @param engine runs the steps; stays open
     * @param recipe how to train
     * @param source what to train on, at its start; stays open
     * @return a builder
     */
    public static Builder builder(Engine engine, Recipe recipe, ActivationSource source) {
        return new Builder(engine, recipe, source);
    }

    /** {@return what is worth knowing before the run starts, see {@link Recipe#remarks}} */
    public List<String> remarks() {
        return remarks;
    }

    /** {@return the checkpoint that this run goes on from; empty if it begins at the start} */
    public Optional<Path> resumedFrom() {
        return resumedFrom;
    }

    /** {@return the number of steps done, those before a resumption included} */
    public long steps() {
        return trainer.steps();
    }

    /**
     * Trains to the end, evaluates, and writes the autoencoder and its model card.
     *
     * @param progress told of every step, and of the evaluation
     * @return the result
     * @throws java.util.concurrent.CancellationException if cancelled; a checkpoint is left, and another run can go on from it
     * @throws Sae4jException if the loss is not finite, or a file cannot be written
     * @throws IllegalStateException after close
     * @throws org.sae4j.api.engine.EngineException if the engine fails
     */
    public Result run(Progress progress) {
        trainer.run(progress);
        TrainedSae trained = trainer.result();
        Evaluation measured;
        try (SparseAutoencoder sae = SparseAutoencoders.of(trained.config(), trained.parameters(), engine)) {
            measured = evaluation != null ? evaluation.apply(sae) : evaluateOnNextRows(sae, progress);
        }
        TrainingAssessment assessment = TrainingAssessment.of(measured, recipe, source.width());
        if (target != null) {
            Path folder = target.path();
            SaeFiles.write(folder, trained.config(), trained.parameters(), trained.metadata(), Existing.OVERWRITE);
            Map<String, Object> provenance = new LinkedHashMap<>(data);
            provenance.put("engine", engine.id());
            provenance.put("sae4j", Sae4j.version());
            provenance.put("java", Runtime.version().toString());
            ModelCard.write(folder, trained, recipe, provenance, MetricsFile.last(folder.resolve(METRICS)), assessment);
        }
        return new Result(trained, measured, assessment);
    }

    private Evaluation evaluateOnNextRows(SparseAutoencoder sae, Progress progress) {
        long position = source.position();
        try {
            long rows = Math.clamp(trainer.steps() * recipe.batch() / PARTS, LEAST_ROWS, MOST_ROWS);
            return Evaluator.evaluate(sae, source::next, rows, Double.POSITIVE_INFINITY, progress);
        } finally {
            source.seek(position);
        }
    }

    /** Frees what the run holds and closes its files. Closing twice has no effect. */
    @Override
    public void close() {
        trainer.close();
        for (MetricsFile file : open) {
            file.close();
        }
        open.clear();
        closeTarget();
    }

    private void closeTarget() {
        if (ownTarget && target != null) {
            target.close();
        }
    }

    /** Collects what a run needs. Not for use by several threads. */
    public static final class Builder {
        private final Engine engine;
        private final Recipe recipe;
        private final ActivationSource source;
        private final List<Consumer<TrainingMetrics>> listeners = new ArrayList<>();
        private @Nullable Path folder;
        private Map<String, Tensor> init = Map.of();
        private Map<String, ?> data = Map.of();
        private Optional<HookPoint> hook = Optional.empty();
        private Optional<String> modelName = Optional.empty();
        private @Nullable Function<SparseAutoencoder, Evaluation> evaluation;
        private long evaluateEvery;
        private long checkpointEvery = Long.MAX_VALUE;
        private int keep = 2;
        private Map<String, String> contexts = Map.of();
        private @Nullable OutputFolder target;
        private Existing existing = Existing.REFUSE;
        private long rows;

        private Builder(Engine engine, Recipe recipe, ActivationSource source) {
            this.engine = engine;
            this.recipe = recipe;
            this.source = source;
        }

        /**
         * Writes to a folder, which the run locks; without it nothing is written.
         *
         * @param output for {@code sae_weights.safetensors}, {@code cfg.json}, {@code README.md}, {@code metrics.jsonl},
         *     {@code evaluation.jsonl} and {@code checkpoints}; made if needed
         * @param what becomes of what stands there; with {@code RESUME} the run goes on from the folder's newest checkpoint, to the same
         *     bits as without the interruption, and from the start if there is none
         * @return this
         */
        public Builder output(Path output, Existing what) {
            folder = output;
            target = null;
            existing = what;
            return this;
        }

        /**
         * Writes to a folder that the caller has taken, and closes.
         *
         * @param output of {@link #KIND}; begun when the run is built
         * @param what as it was taken with
         * @return this
         */
        public Builder output(OutputFolder output, Existing what) {
            folder = null;
            target = output;
            existing = what;
            return this;
        }

        /**
         * Says of what contexts the activations come, for the result's configuration, see {@link Trainer.Builder#contexts}.
         *
         * @param description by name
         * @return this
         */
        public Builder contexts(Map<String, String> description) {
            contexts = description;
            return this;
        }

        /**
         * Says how often checkpoints are written; a tenth of the steps if nothing is said.
         *
         * @param every steps between them; 0 for only at the end and on cancellation; negative for none at all
         * @param kept how many stay, at least 1
         * @return this
         */
        public Builder checkpoints(long every, int kept) {
            checkpointEvery = every;
            keep = kept;
            return this;
        }

        /**
         * Starts from given parameters, see {@link Trainer.Builder#init}.
         *
         * @param parameters by SAELens name
         * @return this
         */
        public Builder init(Map<String, Tensor> parameters) {
            init = parameters;
            return this;
        }

        /**
         * Says what the source is made of: in the model card, and to know it again when a run is resumed.
         *
         * @param description by name, in order
         * @return this
         */
        public Builder data(Map<String, ?> description) {
            data = description;
            return this;
        }

        /**
         * Says how many different rows the source has, so that {@link #remarks} can say how often the run passes over them.
         *
         * @param count rows; 0 if that is not known
         * @return this
         */
        public Builder rows(long count) {
            rows = count;
            return this;
        }

        /**
         * Notes where the activations come from, for the result's configuration.
         *
         * @param hookPoint the hook point
         * @param model the transformer's name
         * @return this
         */
        public Builder origin(Optional<HookPoint> hookPoint, Optional<String> model) {
            hook = hookPoint;
            modelName = model;
            return this;
        }

        /**
         * Says how the autoencoder is evaluated: at the end, and as training goes into {@code evaluation.jsonl}. An evaluation within a
         * model ({@link Evaluator}) gives recovered cross-entropy too.
         *
         * @param evaluate evaluates an open autoencoder; belongs to the caller
         * @param every steps between evaluations as training goes; 0 for only at the end
         * @return this
         */
        public Builder evaluation(Function<SparseAutoencoder, Evaluation> evaluate, long every) {
            evaluation = evaluate;
            evaluateEvery = every;
            return this;
        }

        /**
         * Tells someone of every step.
         *
         * @param listener called after each step, in the thread that trains
         * @return this
         */
        public Builder listener(Consumer<TrainingMetrics> listener) {
            listeners.add(listener);
            return this;
        }

        /**
         * Compiles the step and opens the files.
         *
         * @return the run; close it before the engine
         * @throws Sae4jException if settings contradict each other, given tensors do not fit, a checkpoint cannot be read or does not fit,
         *     or a file cannot be opened
         * @throws org.sae4j.api.engine.EngineException if the engine lacks memory
         */
        public TrainingRun build() {
            return new TrainingRun(this);
        }
    }
}
