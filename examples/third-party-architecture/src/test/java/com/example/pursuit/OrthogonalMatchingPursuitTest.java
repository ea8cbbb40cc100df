package com.example.pursuit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.evaluate.Evaluation;
import org.sae4j.core.evaluate.Evaluator;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.TrainedSae;
import org.sae4j.core.train.Trainer;

class OrthogonalMatchingPursuitTest {
    private static final int D = 12;
    private static final int K = 3;

    @TempDir
    private Path folder;

    /** Sums of three of 24 random directions. */
    private static Tensor rows(int count) {
        CounterRandom directions = new CounterRandom(1);
        float[] dictionary = new float[24 * D];
        for (int i = 0; i < dictionary.length; i++) {
            dictionary[i] = (float) directions.nextGaussian();
        }
        CounterRandom random = new CounterRandom(2);
        float[] values = new float[count * D];
        for (int row = 0; row < count; row++) {
            for (int f = 0; f < K; f++) {
                int chosen = random.nextInt(24);
                double size = 1 + random.nextDouble();
                for (int c = 0; c < D; c++) {
                    values[row * D + c] += (float) (size * dictionary[chosen * D + c]);
                }
            }
        }
        return Tensor.of(values, count, D);
    }

    @Test
    void fitsWhatAWorkedCaseFits() {
        SaeConfig config = SaeConfig.builder(new OrthogonalMatchingPursuit().architecture(), 2, 3).k(2).build();
        Map<String, Tensor> parameters = Map.of("W_dec", Tensor.of(new float[] {1, 0, 0.6f, 0.8f, 0, -1}, 3, 2), "b_dec", Tensor.zeros(2));
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                SparseAutoencoder sae = SparseAutoencoders.of(config, parameters, engine)) {
            // (2.2, 1.6) = 1 (1, 0) + 2 (0.6, 0.8).
            float[] features = sae.encode(Tensor.of(new float[] {2.2f, 1.6f}, 1, 2)).toDense().toArray();
            assertEquals(1, features[0], 1e-5);
            assertEquals(2, features[1], 1e-5);
            assertEquals(0, features[2]);
        }
    }

    @Test
    void aDictionaryIsTrainedWithThePursuitItselfSavedAndReadBack() {
        Recipe recipe = Recipes.get("openai-topk").with(Map.of("architecture", "orthogonal_matching_pursuit(k=3)", "dead", "none", "d_sae",
                "24", "batch", "128", "steps", "300"));
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.sequential(rows(4096))).build()) {
            trainer.step();
            TrainedSae untrained = trainer.result();
            trainer.run(Progress.NONE);
            TrainedSae trained = trainer.result();
            SaeFiles.write(folder.resolve("trained"), trained.config(), trained.parameters(), trained.metadata());
            trainer.checkpoint(folder.resolve("checkpoint.safetensors"));
            try (SparseAutoencoder first = SparseAutoencoders.of(untrained.config(), untrained.parameters(), engine);
                    SparseAutoencoder last = SparseAutoencoders.open(folder.resolve("trained"), engine);
                    SparseAutoencoder checkpoint = SparseAutoencoders.open(folder.resolve("checkpoint.safetensors"), engine)) {
                assertEquals(last.config().architecture(), checkpoint.config().architecture());
                assertEquals(last.fingerprint(), checkpoint.fingerprint());
                Evaluation before = Evaluator.evaluate(first, rows(512), Progress.NONE);
                Evaluation after = Evaluator.evaluate(last, rows(512), Progress.NONE);
                assertTrue(after.l0() <= K, "L0 " + after.l0());
                assertTrue(1 - after.explainedVariance() < (1 - before.explainedVariance()) / 2, before.explainedVariance() + " and "
                        + after.explainedVariance());
            }
        }
    }

    @Test
    void aTrainedDictionaryExplainsMoreWithThePursuitThanWithItsEncoder() {
        Recipe recipe = Recipes.get("openai-topk").with(Map.of("d_sae", "24", "k", "3", "batch", "128", "steps", "400"));
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.sequential(rows(4096))).build()) {
            trainer.run(Progress.NONE);
            TrainedSae trained = trainer.result();
            SaeFiles.write(folder.resolve("topk"), trained.config(), trained.parameters(), Map.of());
            Refit.main(new String[] {folder.resolve("topk").toString(), folder.resolve("pursuit").toString(), "3"});
            try (SparseAutoencoder topk = SparseAutoencoders.open(folder.resolve("topk"), engine);
                    SparseAutoencoder pursuit = SparseAutoencoders.open(folder.resolve("pursuit"), engine)) {
                assertEquals("orthogonal_matching_pursuit", pursuit.config().architecture().name());
                Evaluation before = Evaluator.evaluate(topk, rows(512), Progress.NONE);
                Evaluation after = Evaluator.evaluate(pursuit, rows(512), Progress.NONE);
                assertTrue(after.l0() <= K, "L0 " + after.l0());
                assertTrue(after.explainedVariance() > before.explainedVariance(), before.explainedVariance() + " and "
                        + after.explainedVariance());
            }
        }
    }
}
