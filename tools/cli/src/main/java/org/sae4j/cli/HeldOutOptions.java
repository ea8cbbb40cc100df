package org.sae4j.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.train.HeldOutEvaluation;
import org.sae4j.core.train.MetricsFile;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.TrainedSae;
import org.sae4j.core.train.TrainingMetrics;
import picocli.CommandLine.Option;

/** The options for evaluation as training goes. */
final class HeldOutOptions {
    @Option(names = "--eval-activations", paramLabel = "STORE",
            description = "A store of held-out activations to evaluate on as training goes; adds evaluation.jsonl to the output.")
    private Path activations;

    @Option(names = "--eval-every", paramLabel = "N", description = "Steps between evaluations. Default: a tenth of all.")
    private Long every;

    @Option(names = "--eval-rows", paramLabel = "N", defaultValue = "8192",
            description = "Held-out activations to evaluate on, always the first ones. Default: ${DEFAULT-VALUE}, or all if fewer.")
    private long rows;

    HeldOutOptions() {
    }

    /** What is open while training goes: nothing, if the user asked for nothing. */
    record Running(Consumer<TrainingMetrics> listener, Optional<ActivationStore> store, Optional<MetricsFile> file)
            implements AutoCloseable {
        @Override
        public void close() {
            store.ifPresent(ActivationStore::close);
            file.ifPresent(MetricsFile::close);
        }
    }

    /** Refuses what cannot be evaluated on, before anything is written. */
    void check(Recipe recipe) {
        if (activations == null) {
            return;
        }
        if (every(recipe) < 1 || rows < 1) {
            throw new Sae4jException("--eval-every and --eval-rows are at least 1, found " + every(recipe) + " and " + rows,
                    activations.toString(), "choose larger ones");
        }
        ActivationStore.open(Paths.folder(activations, "--eval-activations")).close();
    }

    private long every(Recipe recipe) {
        return every == null ? Math.max(1, recipe.steps() / 10) : every;
    }

    /**
     * Opens the store and the file to write.
     *
     * @param output the folder of the training
     * @param stepsDone steps before the next one
     * @param norm which activations are left out
     * @param trained gives the autoencoder as it is
     */
    Running open(Engine engine, Recipe recipe, Path output, long stepsDone, NormOption norm, Supplier<TrainedSae> trained,
            Terminal terminal) {
        if (activations == null) {
            return new Running(metrics -> { }, Optional.empty(), Optional.empty());
        }
        ActivationStore store = ActivationStore.open(Paths.folder(activations, "--eval-activations"));
        MetricsFile file = new MetricsFile(output.resolve(OutputKinds.EVALUATIONS), stepsDone);
        return new Running(new HeldOutEvaluation(engine, trained, store.all().sequential(), Math.min(rows, store.rows()),
                norm.limit(store.norms(terminal)), every(recipe), file, terminal), Optional.of(store), Optional.of(file));
    }
}
