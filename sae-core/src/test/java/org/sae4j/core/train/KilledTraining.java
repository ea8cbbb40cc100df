package org.sae4j.core.train;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.output.Existing;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** The training that {@link CrashTest} runs in a process of its own: it goes on from the last checkpoint, if there is one. */
public final class KilledTraining {
    static final int WIDTH = 16;
    /** What the child prints when it begins to train. */
    static final String TRAINING = "training";

    private KilledTraining() {}

    static Recipe recipe(int steps) {
        return Recipes.BATCH_TOPK.with(Map.of("d_sae", "64", "k", "3", "batch", "16", "steps", Integer.toString(steps), "lr", "1e-3",
                "dead_after", "500", "k_aux", "16"));
    }

    static ActivationSource source() {
        Tensor rows = Planted.rows(Planted.dictionary(40, WIDTH, 1), 300, 3, 0.1f, 2);
        return ActivationSource.shuffled(rows, 3);
    }

    /** Trains in a folder, with a checkpoint after every so many steps. */
    static void train(Engine engine, Path folder, int steps, int every) {
        Path checkpoints = folder.resolve("checkpoints");
        Trainer.Builder builder = Trainer.builder(engine, recipe(steps), source()).checkpoints(checkpoints, every).data("planted");
        long done = 0;
        Path last = Trainer.latestCheckpoint(checkpoints).orElse(null);
        if (last != null) {
            builder.resume(last);
            done = Checkpoint.read(last).steps();
        }
        try (MetricsFile metrics = new MetricsFile(folder.resolve("metrics.jsonl"), done);
                Trainer trainer = builder.listener(metrics).build()) {
            System.out.println(TRAINING);
            System.out.flush();
            trainer.run(Progress.NONE);
            TrainedSae trained = trainer.result();
            SaeFiles.write(folder, trained.config(), trained.parameters(), trained.metadata(), Existing.OVERWRITE);
        }
    }

    /**
     * Trains.
     *
     * @param args folder, steps, steps between checkpoints, threads
     */
    public static void main(String[] args) {
        try (Engine engine = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), Integer.parseInt(args[3]), Map.of()))) {
            train(engine, Path.of(args[0]), Integer.parseInt(args[1]), Integer.parseInt(args[2]));
        }
    }
}
