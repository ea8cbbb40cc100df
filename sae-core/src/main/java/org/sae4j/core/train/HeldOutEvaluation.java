package org.sae4j.core.train;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.EvaluationFile;
import org.sae4j.core.evaluate.Evaluator;

/**
 * Evaluates on held-out activations as training goes, always on the same ones, and writes a line for each evaluation. Training is not
 * changed by it. A listener for {@link Trainer.Builder#listener}.
 */
public final class HeldOutEvaluation implements Consumer<TrainingMetrics> {
    private final Engine engine;
    private final Supplier<TrainedSae> trained;
    private final ActivationSource heldOut;
    private final long rows;
    private final double normLimit;
    private final long every;
    private final MetricsFile file;
    private final Progress progress;

    /**
     * Prepares; nothing is evaluated yet.
     *
     * @param engine runs the evaluations
     * @param trained gives the autoencoder as it is, such as {@link Trainer#result}
     * @param heldOut activations that are not trained on; read from its start each time
     * @param rows how many of them, at least 1
     * @param normLimit rows with a larger norm are left out and counted; positive infinity for no limit
     * @param every steps between evaluations, at least 1
     * @param file receives {@code step}, {@code training_tokens} and {@link EvaluationFile#values}; belongs to the caller
     * @param progress asked for cancellation
     * @throws IllegalArgumentException if a number is less than 1
     */
    public HeldOutEvaluation(Engine engine, Supplier<TrainedSae> trained, ActivationSource heldOut, long rows, double normLimit, long every,
            MetricsFile file, Progress progress) {
        if (rows < 1 || every < 1) {
            throw new IllegalArgumentException("rows and steps between evaluations are at least 1, found " + rows + " and " + every);
        }
        this.engine = engine;
        this.trained = trained;
        this.heldOut = heldOut;
        this.rows = rows;
        this.normLimit = normLimit;
        this.every = every;
        this.file = file;
        this.progress = progress;
    }

    /**
     * Evaluates if it is time.
     *
     * @throws org.sae4j.api.Sae4jException if the line cannot be written, or the widths differ
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    @Override
    public void accept(TrainingMetrics metrics) {
        if (metrics.step() % every != 0) {
            return;
        }
        TrainedSae now = trained.get();
        heldOut.seek(0);
        try (SparseAutoencoder sae = SparseAutoencoders.of(now.config(), now.parameters(), engine)) {
            Evaluation evaluation = Evaluator.evaluate(sae, heldOut::next, rows, normLimit, progress);
            Map<String, @Nullable Object> line = new LinkedHashMap<>();
            line.put("step", metrics.step());
            line.put("training_tokens", metrics.tokens());
            line.putAll(EvaluationFile.values(evaluation));
            file.write(line);
        }
    }
}
