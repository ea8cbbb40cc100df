package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.lab.LabelScores;
import org.sae4j.api.model.Context;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.activations.Contexts;
import org.sae4j.core.activations.StreamedActivations;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.experiment.Experiments;
import org.sae4j.core.features.FeatureProfiles;
import org.sae4j.core.features.ProfileSettings;
import org.sae4j.core.output.Existing;
import org.sae4j.core.train.ActivationBuffer;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.Setting;
import org.sae4j.core.train.TrainedSae;
import org.sae4j.core.train.TrainingMetrics;
import org.sae4j.core.train.TrainingRun;
import org.sae4j.demoworld.DemoWorld;
import org.sae4j.report.ResultJson;

/** The demo: harvests activations, trains, evaluates, runs all experiments, writes the report. */
final class Demo {
    /** The experiments on the one-block model and its autoencoder, in the order of the report. */
    static final List<String> WITH_AUTOENCODER = List.of("specificity", "neighborhood", "ablation", "random-walk");
    static final String TRACING = "causal-tracing";

    private static final HookPoint HOOK = HookPoint.mlpPost(0);
    private static final int BUFFER_ROWS = 1 << 17;

    private final Engine engine;
    private final Path output;
    private final long seed;
    private final int steps;
    private final int documents;
    private final Terminal terminal;
    private final long started = System.nanoTime();

    Demo(Engine engine, Path output, long seed, int steps, int documents, Terminal terminal) {
        this.engine = engine;
        this.output = output;
        this.seed = seed;
        this.steps = steps;
        this.documents = documents;
        this.terminal = terminal;
    }

    /** An autoencoder that the demo trained, with what is known of it. */
    record Trained(String id, String title, Recipe recipe, List<TrainingMetrics> metrics, Evaluation evaluation,
            Map<String, Detectors.Best> detectors, SparseAutoencoder sae) {
        /** The lowest AUROC of the labels' best features. */
        double worstAuroc() {
            return detectors.values().stream().mapToDouble(Detectors.Best::byDocument).min().orElse(Double.NaN);
        }
    }

    /** One experiment's outcome. */
    record Outcome(Experiment<?, ?> experiment, ExperimentResult<?> result, Map<String, Object> provenance) {}

    Path run() {
        Experiments experiments = Experiments.installed();
        List<Document> labelled = DemoWorld.labelledCorpus();
        List<Outcome> outcomes = new ArrayList<>();
        List<Trained> trained = new ArrayList<>();
        Path file = output.resolve(OutputKinds.REPORT);
        Path models = output.resolve("models");
        FeatureProfiles profiles;
        try (Transformer model = Transformers.open(DemoWorld.extractModel(DemoWorld.GELU_1L, models.resolve(DemoWorld.GELU_1L)), engine)) {
            List<String> texts = DemoWorld.trainingCorpus().stream().limit(documents).map(Document::text).toList();
            List<Context> training = model.tokenization().contexts(texts);
            List<Context> evaluation = model.tokenization().contexts(labelled.stream().map(Document::text).toList());
            try {
                for (Plan plan : plans()) {
                    trained.add(train(plan, model, training, evaluation, labelled));
                }
                ExperimentRun run = ExperimentRun.builder(model, engine).autoencoder(trained.getFirst().sae())
                        .autoencoder(trained.getLast().sae()).corpus(labelled).facts(DemoWorld.facts()).seed(seed).progress(terminal).build();
                for (String id : WITH_AUTOENCODER) {
                    outcomes.add(run(experiments.get(id), run));
                }
                profiles = featurePages(run, model, trained.getFirst());
            } finally {
                trained.forEach(t -> t.sae().close());
            }
        }
        try (Transformer model = Transformers.open(DemoWorld.extractModel(DemoWorld.GPT2_4L, models.resolve(DemoWorld.GPT2_4L)), engine)) {
            ExperimentRun run = ExperimentRun.builder(model, engine).corpus(labelled).facts(DemoWorld.facts()).seed(seed).progress(terminal)
                    .build();
            outcomes.add(run(experiments.get(TRACING), run));
        }
        terminal.update("writing the report", 0, 0);
        new DemoReport(engine, seed, trained, profiles, outcomes, (System.nanoTime() - started) / 1e9).write(file);
        return file;
    }

    /** What to train. */
    private record Plan(String id, String title, Recipe recipe) {}

    private List<Plan> plans() {
        Recipe common = Recipes.OPENAI_TOPK.with(Map.of("k", "32", "lr", "1e-3", "batch", "1024", "dead_after", "100000",
                "seed", Long.toString(seed)));
        Recipe paper = Recipes.PAPER.with(Map.of("l1", "1.2e-4", "lr", "4e-3", "lr_warm_up", Integer.toString(Math.min(50, steps / 2)),
                "lr_decay",
                Integer.toString(steps * 3 / 10), "batch", "1024", "d_sae", "2048", "dead_after", "100000", "seed", Long.toString(seed)));
        return List.of(
                new Plan("topk-2048", "TopK", common.with(Map.of("d_sae", "2048", "steps", Integer.toString(steps)))),
                new Plan("relu-2048", "ReLU and L1 (the paper's recipe)", paper.with("steps", Integer.toString(steps))),
                new Plan("topk-512", "small TopK", common.with(Map.of("d_sae", "512", "steps", Integer.toString(Math.max(1, steps / 2))))));
    }

    private Trained train(Plan plan, Transformer model, List<Context> training, List<Context> evaluation, List<Document> labelled) {
        Path folder = Paths.newFolder(output.resolve("autoencoders").resolve(plan.id()));
        List<TrainingMetrics> metrics = new ArrayList<>();
        TrainedSae result;
        StreamedActivations activations = new StreamedActivations(model, List.of(HOOK), () -> Contexts.of(training), Long.MAX_VALUE);
        ActivationBuffer buffer = new ActivationBuffer(activations, BUFFER_ROWS, seed, terminal);
        TrainingProgress progress = new TrainingProgress(terminal, "training " + plan.title());
        Evaluation measured;
        try (TrainingRun run = TrainingRun.builder(engine, plan.recipe(), buffer).output(folder, Existing.OVERWRITE).checkpoints(-1, 1)
                .origin(Optional.of(HOOK), Optional.of(model.config().name()))
                .evaluation(sae -> Evaluator.evaluate(model, sae, evaluation, false, Double.POSITIVE_INFINITY, terminal), 0)
                .listener(metrics::add).listener(progress).build()) {
            TrainingRun.Result done = run.run(progress);
            result = done.trained();
            measured = done.evaluation();
        }
        SparseAutoencoder sae = SparseAutoencoders.of(result.config(), result.parameters(), engine);
        EncodedCorpus encoded = EncodedCorpus.encode(model, sae, labelled, terminal);
        Trained trained = new Trained(plan.id(), plan.title(), plan.recipe(), metrics, measured,
                Detectors.bestByLabel(LabelScores.of(encoded, terminal), model.tokenizer().orElseThrow()), sae);
        terminal.say(String.format(Locale.ROOT, "%s: explained variance %.3f at L0 %.1f, %d of %d features dead, worst domain's AUROC %.4f",
                plan.title(), measured.explainedVariance(), measured.l0(), measured.dead(), measured.density().length,
                trained.worstAuroc()));
        return trained;
    }

    private FeatureProfiles featurePages(ExperimentRun run, Transformer model, Trained main) {
        int[] features = main.detectors().values().stream().mapToInt(Detectors.Best::feature).toArray();
        FeatureProfiles profiles = FeatureProfiles.compute(model, main.sae(), LabelScores.of(run.encodedCorpus(), terminal), features,
                DemoWorld.facts(), ProfileSettings.of(seed), terminal);
        new FeaturePages(profiles).write(output, run.provenance());
        return profiles;
    }

    private <C extends Record, R extends Record> Outcome run(Experiment<C, R> experiment, ExperimentRun run) {
        terminal.update(experiment.title(), 0, 0);
        C config = experiment.defaults();
        ExperimentResult<R> result = run.run(experiment, config);
        Map<String, Object> provenance = new LinkedHashMap<>(run.provenance(experiment, config));
        ResultJson.write(Paths.newFolder(output.resolve("results").resolve(experiment.id())).resolve(OutputKinds.RESULT), experiment, result,
                provenance);
        terminal.say(experiment.title() + (result.findings().isEmpty() ? "" : ": " + result.findings().getFirst()));
        return new Outcome(experiment, result, provenance);
    }
}
