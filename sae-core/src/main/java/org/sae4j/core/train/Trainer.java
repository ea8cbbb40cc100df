package org.sae4j.core.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Observer;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.coder.CoderForm;
import org.sae4j.core.internal.Heap;
import org.sae4j.core.internal.InputFold;
import org.sae4j.core.internal.format.TrainingCheckpoint;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.OutputKind;
import org.sae4j.core.program.Parameter;
import org.sae4j.core.program.ProgramWriter;

/**
 * Trains one sparse autoencoder by a recipe. A step is one program on the engine; parameters and moments stay there.
 *
 * <p>The same recipe, source, starts and engine give the same bits, also across an interruption and {@link Builder#resume}. For one thread
 * at a time. After {@link #close()}, {@link #step}, {@link #run}, {@link #result} and {@link #checkpoint} throw
 * {@link IllegalStateException}. The engine and the source belong to the caller and stay open.
 */
public final class Trainer implements AutoCloseable {
    /** The files of a folder of checkpoints. */
    public static final OutputKind CHECKPOINTS = CheckpointFolder.KIND;

    /** The checkpoint's tensor with what is subtracted from inputs. */

    private final Engine engine;
    private final Recipe recipe;
    private final ActivationSource source;
    private final List<Consumer<TrainingMetrics>> listeners;
    private final @Nullable CheckpointFolder checkpoints;
    private final long checkpointEvery;
    private final String data;
    private final Optional<HookPoint> hook;
    private final Optional<String> modelName;
    private final Map<String, Object> contexts;
    private final int d;
    private final int n;
    private final CompiledProgram program;
    /** Kept, so that a step makes no object for it. */
    private final Runnable programRun;
    /** Features that are chosen on the host, and where the program gets them; null where it chooses them itself. */
    private final @Nullable HostFeatures chosen;
    private final @Nullable Buffer givenFeatures;
    private final RunningThreshold threshold;
    private final PenaltyCoefficient coefficient;
    private final StepMetrics metrics;
    private final float[] batch;
    private final float[] hyper = new float[TrainingStep.HYPER];
    /** The activations that a batch keeps; only where the threshold is their running minimum. */
    private final float[] kept;
    private InputScaling scaling = InputScaling.NONE;
    private long steps;
    /** The number of steps after which features were last resampled. */
    private long resampledAt;

    private Trainer(Builder builder) {
        engine = builder.engine;
        recipe = builder.recipe;
        source = builder.source;
        listeners = List.copyOf(builder.listeners);
        checkpointEvery = builder.checkpointEvery;
        data = builder.data;
        hook = builder.hook;
        modelName = builder.modelName;
        contexts = Map.copyOf(builder.contexts);
        d = source.width();
        n = recipe.dSae();
        recipe.check(d);
        Initializer initializer = new Initializer(recipe, d);
        Map<String, Tensor> init = initializer.named(builder.init);
        initializer.check(init);
        batch = new float[Heap.floats(recipe.batch(), d, "for a batch of " + recipe.batch() + " rows", where(), "choose a smaller batch")];
        kept = new float[recipe.isBatchTopK() ? Heap.floats(recipe.whole(Setting.K), recipe.batch(), "for the features of a batch", where(),
                "choose a smaller k or batch") : 0];
        threshold = new RunningThreshold(recipe);
        coefficient = new PenaltyCoefficient(recipe, d);
        ProgramWriter.Written step = TrainingStep.of(recipe, d, recipe.isBatchTopK());
        program = engine.compile(step.program().loweredFor(engine), Map.of());
        chosen = HostFeatures.of(engine, recipe, d, name -> program.read(buffer(name))).orElse(null);
        givenFeatures = step.input(CoderForm.FEATURES);
        programRun = program::run;
        metrics = new StepMetrics(recipe, program, d);
        try {
            // The parameters are copied, one of them twice, when a checkpoint or the result is written.
            Heap.require(3L * n * d * Float.BYTES, "to write checkpoints and the result", where(), "choose a smaller d_sae");
            writeConstants();
            if (builder.resumed != null) {
                restore(Checkpoint.read(builder.resumed));
            } else {
                start(initializer, init);
            }
            checkpoints = builder.openCheckpoints();
        } catch (RuntimeException | Error e) {
            program.close();
            throw e;
        }
    }

    /**
     * Prepares training.
     *
     * @param engine runs the steps; stays open
     * @param recipe how to train
     * @param source what to train on; its position is the first row
     * @return a builder
     */
    public static Builder builder(Engine engine, Recipe recipe, ActivationSource source) {
        return new Builder(engine, recipe, source);
    }

    private String where() {
        return "recipe " + recipe.name() + ", d_in " + d + ", d_sae " + n;
    }

    private void writeConstants() {
        if (TrainingStep.nested(recipe)) {
            for (int size : recipe.matryoshka().subList(0, recipe.matryoshka().size() - 1)) {
                float[] ones = new float[size];
                Arrays.fill(ones, 1);
                program.write(buffer(TrainingStep.prefixName(size)), new SparseRows(n,
                        IntStream.rangeClosed(0, n).map(row -> Math.min(row, size)).toArray(), IntStream.range(0, size).toArray(), ones));
            }
        }
    }

    private void start(Initializer initializer, Map<String, Tensor> init) {
        float[] start = initializer.vector(init.get("b_dec"), d);
        boolean findBias = !init.containsKey("b_dec") && recipe.biasInitialisation() != Recipe.BiasInitialisation.ZEROS;
        if (recipe.normalizes() || recipe.centres() || findBias) {
            long position = source.position();
            float[] rows = new float[Heap.floats(recipe.whole(Setting.STATISTICS_ROWS), d, "to measure inputs", where(),
                    "choose fewer statistics_rows")];
            source.next(rows);
            source.seek(position);
            scaling = InputScaling.of(recipe, rows, d);
            scaling.apply(rows);
            if (findBias) {
                start = Initializer.centre(rows, d, recipe.biasInitialisation());
            }
        }
        float[] bias = start;
        float[] decoder = initializer.decoder(init.get("W_dec"));
        for (Parameter parameter : TrainingStep.coder(recipe, d).parameters().values()) {
            String name = parameter.name();
            Tensor given = init.get(name);
            if (isThreshold(name)) {
                program.write(buffer(TrainingStep.LOG_THRESHOLD), initializer.logThresholds(given));
                continue;
            }
            program.write(buffer(name), switch (name) {
                case "W_enc" -> initializer.encoder(given, decoder);
                case "W_dec" -> decoder;
                case "b_dec" -> bias;
                default -> initializer.other(parameter, given);
            });
        }
    }

    /** {@return the recipe} */
    public Recipe recipe() {
        return recipe;
    }

    /** {@return the number of steps done, those before a resumption included} */
    public long steps() {
        return steps;
    }

    /**
     * Trains until the recipe's number of steps is reached. With a checkpoint folder, a checkpoint is written every so many steps, at the
     * end, and on cancellation.
     *
     * @param progress told of every step
     * @throws CancellationException if cancelled; the trainer is then between two steps and can go on
     * @throws Sae4jException if the loss is not finite, or a checkpoint cannot be written
     * @throws IllegalStateException after close
     * @throws org.sae4j.api.engine.EngineException if the engine fails
     */
    public void run(Progress progress) {
        while (steps < recipe.steps()) {
            if (progress.isCancelled()) {
                checkpointAlthoughInterrupted();
                progress.checkCancelled();
            }
            try {
                step();
            } catch (CancellationException e) {
                checkpointAlthoughInterrupted();
                throw e;
            }
            progress.update("training", steps, recipe.steps());
            if (checkpointEvery > 0 && steps % checkpointEvery == 0 && steps < recipe.steps()) {
                checkpointInFolder();
            }
        }
        checkpointInFolder();
    }

    /**
     * The newest checkpoint of a folder, its content checked against the folder's {@code manifest.json}. Without a manifest it is the one
     * of the most steps.
     *
     * @param folder as given to {@link Builder#checkpoints}
     * @return the file, or empty if there is none
     * @throws Sae4jException if the folder cannot be read, or the newest checkpoint is not what the manifest says
     */
    public static Optional<Path> latestCheckpoint(Path folder) {
        return CheckpointFolder.latest(folder);
    }

    /** Files cannot be written by an interrupted thread. It is interrupted again when the checkpoint is safe. */
    private void checkpointAlthoughInterrupted() {
        boolean interrupted = Thread.interrupted();
        try {
            checkpointInFolder();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void checkpointInFolder() {
        if (checkpoints != null) {
            checkpoints.write(state());
        }
    }

    /**
     * Does one step, after a resampling if one is due.
     *
     * @return what it saw
     * @throws CancellationException if the source was cancelled; the trainer is then between two steps and can go on
     * @throws Sae4jException if the loss is not finite
     * @throws IllegalStateException after close
     * @throws org.sae4j.api.engine.EngineException if the engine fails
     */
    public TrainingMetrics step() {
        resampleIfDue();
        long step = steps + 1;
        source.next(batch);
        scaling.apply(batch);
        program.write(buffer("x"), batch);
        hyper[0] = (float) recipe.learningRate(step);
        hyper[1] = (float) recipe.number(Setting.BETA1);
        hyper[2] = (float) recipe.number(Setting.BETA2);
        hyper[3] = (float) recipe.number(Setting.EPS);
        hyper[4] = step;
        double penalty = coefficient.at(step);
        hyper[TrainingStep.PENALTY] = (float) recipe.penaltyOfOne(penalty);
        program.write(buffer("hyper"), hyper);
        if (chosen != null) {
            program.write(Objects.requireNonNull(givenFeatures), chosen.of(batch));
        }
        engine.observer().run(Observer.Operation.TRAIN_STEP, recipe.name(), recipe.batch(), programRun);
        TrainingMetrics seen = metrics.of(step, batch, penalty);
        if (!Double.isFinite(seen.loss())) {
            throw new Sae4jException("the loss is " + seen.loss() + " at step " + step, "recipe " + recipe.name(),
                    "check the activations for values that are not finite, or lower lr");
        }
        if (recipe.isBatchTopK()) {
            threshold.add(kept, program.readValues(buffer("features"), kept));
        }
        coefficient.saw(step, seen.l0());
        steps = step;
        for (int i = 0; i < listeners.size(); i++) {
            listeners.get(i).accept(seen);
        }
        return seen;
    }

    /** Resamples between two steps where the recipe says so. If that is interrupted, nothing has happened. */
    void resampleIfDue() {
        if (!recipe.resamples() || steps == resampledAt || steps % recipe.whole(Setting.RESAMPLE_EVERY) != 0
                || steps > recipe.whole(Setting.RESAMPLE_UNTIL)) {
            return;
        }
        long position = source.position();
        try {
            new Resampler(engine, recipe, source, scaling, program).run(steps);
        } catch (RuntimeException e) {
            source.seek(position);
            throw e;
        }
        resampledAt = steps;
    }

    /**
     * The autoencoder as it is now. The scale of normalized inputs is folded into its weights.
     *
     * @return a copy of the parameters, with their configuration
     * @throws IllegalStateException after close
     */
    public TrainedSae result() {
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        for (Parameter parameter : TrainingStep.coder(recipe, d).parameters().values()) {
            String name = parameter.name();
            float[] values = name.equals("W_enc") ? Initializer.transpose(read(name), n, d)
                    : isThreshold(name) ? Initializer.exponentials(read(TrainingStep.LOG_THRESHOLD)) : read(name);
            parameters.put(name, Tensor.of(values, parameter.shape()));
        }
        if (recipe.isBatchTopK()) {
            parameters.put(TrainingStep.THRESHOLD, Tensor.of(threshold.values(n), n));
        }
        SaeConfig config = config();
        InputFold.fold(parameters, scaling.mean(), scaling.scale(), config.architecture(), config.applyBDecToInput());
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("recipe", recipe.name());
        metadata.put("recipe_settings", recipe.resolved().settings());
        metadata.put("training_steps", steps);
        metadata.put("training_tokens", steps * recipe.batch());
        metadata.put("engine", engine.id());
        metadata.putAll(new TreeMap<>(contexts));
        return new TrainedSae(config, parameters, metadata);
    }

    /** Whether a parameter is trained as its logarithm. */
    private boolean isThreshold(String name) {
        return recipe.isJumpRelu() && name.equals(TrainingStep.THRESHOLD);
    }

    private SaeConfig config() {
        return TrainingStep.result(recipe, d).hook(hook).modelName(modelName).build();
    }

    /**
     * Writes all that is needed to go on: parameters, moments, counters, position in the source, recipe. The file appears whole or not at
     * all. It opens as an autoencoder too, the one that {@link #result()} gives now
     * ({@link org.sae4j.core.SparseAutoencoders#open}).
     *
     * @param file the file to write, over an older one if there is one; its folder is made if needed
     * @throws Sae4jException if it cannot be written
     * @throws IllegalStateException after close
     */
    public void checkpoint(Path file) {
        state().write(file);
    }

    private Checkpoint state() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (Buffer buffer : program.program().buffers()) {
            if (buffer.role() == Buffer.Role.PARAMETER) {
                tensors.put(buffer.name(), program.read(buffer));
            }
        }
        if (scaling.mean().length > 0) {
            tensors.put(TrainingCheckpoint.INPUT_MEAN, Tensor.of(scaling.mean().clone(), d));
        }
        Map<String, String> autoencoder = TrainingCheckpoint.describe(config(), recipe.isBatchTopK() ? threshold.value() : Float.NaN);
        return new Checkpoint(recipe, autoencoder, steps, resampledAt, source.position(), scaling.scale(), threshold.state(),
                coefficient.state(), data, tensors);
    }

    private void restore(Checkpoint checkpoint) {
        checkpoint.checkFits(recipe, d, data);
        for (Buffer buffer : program.program().buffers()) {
            if (buffer.role() == Buffer.Role.PARAMETER) {
                program.write(buffer, checkpoint.tensor(buffer.name(), buffer.size()));
            }
        }
        steps = checkpoint.steps();
        resampledAt = checkpoint.resampledAt();
        scaling = new InputScaling(recipe.centres() ? checkpoint.tensor(TrainingCheckpoint.INPUT_MEAN, d) : new float[0], checkpoint.scale());
        threshold.restore(checkpoint.threshold());
        coefficient.restore(checkpoint.coefficient());
        source.seek(checkpoint.position());
    }

    private Buffer buffer(String name) {
        return program.program().buffer(name);
    }

    private float[] read(String name) {
        return program.read(buffer(name)).toArray();
    }

    /** Frees the program and the folder of checkpoints. Closing twice has no effect. */
    @Override
    public void close() {
        if (chosen != null) {
            chosen.close();
        }
        program.close();
        if (checkpoints != null) {
            checkpoints.close();
        }
    }

    /** Collects what a trainer needs. Not for use by several threads. */
    public static final class Builder {
        private final Engine engine;
        private final Recipe recipe;
        private final ActivationSource source;
        private final List<Consumer<TrainingMetrics>> listeners = new ArrayList<>();
        private Map<String, Tensor> init = Map.of();
        private @Nullable Path checkpointFolder;
        private long checkpointEvery;
        private int checkpointsKept = 2;
        private Existing existing = Existing.REFUSE;
        private String data = "";
        private @Nullable Path resumed;
        private Optional<HookPoint> hook = Optional.empty();
        private Optional<String> modelName = Optional.empty();
        private final Map<String, Object> contexts = new LinkedHashMap<>();

        private Builder(Engine engine, Recipe recipe, ActivationSource source) {
            this.engine = engine;
            this.recipe = recipe;
            this.source = source;
        }

        /**
         * Starts from given parameters; those not given start as the recipe says.
         *
         * @param parameters by SAELens name: W_enc [d_in, d_sae], W_dec [d_sae, d_in], b_enc [d_sae] (gated: b_gate, r_mag, b_mag; b_enc
         *     stands for those of b_gate and b_mag that are not given), b_dec [d_in], threshold [d_sae] for jump_relu; with {@link Setting#NORMALIZE} for scaled inputs
         * @return this
         */
        public Builder init(Map<String, Tensor> parameters) {
            init = Map.copyOf(parameters);
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
         * Writes {@code checkpoint-STEP.safetensors} in {@link Trainer#run}, and {@code manifest.json} with sizes and SHA-256. One trainer at
         * a time has a folder, until it is closed.
         *
         * @param folder where: an empty folder, that of {@link #resume}, or one of earlier checkpoints with {@link #existing}
         * @param every steps between checkpoints; 0 for only at the end and on cancellation
         * @return this
         * @throws IllegalArgumentException if {@code every} is negative
         */
        public Builder checkpoints(Path folder, long every) {
            if (every < 0) {
                throw new IllegalArgumentException("steps between checkpoints are at least 0, found " + every);
            }
            checkpointFolder = folder;
            checkpointEvery = every;
            return this;
        }

        /**
         * Says what becomes of checkpoints that are in the folder and are not resumed from.
         *
         * @param what {@code OVERWRITE} replaces them with the first one that is written, anything else refuses the folder; {@code REFUSE} if
         *     nothing is said
         * @return this
         */
        public Builder existing(Existing what) {
            existing = what;
            return this;
        }

        private @Nullable CheckpointFolder openCheckpoints() {
            if (checkpointFolder == null) {
                return null;
            }
            boolean own = resumed != null && checkpointFolder.toAbsolutePath().normalize()
                    .equals(resumed.toAbsolutePath().normalize().getParent());
            return new CheckpointFolder(checkpointFolder, checkpointsKept, own ? Existing.RESUME : existing);
        }

        /**
         * Says how many checkpoints stay in the folder; older ones are deleted when a new one is complete.
         *
         * @param count at least 1; 2 if nothing is said
         * @return this
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder keepCheckpoints(int count) {
            if (count < 1) {
                throw new IllegalArgumentException("at least one checkpoint is kept, found " + count);
            }
            checkpointsKept = count;
            return this;
        }

        /**
         * Says what the source is made of, such as a fingerprint and an order. A checkpoint that says something else is not resumed from.
         *
         * @param description any text; empty (nothing said) fits everything
         * @return this
         */
        public Builder data(String description) {
            data = description;
            return this;
        }

        /**
         * Goes on from a checkpoint, to the same bits as without the interruption.
         *
         * @param checkpoint a file of the same recipe (but for the number of steps), over the same source
         * @return this
         */
        public Builder resume(Path checkpoint) {
            resumed = checkpoint;
            return this;
        }

        /**
         * Notes where the activations come from, for the result's configuration.
         *
         * @param hookPoint the hook point
         * @param model the transformer's name
         * @return this
         */
        public Builder origin(HookPoint hookPoint, String model) {
            return origin(Optional.of(hookPoint), Optional.of(model));
        }

        /**
         * Notes where the activations come from, as far as it is known.
         *
         * @param hookPoint the hook point, or empty
         * @param model the transformer's name, or empty
         * @return this
         */
        public Builder origin(Optional<HookPoint> hookPoint, Optional<String> model) {
            hook = hookPoint;
            modelName = model;
            return this;
        }

        /**
         * Notes the contexts that the activations come from, for the result's metadata: {@code context_size} and {@code prepend_bos}.
         *
         * @param description what {@link org.sae4j.core.activations.Contexts#description()} or
         *     {@link org.sae4j.core.store.StoreInfo#source()} says; without {@code context} and {@code bos} nothing is noted
         * @return this
         */
        public Builder contexts(Map<String, String> description) {
            String length = description.getOrDefault("context", "");
            if (length.matches("[1-9]\\d{0,8}")) {
                contexts.put("context_size", Integer.valueOf(length));
            }
            if (description.containsKey("bos")) {
                contexts.put("prepend_bos", !"none".equals(description.get("bos")));
            }
            return this;
        }

        /**
         * Compiles the step and sets parameters.
         *
         * @return the trainer; close it before the engine
         * @throws Sae4jException if settings contradict each other, given tensors do not fit, the checkpoint cannot be read or does not
         *     fit, or the folder of checkpoints holds others, is being written by someone else or cannot be written
         * @throws org.sae4j.api.engine.EngineException if the engine lacks memory
         */
        public Trainer build() {
            return new Trainer(this);
        }
    }
}
