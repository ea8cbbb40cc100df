package com.example.density;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.experiment.Experiments;
import org.sae4j.testkit.ExperimentConformance;
import org.sae4j.testkit.SmallModels;

class FeatureDensityTest {
    private static final List<Document> TEXTS = List.of(new Document("", "to be, or not to be"), new Document("", "that is the question"));

    @Test
    void countsAreThoseOfTheColumns() {
        TransformerConfig config = SmallModels.config(1, TransformerConfig.Activation.GELU);
        SaeConfig saeConfig = SaeConfig.builder(SaeConfig.Architecture.TOPK, config.dMlp(), 40).k(3).hook(HookPoint.mlpPost(0)).build();
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 1), Optional.of(SmallModels.characters()),
                        engine);
                SparseAutoencoder sae = SparseAutoencoders.of(saeConfig, SmallModels.parameters(saeConfig, 2), engine)) {
            ExperimentRun run = ExperimentRun.builder(model, engine).autoencoder(sae).corpus(TEXTS).build();
            FeatureDensity experiment = new FeatureDensity();
            ExperimentResult<FeatureDensity.Data> result = run.run(experiment, experiment.defaults());

            SparseRows features = run.encodedCorpus().features();
            int[] expected = new int[40];
            for (int feature = 0; feature < expected.length; feature++) {
                for (float activation : features.column(feature)) {
                    expected[feature] += activation > 0 ? 1 : 0;
                }
            }
            assertArrayEquals(expected, result.data().firing());
            assertEquals(39, result.data().tokens());
            Figure.Histogram histogram = (Figure.Histogram) result.figures().getFirst();
            double drawn = java.util.Arrays.stream(histogram.series().getFirst().values()).sum();
            assertEquals(java.util.Arrays.stream(expected).filter(n -> n > 0).count(), drawn, "every feature that fired is in a bin");
        }
    }

    @Test
    void conformsToWhatEveryExperimentMustDo() {
        TransformerConfig config = SmallModels.config(1, TransformerConfig.Activation.GELU);
        SaeConfig saeConfig = SaeConfig.builder(SaeConfig.Architecture.TOPK, config.dMlp(), 40).k(3).hook(HookPoint.mlpPost(0)).build();
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 1), Optional.of(SmallModels.characters()),
                        engine);
                SparseAutoencoder sae = SparseAutoencoders.of(saeConfig, SmallModels.parameters(saeConfig, 2), engine)) {
            ExperimentRun run = ExperimentRun.builder(model, engine).autoencoder(sae).corpus(TEXTS).build();
            FeatureDensity experiment = new FeatureDensity();
            ExperimentConformance.cases(experiment, experiment.defaults(), run).forEach(ExperimentConformance.Case::check);
        }
    }

    @Test
    void isFoundAsAService() {
        assertTrue(Experiments.installed().all().stream().anyMatch(e -> e instanceof FeatureDensity));
    }
}
