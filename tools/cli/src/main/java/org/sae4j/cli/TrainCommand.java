package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.StreamedActivations;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.OutputFolder;
import org.sae4j.core.store.ActivationPaths;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.store.RowSummary;
import org.sae4j.core.store.StoreRows;
import org.sae4j.core.train.ActivationBuffer;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.Setting;
import org.sae4j.core.train.TrainingMetrics;
import org.sae4j.core.train.TrainingRun;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Trains an autoencoder on stored activations, or on those of a model as it reads a corpus. */
@Command(name = "train", description = "Train an autoencoder on stored activations, or on those of a model as it reads a corpus.",
        mixinStandardHelpOptions = true, versionProvider = Version.class)
final class TrainCommand implements Runnable, Needs {
    /** With a model, the median norm is that of so many activations. */
    private static final int NORM_ROWS = 1 << 13;
    private static final List<String> INIT_TENSORS =
            List.of("W_enc", "W_dec", "b_enc", "b_dec", "threshold", "b_gate", "b_mag", "r_mag");

    /** How rows are taken. */
    enum Order {
        /** As they are in the file, again from the start after the end. */
        SEQUENTIAL,
        /** In a new random order in each pass. */
        SHUFFLED
    }

    @Spec
    private CommandSpec spec;

    @Option(names = "--recipe", paramLabel = "NAME", description = "How to train; --list-recipes shows them.")
    private String recipeName;

    @Option(names = "--list-recipes", description = "List the recipes with their losses and exit.")
    private boolean listRecipes;

    @Option(names = "--activations", arity = "1..*", paramLabel = "PATH",
            description = "Activations: a store that sae harvest wrote, or safetensors files, or folders of them, in the order of their "
                    + "rows.")
    private List<Path> activations = List.of();

    @Option(names = "--tensor", paramLabel = "NAME", defaultValue = "data",
            description = "The tensor in the files: [rows, d_in], of hook points with heads [rows, n_heads, d_head]; a hook point's name is "
                    + "recorded in the result. Default: data.")
    private String tensor;

    @Mixin
    private NormOption norm;

    @Option(names = "--model", paramLabel = "DIR", description = "Instead of stored activations: a transformer that runs as training goes.")
    private Path model;

    @Mixin
    private ProcessOption processOption;

    @Mixin
    private CorpusOptions corpus;

    @Option(names = "--hook", paramLabel = "HOOK", description = "The hook point to train on, as in TransformerLens; with --activations, "
            + "where they come from, if their files do not say so.")
    private String hook;

    @Option(names = "--model-name", paramLabel = "NAME", description = "With --activations: the transformer's name, if their files don't "
            + "say it.")
    private String modelName;

    @Option(names = "--buffer", paramLabel = "N", defaultValue = "131072",
            description = "With --model: activations that are mixed at a time; half of them are recomputed when half are used. "
                    + "Default: ${DEFAULT-VALUE}.")
    private int buffer;

    @Option(names = "--max-rows", paramLabel = "N", description = "With --model: after so many activations the first ones come again. "
            + "Default: those of the whole corpus.")
    private Long maxRows;

    @Option(names = "--init", paramLabel = "FILE",
            description = "Start from the tensors W_enc [d_in, d_sae], W_dec [d_sae, d_in], b_enc, b_dec of a safetensors file; also "
                    + "b_gate, r_mag, b_mag of gated ones, threshold of JumpReLU. What is missing starts as the recipe says.")
    private Path init;

    @Option(names = "--order", paramLabel = "ORDER", defaultValue = "shuffled",
            description = "sequential reads rows in file order, batch by batch; shuffled is the default.")
    private Order order;

    @Option(names = "--steps", paramLabel = "N", description = "Number of steps. Default: the recipe's.")
    private Long steps;

    @Option(names = "--batch", paramLabel = "B", description = "Rows in a step. Default: the recipe's.")
    private Integer batch;

    @Option(names = "--seed", paramLabel = "N", description = "Seed of initialisation and order. Default: the recipe's.")
    private Long seed;

    @Option(names = "--set", paramLabel = "KEY=VALUE", description = "A setting of the recipe, such as l1=1e-3 or d_sae=2048; repeat for "
            + "more.")
    private Map<String, String> settings = new LinkedHashMap<>();

    @Option(names = "--as-published", description = "Take learning rate, schedules and penalty as the recipe's source states them, however "
            + "long the run, instead of fitting them to it. The default where rows are taken in order from given weights (--init, --order "
            + "sequential), to compare with another implementation step by step.")
    private boolean asPublished;

    @Option(names = "--checkpoint-every", paramLabel = "N",
            description = "Steps between checkpoints; 0 writes one at the end and when interrupted only. Default: a tenth of the steps.")
    private Long checkpointEvery;

    @Option(names = "--keep", paramLabel = "K", defaultValue = "2",
            description = "Checkpoints to keep; older ones are deleted. Default: ${DEFAULT-VALUE}.")
    private int keep;

    @Option(names = "--tensorboard", paramLabel = "DIR", description = "Also write every step's metrics as TensorBoard events to this "
            + "folder; to look at them as training goes: tensorboard --logdir DIR.")
    private Path tensorboard;

    @Mixin
    private HeldOutOptions heldOutOptions;

    @Mixin
    private ResumeOption resumeOption;

    @Option(names = "--output", paramLabel = "DIR",
            description = "The folder to write: metrics.jsonl, checkpoints/, sae_weights.safetensors, cfg.json, README.md.")
    private Path output;

    @Mixin
    private EngineOption engineOption;

    /** What is trained on, for the model card and to know it again. */
    private final Map<String, Object> data = new LinkedHashMap<>();

    TrainCommand() {
    }

    @Override
    public List<String> missing() {
        if (listRecipes) {
            return List.of();
        }
        List<String> missing = Usage.absent("'--recipe=NAME'", recipeName, "'--activations=PATH' (or '--model=DIR' with a corpus)",
                activations.isEmpty() ? model : activations);
        if (activations.isEmpty() && model != null) {
            missing.addAll(corpus.missing());
            missing.addAll(Usage.absent("'--hook=HOOK'", hook));
        }
        missing.addAll(Usage.absent("'--output=DIR'", output));
        return missing;
    }

    @Override
    public void run() {
        if (listRecipes) {
            Recipes.all().forEach(r -> spec.commandLine().getOut().println(r.describe() + System.lineSeparator()));
            spec.commandLine().getOut().flush();
            return;
        }
        checkData();
        if (checkpointEvery != null && checkpointEvery < 0) {
            throw new ParameterException(spec.commandLine(), "--checkpoint-every is at least 0, found " + checkpointEvery);
        }
        if (keep < 1) {
            throw new ParameterException(spec.commandLine(), "--keep is at least 1, found " + keep);
        }
        Recipe recipe = recipe();
        try (OutputFolder target = OutputFolder.open(output, OutputKinds.TRAINING, resumeOption.existing(), inputs())) {
            train(recipe, target);
        }
    }

    private Path[] inputs() {
        return Stream.of(Stream.ofNullable(init), activations.stream(), heldOutOptions.inputs()).flatMap(paths -> paths).toArray(Path[]::new);
    }

    private void train(Recipe asked, OutputFolder target) {
        Recipe recipe = asked;
        Terminal terminal = new Terminal();
        Map<String, Tensor> start = init == null ? Map.of() : startingTensors();
        if (start.containsKey("W_enc") && start.get("W_enc").rank() == 2 && !isSet(Setting.D_SAE)) {
            recipe = recipe.with(Setting.D_SAE.key(), Integer.toString(start.get("W_enc").dim(1)));
        }
        if (model != null) {
            trainOnModel(recipe, start, target, terminal);
            return;
        }
        trainOnStored(recipe, start, target, terminal);
    }

    private void checkData() {
        norm.check();
        heldOutOptions.check(model != null);
        if (!activations.isEmpty()) {
            if (heldOutOptions.hasModel()) {
                processOption.check();
            }
            if (model != null || corpus.isGiven() || processOption.isGiven() && !heldOutOptions.hasModel() || maxRows != null) {
                throw new ParameterException(spec.commandLine(), "--activations are given, so --model, --process and a corpus have no "
                        + "effect");
            }
            activations.forEach(path -> Paths.existing(path, "--activations"));
            if (hook != null && HookPoint.parse(hook.strip()).isEmpty()) {
                throw new ParameterException(spec.commandLine(), "--hook is '" + hook + "', expected a hook point such as "
                        + "blocks.0.mlp.hook_post");
            }
            return;
        }
        if (modelName != null) {
            throw new ParameterException(spec.commandLine(), "--model-name needs --activations; --model has its own name");
        }
        processOption.check();
        if (buffer < 2 || buffer % 2 != 0) {
            throw new ParameterException(spec.commandLine(), "--buffer is even and at least 2, found " + buffer);
        }
        if (maxRows != null && maxRows < 1) {
            throw new ParameterException(spec.commandLine(), "--max-rows is at least 1, found " + maxRows);
        }
        if (order == Order.SEQUENTIAL) {
            throw new ParameterException(spec.commandLine(), "--order sequential needs stored activations: harvest them first");
        }
        Paths.existing(model, "--model");
    }

    private void trainOnStored(Recipe recipe, Map<String, Tensor> start, OutputFolder target, Terminal terminal) {
        ActivationPaths paths = new ActivationPaths(activations, tensor, Optional.ofNullable(hook).flatMap(h -> HookPoint.parse(h.strip())),
                Optional.ofNullable(modelName), OptionalInt.empty());
        try (ActivationStore store = paths.open(); Engine engine = engineOption.open(terminal)) {
            terminal.say(StoreCommand.describe(store));
            if (store.info().modelFingerprint().isEmpty()) {
                RowSummary summary = store.summary(terminal);
                data.put("activations", tensor + " [" + store.rows() + ", " + store.info().width() + "] in " + store.files() + " files");
                data.put("sha256", summary.sha256());
                data.put("gamma", String.format(Locale.ROOT, "%.4f (norm of the mean over norm of the standard deviations)",
                        summary.gamma()));
            } else {
                data.put("store", store.rows() + " rows" + (store.shuffleSeed().isPresent() ? ", shuffled with seed "
                        + store.shuffleSeed().getAsLong() : ""));
                data.put("model fingerprint", store.info().modelFingerprint());
                data.putAll(store.info().source());
            }
            StoreRows rows = norm.rows(store, terminal);
            String left = norm.describe(store, rows, terminal);
            terminal.say(left);
            data.put("norms", left);
            data.put("order", order.name().toLowerCase(Locale.ROOT));
            ActivationSource source = order == Order.SEQUENTIAL ? rows.sequential() : rows.shuffled(recipe.seed());
            TrainingRun.Builder run = TrainingRun.builder(engine, recipe, source).init(start).rows(rows.count())
                    .contexts(store.info().source())
                    .origin(store.info().hook(), store.info().modelName());
            try (HeldOutOptions.HeldOut heldOut = heldOutOptions.onActivations(store, processOption, corpus, norm, engine, terminal)) {
                heldOut.configure(run, recipe);
                train(run, recipe, target, terminal);
            }
        }
    }

    private void trainOnModel(Recipe recipe, Map<String, Tensor> start, OutputFolder target, Terminal terminal) {
        try (Engine engine = engineOption.open(terminal); Transformer transformer = processOption.open(model, engine)) {
            HookPoint point = ActivationsCommand.hook(spec, hook.strip(), transformer);
            Map<String, String> texts;
            try (Contexts contexts = corpus.open(transformer)) {
                texts = contexts.description();
                String how = CorpusOptions.describe(contexts);
                terminal.say(how);
                data.put("texts", how);
            }
            data.put("model fingerprint", transformer.fingerprint());
            data.put("buffer", buffer);
            try (StreamedActivations rows = new StreamedActivations(transformer, List.of(point), () -> corpus.open(transformer),
                    maxRows == null ? Long.MAX_VALUE : maxRows)) {
                double limit = norm.limit(rows, Math.min(buffer, NORM_ROWS), terminal);
                data.put("largest norm", limit);
                ActivationBuffer source = new ActivationBuffer(rows, buffer, recipe.seed(), new double[] {limit}, terminal);
                TrainingRun.Builder run = TrainingRun.builder(engine, recipe, source).init(start).contexts(texts)
                        .origin(Optional.of(point), Optional.of(transformer.config().name()));
                try (HeldOutOptions.HeldOut heldOut = heldOutOptions.onModel(transformer, corpus, norm, terminal)) {
                    heldOut.configure(run, recipe);
                    train(run, recipe, target, terminal);
                }
                terminal.say(String.format(Locale.ROOT, "excluded %,d of %,d activations whose norm is more than %.4g (--max-norm)",
                        source.leftOut(), source.loaded(), limit));
            }
        }
    }

    private boolean isSet(Setting setting) {
        return settings.keySet().stream().anyMatch(key -> Setting.of(key) == setting);
    }

    private Recipe recipe() {
        Recipe preset = Usage.argument(spec, () -> Recipes.get(recipeName));
        boolean compared = init != null && order == Order.SEQUENTIAL;
        Recipe recipe = (asPublished || compared ? preset.asPublished() : preset).with(settings);
        if (steps != null) {
            recipe = recipe.with(Setting.STEPS.key(), steps.toString());
        }
        if (batch != null) {
            recipe = recipe.with(Setting.BATCH.key(), batch.toString());
        }
        return seed == null ? recipe : recipe.with(Setting.SEED.key(), seed.toString());
    }

    private Map<String, Tensor> startingTensors() {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        try (SafetensorsFile file = SafetensorsFile.open(Paths.existing(init, "--init"))) {
            for (String name : file.names()) {
                if (!INIT_TENSORS.contains(name)) {
                    throw new Sae4jException("unknown tensor '" + name + "'", init.toString(), "keep only tensors of " + INIT_TENSORS);
                }
                Tensor mapped = file.tensor(name);
                float[] values = mapped.toArray();
                for (float value : values) {
                    if (!Float.isFinite(value)) {
                        throw new Sae4jException("a weight is " + value, init + " tensor " + name, "start from finite weights");
                    }
                }
                tensors.put(name, Tensor.of(values, mapped.shape()));
            }
        }
        return tensors;
    }

    private void train(TrainingRun.Builder builder, Recipe recipe, OutputFolder target, Terminal terminal) {
        builder.output(target, resumeOption.existing()).data(data)
                .checkpoints(checkpointEvery == null ? Math.max(1, recipe.steps() / 10) : checkpointEvery, keep);
        terminal.say(recipe.describe());
        TrainingProgress progress = new TrainingProgress(terminal, "training");
        try (TensorBoardLog log = new TensorBoardLog(tensorboard); TrainingRun run = builder.listener(progress).listener(log).build()) {
            if (resumeOption.existing() == Existing.RESUME) {
                terminal.say(run.resumedFrom().map(checkpoint -> "continuing from " + checkpoint)
                        .orElse("no checkpoint in " + output + " yet, starting from scratch"));
            }
            run.remarks().forEach(remark -> terminal.say("note: " + remark));
            TrainingRun.Result result = run.run(progress);
            TrainingMetrics m = progress.last();
            terminal.say(m == null ? "training is already complete; wrote " + output
                    : String.format(Locale.ROOT, "step %d: loss %.5g, L0 %.1f, explained variance %.4f, %d dead%s; wrote %s", m.step(),
                            m.loss(), m.l0(), m.explainedVariance(), m.dead(), progress.rate(), output));
            terminal.say(result.assessment().headline());
            result.evaluation().recovered().ifPresent(r -> terminal.say(String.format(Locale.ROOT, "CE recovered %.4f: cross-entropy %.4f "
                    + "with the autoencoder, %.4f without, %.4f with zeros", r.ceRecovered(), r.ceSae(), r.ceClean(), r.ceZero())));
            result.assessment().advice().forEach(advice -> terminal.say("- " + advice));
        }
    }
}
