package org.sae4j.cli;

import java.nio.file.Path;
import java.util.Optional;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.store.ActivationStore;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.TrainingRun;
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

    /** Opens the store, if the user named one, with the activations that count. */
    HeldOut open(NormOption norm, Terminal terminal) {
        if (activations == null) {
            return new HeldOut(Optional.empty(), Double.POSITIVE_INFINITY, terminal);
        }
        if (rows < 1 || every != null && every < 1) {
            throw new Sae4jException("--eval-every and --eval-rows are at least 1, found " + every + " and " + rows, activations.toString(),
                    "choose larger ones");
        }
        ActivationStore store = ActivationStore.open(Paths.folder(activations, "--eval-activations"));
        return new HeldOut(Optional.of(store), norm.limit(store.norms(terminal)), terminal);
    }

    /** Held-out activations while training goes: nothing, if the user asked for nothing. */
    final class HeldOut implements AutoCloseable {
        private final Optional<ActivationStore> store;
        private final double normLimit;
        private final Terminal terminal;

        private HeldOut(Optional<ActivationStore> store, double normLimit, Terminal terminal) {
            this.store = store;
            this.normLimit = normLimit;
            this.terminal = terminal;
        }

        /** Tells a run to evaluate on them. */
        void configure(TrainingRun.Builder run, Recipe recipe) {
            store.ifPresent(open -> {
                ActivationSource source = open.all().sequential();
                run.evaluation(sae -> {
                    source.seek(0);
                    return Evaluator.evaluate(sae, source::next, Math.min(rows, open.rows()), normLimit, terminal);
                }, every == null ? Math.max(1, recipe.steps() / 10) : every);
            });
        }

        @Override
        public void close() {
            store.ifPresent(ActivationStore::close);
        }
    }
}
