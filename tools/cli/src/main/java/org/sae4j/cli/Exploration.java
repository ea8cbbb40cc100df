package org.sae4j.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.ElementType;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Tokenization;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Sae4j;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.Corpus;
import org.sae4j.core.activations.RowNorms;
import org.sae4j.core.activations.StreamedActivations;
import org.sae4j.core.activations.TextContexts;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.EvaluationFile;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.features.FeatureLabels;
import org.sae4j.core.features.FeatureProfiles;
import org.sae4j.core.features.ProfileSettings;
import org.sae4j.core.format.EndTokens;
import org.sae4j.core.output.Existing;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.store.Harvest;
import org.sae4j.core.store.StoreRows;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.Setting;
import org.sae4j.core.train.TrainedSae;
import org.sae4j.core.train.Trainer;
import org.sae4j.core.train.TrainingMetrics;
import org.sae4j.core.train.TrainingRun;
import org.sae4j.serve.SaeServer;

/** The stages of an exploration. Each leaves its result in the folder, so that one that is interrupted goes on. */
final class Exploration {
    private static final int CONTEXT = 256;
    private static final int BATCH = 512;
    private static final long FEWEST_STEPS = 300;
    private static final int FEWEST_FEATURES = 256;
    private static final int MOST_FEATURES = 16_384;
    /** What training may pass over its activations. */
    private static final int MOST_PASSES = 10;
    /** How the time is shared, where the data does not end it. */
    private static final double HARVEST_SHARE = 0.4;
    private static final double PROFILE_SHARE = 0.2;
    private static final double EVALUATE_SHARE = 0.08;
    /** Rehearsals are short and machines uneven. */
    private static final double CAUTION = 1.15;
    private static final int REHEARSED_ROWS = 8192;
    private static final int REHEARSED_CHUNK = 256;
    private static final int FEWEST_REHEARSED_STEPS = 6;
    private static final int MOST_REHEARSED_STEPS = 200;
    /** A stage is rehearsed for so long, if the sample lasts: the second half is timed, as compilers work during the first. */
    private static final double REHEARSAL_SECONDS = 4;
    private static final int REHEARSED_FEATURES = 6;
    private static final int SHOWN = 12;

    private final Transformer model;
    private final Engine engine;
    private final Path folder;
    private final Path modelPath;
    private final List<Path> texts;
    private final long seed;
    private final Terminal terminal;
    private final long started = System.nanoTime();

    Exploration(Transformer model, Engine engine, Path folder, Path modelPath, List<Path> texts, long seed, Terminal terminal) {
        this.model = model;
        this.engine = engine;
        this.folder = folder;
        this.modelPath = modelPath;
        this.texts = texts;
        this.seed = seed;
        this.terminal = terminal;
    }

    private Path trainingTexts() {
        return folder.resolve(OutputKinds.TRAINING_TEXTS);
    }

    private Path heldOutTexts() {
        return folder.resolve(OutputKinds.HELD_OUT_TEXTS);
    }

    /** What to say of how contexts begin. */
    private void sayBeginning() {
        OptionalInt beginning = beginning();
        if (beginning.isPresent()) {
            terminal.say("contexts begin with " + model.tokenizer().orElseThrow().token(beginning.getAsInt()) + " (" + beginning.getAsInt()
                    + "), which does not count: the tokenizer puts nothing there, and models make a sink of attention of what stands first");
        } else if (model.tokenization().bos().isEmpty()) {
            terminal.say("note: no token begins contexts; activations of first tokens are left out where their norm is massive");
        }
    }

    void writeTexts() {
        sayBeginning();
        ExploreTexts read = ExploreTexts.read(texts, seed, terminal);
        ExploreTexts.write(trainingTexts(), read.training());
        ExploreTexts.write(heldOutTexts(), read.heldOut());
        terminal.say(read.describe());
    }

    void readTexts() {
        Paths.existing(trainingTexts(), "--output, or begin anew with --overwrite");
        Paths.existing(heldOutTexts(), "--output, or begin anew with --overwrite");
    }

    /** Where the tokenizer puts nothing before a text, a token that ends texts stands there, so that no word becomes the sink of attention. */
    private Tokenization tokenization(int context) {
        Tokenization own = model.tokenization().withContextSize(context);
        OptionalInt beginning = beginning();
        return beginning.isPresent() ? own.withBos(beginning.getAsInt()) : own;
    }

    /** {@return the token that begins contexts although the tokenizer names none; empty if it does, or if none is known} */
    OptionalInt beginning() {
        if (model.tokenization().bos().isPresent()) {
            return OptionalInt.empty();
        }
        return EndTokens.of(modelPath).stream().mapToInt(Integer::intValue)
                .filter(id -> id < model.tokenizer().orElseThrow().vocabularySize()).findFirst();
    }

    private Contexts contexts(Path file, int context) {
        return new TextContexts(Corpus.labelled(List.of(file)), tokenization(context));
    }

    /** The middle of the residual stream; of one block the hidden layer, since what is behind the block is nearly the output. */
    private HookPoint hook(@Nullable String asked) {
        int layers = model.config().nLayers();
        String name = asked != null ? asked : layers > 1 ? "blocks." + (layers - 1) / 2 + ".hook_resid_post"
                : model.config().dMlp() > 0 ? "blocks.0.mlp.hook_post" : "blocks.0.hook_resid_post";
        HookPoint hook = HookPoint.parse(name).filter(h -> model.hookPoints().contains(h)).orElseThrow(() -> new Sae4jException(
                "the model has no hook point " + name, modelPath.toString(), "choose one that sae inspect lists"));
        model.width(hook).orElseThrow(() -> new Sae4jException("the hook point " + name + " has no vector for each token",
                modelPath.toString(), "choose one that has, such as blocks.0.hook_resid_post"));
        return hook;
    }

    private Recipe recipe(String name, int features, int k, long steps, int batch) {
        Recipe recipe = Recipes.get(name);
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put(Setting.D_SAE.key(), Integer.toString(features));
        settings.put(Setting.STEPS.key(), Long.toString(steps));
        settings.put(Setting.BATCH.key(), Integer.toString(batch));
        settings.put(Setting.SEED.key(), Long.toString(seed));
        settings.put(Setting.B_DEC_INIT.key(), "mean");
        settings.put(recipe.settings().containsKey(Setting.K.key()) ? Setting.K.key() : Setting.TARGET_L0.key(), Integer.toString(k));
        return recipe.with(settings);
    }

    /** What a rehearsal measured: seconds for one of each. */
    private record Speed(double harvest, double step, double encode, double profile, double evaluate) {}

    ExplorePlan plan(Map<String, String> inputs, @Nullable String askedHook, @Nullable Integer askedFeatures, String recipe, int k,
            double minutes) {
        HookPoint hook = hook(askedHook);
        int context = Math.min(CONTEXT, model.config().nCtx());
        int width = model.width(hook).orElseThrow();
        terminal.update("measuring how fast this machine is", 0, 0);
        List<Document> sample = sample(trainingTexts(), 200);
        double tokensInAll = tokens(sample, context) / characters(sample) * sizes();
        int wanted = askedFeatures != null ? askedFeatures : Math.clamp(4L * width / 64 * 64, FEWEST_FEATURES, MOST_FEATURES);
        Speed speed = rehearse(hook, context, wanted, recipe, k, sample);
        double budget = 60 * minutes / CAUTION;
        int features = wanted;
        double step = speed.step();
        while (askedFeatures == null && features / 2 >= FEWEST_FEATURES && features / 2 > k && features * speed.profile() > PROFILE_SHARE * budget) {
            features /= 2;
            step *= 0.6;
        }
        long evaluated = Math.round(Math.clamp(EVALUATE_SHARE * budget / speed.evaluate(), 500, 16_384));
        long profiled = Math.round(Math.clamp(0.08 * budget / speed.encode(), 2000, 60_000));
        double fixed = features * speed.profile() + profiled * speed.encode() + evaluated * speed.evaluate();
        double rest = Math.max(budget - fixed, 0.2 * budget);
        int batch = (int) Math.min(BATCH, Math.max(64, Long.highestOneBit((long) (tokensInAll / 8))));
        long fewest = Math.min(FEWEST_STEPS * batch / MOST_PASSES, (long) (0.95 * tokensInAll));
        long rows = Math.max(Math.max(fewest, batch), Math.round(Math.min(HARVEST_SHARE / (1 - PROFILE_SHARE) * rest / speed.harvest(),
                0.95 * tokensInAll)));
        double left = rest - rows * speed.harvest();
        long steps = Math.clamp((long) (left / step), FEWEST_STEPS, Math.max(FEWEST_STEPS, MOST_PASSES * rows / batch));
        Map<String, Double> seconds = new LinkedHashMap<>();
        seconds.put("harvest", CAUTION * rows * speed.harvest());
        seconds.put("train", CAUTION * steps * step);
        seconds.put("evaluate", CAUTION * evaluated * speed.evaluate());
        seconds.put("features", CAUTION * (features * speed.profile() + profiled * speed.encode()));
        return new ExplorePlan(inputs, hook.toString(), features, recipe, k, context, rows, steps, batch, evaluated, profiled, seconds);
    }

    private double tokens(List<Document> sample, int context) {
        return tokenization(context).contexts(sample.stream().map(Document::text).toList()).stream().mapToLong(Context::count).sum();
    }

    private static double characters(List<Document> sample) {
        return sample.stream().mapToLong(d -> d.text().length()).sum();
    }

    /** Characters of all texts to train on, about: the file has one byte for each in most scripts of few characters. */
    private double sizes() {
        try (Corpus corpus = Corpus.labelled(List.of(trainingTexts()))) {
            long characters = 0;
            for (Optional<Corpus.Piece> next = corpus.next(); next.isPresent(); next = corpus.next()) {
                characters += next.get().text().length();
            }
            return characters;
        }
    }

    private static List<Document> sample(Path file, int count) {
        List<Document> documents = new ArrayList<>();
        try (Corpus corpus = Corpus.labelled(List.of(file))) {
            for (Optional<Corpus.Piece> next = corpus.next(); next.isPresent() && documents.size() < count; next = corpus.next()) {
                documents.add(new Document(next.get().label(), next.get().text()));
            }
        }
        return documents;
    }

    /** All stages, small, timed by their own code; what is timed has run once before, so that compilers have done their work. */
    private Speed rehearse(HookPoint hook, int context, int features, String recipeName, int k, List<Document> sample) {
        List<Context> contexts = tokenization(context).contexts(sample.stream().map(Document::text).toList());
        int rows = (int) Math.min(REHEARSED_ROWS, contexts.stream().mapToLong(Context::count).sum());
        int width = model.width(hook).orElseThrow();
        float[] values = new float[rows * width];
        double harvest;
        int filled = 0;
        try (StreamedActivations activations = new StreamedActivations(model, List.of(hook), () -> Contexts.of(contexts), Long.MAX_VALUE)) {
            List<double[]> seen = new ArrayList<>();
            long from = System.nanoTime();
            while (filled < rows && (seen.size() < 2 || since(from) < REHEARSAL_SECONDS)) {
                int chunk = Math.min(Math.max(REHEARSED_CHUNK, rows / 8), rows - filled);
                long at = System.nanoTime();
                load(activations, filled, chunk, values, width);
                seen.add(new double[] {since(at), chunk});
                filled += chunk;
            }
            harvest = rate(seen);
        }
        Tensor data = Tensor.of(Arrays.copyOf(values, filled * width), filled, width);
        Recipe recipe = recipe(recipeName, features, k, MOST_REHEARSED_STEPS, BATCH);
        double step;
        TrainedSae trained;
        try (Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.shuffled(data, seed)).origin(Optional.of(hook),
                Optional.of(model.config().name())).build()) {
            List<double[]> seen = new ArrayList<>();
            long from = System.nanoTime();
            while (seen.size() < MOST_REHEARSED_STEPS && (seen.size() < FEWEST_REHEARSED_STEPS || since(from) < REHEARSAL_SECONDS)) {
                terminal.checkCancelled();
                long at = System.nanoTime();
                trainer.step();
                seen.add(new double[] {since(at), 1});
            }
            step = rate(seen);
            trained = trainer.result();
        }
        try (SparseAutoencoder sae = SparseAutoencoders.of(trained.config(), trained.parameters(), engine)) {
            List<Document> few = sample.subList(0, Math.min(16, sample.size()));
            EncodedCorpus.encode(model, sae, few.subList(0, few.size() / 2), tokenization(context), terminal);
            long from = System.nanoTime();
            EncodedCorpus encoded = EncodedCorpus.encode(model, sae, few, tokenization(context), terminal);
            double encode = since(from) / Math.max(1, encoded.features().rows());
            LabelScores scores = LabelScores.of(encoded, terminal);
            int[] alive = Arrays.stream(scores.alive()).limit(REHEARSED_FEATURES).toArray();
            FeatureProfiles.compute(model, sae, scores, Arrays.copyOf(alive, Math.min(2, alive.length)), List.of(), every(), terminal);
            from = System.nanoTime();
            FeatureProfiles.compute(model, sae, scores, alive, List.of(), every(), terminal);
            double profile = since(from) / Math.max(1, alive.length);
            List<Context> some = contexts.subList(0, Math.min(6, contexts.size()));
            Evaluator.evaluate(model, sae, some.subList(0, 1), true, RowNorms.DEFAULT_MULTIPLE, terminal);
            from = System.nanoTime();
            Evaluator.evaluate(model, sae, some, true, RowNorms.DEFAULT_MULTIPLE, terminal);
            double evaluate = since(from) / Math.max(1, some.stream().mapToLong(Context::count).sum());
            return new Speed(harvest, step, encode, profile, evaluate);
        }
    }

    private void load(StreamedActivations activations, int from, int count, float[] values, int width) {
        activations.load(LongStream.range(from, from + count).toArray(), terminal, (number, activation) ->
                activation.copyTo(0, values, (from + number) * width));
    }

    /** Seconds for one, by the second half of what was seen: seconds and how many, each. */
    private static double rate(List<double[]> seen) {
        List<double[]> half = seen.subList(seen.size() / 2, seen.size());
        return half.stream().mapToDouble(s -> s[0]).sum() / half.stream().mapToDouble(s -> s[1]).sum();
    }

    private static double since(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }

    /** Much less of each feature than a page of few has, as there are all of them. */
    private ProfileSettings every() {
        return new ProfileSettings(seed, 6, 5, 1, 12, 30, 8, 8, 0, 0);
    }

    void carryOut(ExplorePlan plan, LabelsOption labels) {
        HookPoint hook = hook(plan.hook());
        long before = System.nanoTime();
        boolean whole = !Files.exists(folder.resolve(OutputKinds.STORE)) && !Files.exists(folder.resolve(OutputKinds.AUTOENCODER));
        harvest(plan, hook);
        train(plan, hook);
        try (SparseAutoencoder sae = SparseAutoencoders.open(folder.resolve(OutputKinds.AUTOENCODER), engine)) {
            Evaluation evaluation = evaluate(plan, sae);
            features(plan, sae, evaluation, labels.of(sae));
        }
        double took = since(before);
        terminal.say("took " + Terminal.time(took) + (whole ? ", " + Terminal.time(plan.total()) + " was said" : " from where it went on")
                + "; " + Terminal.time(since(started)) + " with reading and measuring");
        terminal.say("to type texts, steer and name features: " + ExploreSummary.serve(modelPath, folder, ExploreSummary.contexts(plan,
                beginning())));
        terminal.say("the page is " + folder.resolve(FeaturePages.PAGE).toAbsolutePath().normalize().toUri());
    }

    /** Shows what was made until Ctrl-C. */
    void serve(ExplorePlan plan, LabelsOption labels, int port) {
        try (SparseAutoencoder sae = SparseAutoencoders.open(folder.resolve(OutputKinds.AUTOENCODER), engine)) {
            ServeCommand.serve(SaeServer.builder(model).corpus(DataFiles.corpus(heldOutTexts())).tokenization(tokenization(plan.context()))
                    .labels(labels.file()).ends(EndTokens.of(modelPath)).port(port).seed(seed).progress(terminal)
                    .autoencoder(OutputKinds.AUTOENCODER, sae), "names are kept in " + labels.file(), terminal);
        }
    }

    private void harvest(ExplorePlan plan, HookPoint hook) {
        Path store = folder.resolve(OutputKinds.STORE);
        if (ActivationStore.isStore(store) && isComplete(store)) {
            return;
        }
        try (Contexts contexts = contexts(trainingTexts(), plan.context())) {
            Harvest.run(model, contexts, new Harvest.Settings(Map.of(hook, store), ElementType.BF16, plan.rows(), 0), Existing.RESUME,
                    terminal);
        }
        try (ActivationStore open = ActivationStore.open(store)) {
            terminal.say(String.format(Locale.ROOT, "harvested %,d activations", open.rows()));
        }
    }

    private static boolean isComplete(Path store) {
        try (ActivationStore open = ActivationStore.open(store)) {
            return open.rows() > 0;
        } catch (Sae4jException e) {
            // Harvesting goes on, or says what is wrong.
            return false;
        }
    }

    private void train(ExplorePlan plan, HookPoint hook) {
        Path target = folder.resolve(OutputKinds.AUTOENCODER);
        if (Files.exists(target.resolve("sae_weights.safetensors"))) {
            return;
        }
        try (ActivationStore store = ActivationStore.open(folder.resolve(OutputKinds.STORE))) {
            RowNorms norms = store.norms(terminal);
            StoreRows rows = store.within(norms.limit(RowNorms.DEFAULT_MULTIPLE), terminal);
            if (rows.leftOut() > 0) {
                terminal.say(String.format(Locale.ROOT, "excluded %,d of %,d activations whose norm is more than %.0f times the median %.4g; "
                        + "the largest is %.4g: a few massive ones would decide everything", rows.leftOut(), store.rows(),
                        RowNorms.DEFAULT_MULTIPLE, norms.median(), norms.max()));
            }
            Recipe recipe = recipe(plan.recipe(), plan.features(), plan.k(), plan.steps(), plan.batch());
            TrainingProgress progress = new TrainingProgress(terminal, "training");
            try (TrainingRun run = TrainingRun.builder(engine, recipe, rows.shuffled(recipe.seed())).rows(rows.count())
                    .contexts(store.info().source()).origin(Optional.of(hook), Optional.of(model.config().name()))
                    .output(target, Files.exists(target) ? Existing.RESUME : Existing.REFUSE).listener(progress).build()) {
                run.remarks().forEach(remark -> terminal.say("note: " + remark));
                run.run(progress);
                TrainingMetrics last = progress.last();
                if (last != null) {
                    terminal.say(String.format(Locale.ROOT, "trained: explained variance %.3f of the last batch at L0 %.1f%s",
                            last.explainedVariance(), last.l0(), progress.rate()));
                }
            }
        }
    }

    private Evaluation evaluate(ExplorePlan plan, SparseAutoencoder sae) {
        List<Context> contexts = new ArrayList<>();
        long tokens = 0;
        try (Contexts all = contexts(heldOutTexts(), plan.context())) {
            for (Optional<Context> next = all.next(); next.isPresent() && tokens < plan.evaluated(); next = all.next()) {
                contexts.add(next.get());
                tokens += next.get().count();
            }
        }
        Evaluation evaluation = Evaluator.evaluate(model, sae, contexts, true, RowNorms.DEFAULT_MULTIPLE, terminal);
        Map<String, Object> provenance = new LinkedHashMap<>();
        provenance.put("sae4j", Sae4j.version());
        provenance.put("model_fingerprint", model.fingerprint());
        provenance.put("autoencoder_fingerprint", sae.fingerprint());
        EvaluationFile.write(folder.resolve(OutputKinds.EVALUATION), evaluation, provenance);
        terminal.say(String.format(Locale.ROOT, "on %,d held-out tokens: explained variance %.3f at L0 %.1f%s; %,d of %,d features never "
                + "fired in them", evaluation.tokens(), evaluation.explainedVariance(), evaluation.l0(), evaluation.recovered()
                .map(r -> String.format(Locale.ROOT, ", %.1f%% of the next-token loss recovered", 100 * r.ceRecovered())).orElse(""),
                evaluation.dead(), evaluation.density().length));
        return evaluation;
    }

    private void features(ExplorePlan plan, SparseAutoencoder sae, Evaluation evaluation, Map<Integer, FeatureLabels.Label> names) {
        List<Document> documents = new ArrayList<>();
        long characters = 0;
        // Held-out passages first; of few texts, passages that were trained on make up the number.
        double perToken = characters(sample(heldOutTexts(), 50)) / Math.max(1, tokens(sample(heldOutTexts(), 50), plan.context()));
        for (Document document : DataFiles.corpus(heldOutTexts())) {
            if (characters < perToken * plan.profiled()) {
                documents.add(document);
                characters += document.text().length();
            }
        }
        int heldOut = documents.size();
        if (characters < 0.9 * perToken * plan.profiled()) {
            for (Document document : sample(trainingTexts(), (int) (perToken * plan.profiled() / 200) + 1)) {
                if (characters < perToken * plan.profiled()) {
                    documents.add(document);
                    characters += document.text().length();
                }
            }
        }
        EncodedCorpus encoded = EncodedCorpus.encode(model, sae, documents, tokenization(plan.context()), terminal);
        LabelScores scores = LabelScores.of(encoded, terminal);
        int[] chosen = FeatureProfiles.best(scores, 1);
        if (chosen.length == 0) {
            chosen = FeatureProfiles.sample(scores, SHOWN, seed);
        }
        chosen = Arrays.stream(chosen).limit(SHOWN).toArray();
        FeatureProfiles detailed = FeatureProfiles.compute(model, sae, scores, chosen, List.of(), new ProfileSettings(seed, 8, 5, 2, 24, 40,
                10, 10, 8, 0), terminal);
        Map<String, Object> provenance = new LinkedHashMap<>();
        provenance.put("sae4j", Sae4j.version());
        provenance.put("engine", engine.id());
        provenance.put("seed", seed);
        provenance.put("model_fingerprint", model.fingerprint());
        provenance.put("autoencoder_fingerprint", sae.fingerprint());
        provenance.put("plan", plan.inputs());
        FeatureBook book = new FeatureBook(folder, plan.features(), scores);
        for (int shard = 0; shard < book.shards(); shard++) {
            if (!book.has(shard)) {
                book.write(shard, FeatureProfiles.compute(model, sae, scores, book.features(shard), List.of(), every(), quiet(shard, book)));
            }
        }
        new FeaturePages(detailed, names).write(folder, provenance, book, new ExploreSummary(model, modelPath, folder, plan, evaluation, scores,
                detailed, heldOut, beginning()).section());
    }

    /** Progress over all features rather than those of a shard. */
    private org.sae4j.api.Progress quiet(int shard, FeatureBook book) {
        return new org.sae4j.api.Progress() {
            @Override
            public void update(String stage, long done, long total) {
                terminal.update("profiling every feature", book.features(shard)[0] + done, book.size());
            }

            @Override
            public boolean isCancelled() {
                return terminal.isCancelled();
            }
        };
    }
}
