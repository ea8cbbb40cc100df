package org.sae4j.core.train;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.EvaluationFile;

/** Evaluates as training goes, always in the same way, and writes a line for each evaluation. Training is not changed by it. */
final class PeriodicEvaluation {
    private final Engine engine;
    private final Function<SparseAutoencoder, Evaluation> evaluation;
    private final long every;
    private final MetricsFile file;

    /** Evaluates every so many steps; the engine and the file belong to the caller. */
    PeriodicEvaluation(Engine engine, Function<SparseAutoencoder, Evaluation> evaluation, long every, MetricsFile file) {
        this.engine = engine;
        this.evaluation = evaluation;
        this.every = every;
        this.file = file;
    }

    /** Evaluates the autoencoder after a step, if it is time. */
    void after(TrainingMetrics metrics, Supplier<TrainedSae> trained) {
        if (metrics.step() % every != 0) {
            return;
        }
        TrainedSae now = trained.get();
        try (SparseAutoencoder sae = SparseAutoencoders.of(now.config(), now.parameters(), engine)) {
            Map<String, @Nullable Object> line = new LinkedHashMap<>();
            line.put("step", metrics.step());
            line.put("training_tokens", metrics.tokens());
            line.putAll(EvaluationFile.values(evaluation.apply(sae)));
            file.write(line);
        }
    }
}
