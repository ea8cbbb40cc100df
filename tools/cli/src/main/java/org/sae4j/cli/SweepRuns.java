package org.sae4j.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.output.Existing;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.ScalingLaw;
import org.sae4j.core.train.TrainedSae;
import org.sae4j.core.train.TrainingRun;

/**
 * The runs of a sweep, each in a folder of its own with checkpoints: a run that is done begins, and ends, at its last one.
 */
final class SweepRuns {
    private final Tensor training;
    private final Tensor heldOut;
    private final Path output;
    private final EngineOption engineOption;
    private final Terminal terminal;
    private final AtomicBoolean failed = new AtomicBoolean();

    SweepRuns(Tensor training, Tensor heldOut, Path output, EngineOption engineOption, Terminal terminal) {
        this.training = training;
        this.heldOut = heldOut;
        this.output = output;
        this.engineOption = engineOption;
        this.terminal = terminal;
    }

    /** Trains what is not yet trained; points in the order of the pairs. */
    List<ScalingLaw.Point> train(List<Recipe> pairs, int jobs, String fingerprint) {
        int threads = jobs == 1 ? 0 : Math.max(1, Runtime.getRuntime().availableProcessors() / jobs);
        engineOption.say(terminal);
        List<Future<ScalingLaw.Point>> futures = new ArrayList<>();
        try (ExecutorService pool = Executors.newFixedThreadPool(jobs)) {
            try {
                for (Recipe pair : pairs) {
                    futures.add(pool.submit(() -> {
                        try (Engine engine = engineOption.open(threads)) {
                            return point(engine, pair, fingerprint);
                        }
                    }));
                }
                List<ScalingLaw.Point> points = new ArrayList<>();
                for (int i = 0; i < futures.size(); i++) {
                    points.add(futures.get(i).get());
                    terminal.update("pairs", i + 1, pairs.size());
                }
                return points;
            } catch (ExecutionException e) {
                failed.set(true);
                futures.forEach(future -> future.cancel(false));
                throw e;
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted");
        }
    }

    private ScalingLaw.Point point(Engine engine, Recipe recipe, String fingerprint) {
        Path folder = Paths.newFolder(output.resolve("runs").resolve("features-" + recipe.dSae() + "-steps-" + recipe.steps()));
        TrainedSae trained = train(engine, recipe, folder, fingerprint);
        try (SparseAutoencoder sae = SparseAutoencoders.of(trained.config(), trained.parameters(), engine)) {
            double loss = ScalingLaw.loss(recipe, sae, heldOut);
            double compute = ScalingLaw.compute(training.dim(-1), recipe.dSae(), recipe.batch(), recipe.steps());
            return new ScalingLaw.Point(recipe.dSae(), recipe.steps(), compute, loss);
        }
    }

    private TrainedSae train(Engine engine, Recipe recipe, Path folder, String fingerprint) {
        Progress untold = new Progress() {
            @Override
            public void update(String stage, long done, long total) {
                // Runs at once would talk across each other; the sweep says which pairs are done.
            }

            @Override
            public boolean isCancelled() {
                return failed.get() || terminal.isCancelled();
            }
        };
        Map<String, Object> data = new LinkedHashMap<>();
        data.put("sha256", fingerprint);
        data.put("rows", "all but the last " + heldOut.dim(0) + " of " + (training.dim(0) + heldOut.dim(0)) + ", shuffled");
        try (TrainingRun run = TrainingRun.builder(engine, recipe, ActivationSource.shuffled(training, recipe.seed()))
                .output(folder, Existing.RESUME).checkpoints(Math.max(1, recipe.steps() / 10), 1).data(data).rows(training.dim(0))
                .evaluation(sae -> Evaluator.evaluate(sae, heldOut, untold), 0).build()) {
            return run.run(untold).trained();
        }
    }
}
