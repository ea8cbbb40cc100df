package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.testkit.ReferenceEngine;
import org.sae4j.testkit.SmallModels;

/** An installed experiment from Java by its id, without naming its classes. */
class RunByIdTest {
    private static Engine engine;
    private static Transformer model;
    private static SparseAutoencoder autoencoder;

    @BeforeAll
    static void open() {
        engine = new ReferenceEngine();
        TransformerConfig config = SmallModels.config(1, TransformerConfig.Activation.GELU);
        model = Transformers.of(config, SmallModels.parameters(config, 1), Optional.of(SmallModels.characters()), engine);
        SaeConfig sae = SaeConfig.builder(SaeConfig.Architecture.RELU, config.dMlp(), 20).hook(HookPoint.mlpPost(0)).build();
        autoencoder = SparseAutoencoders.of(sae, SmallModels.parameters(sae, 2), engine);
    }

    @AfterAll
    static void close() {
        autoencoder.close();
        model.close();
        engine.close();
    }

    private static ExperimentRun run(List<Document> corpus) {
        return ExperimentRun.builder(model, engine).autoencoder(autoencoder).corpus(corpus).build();
    }

    @Test
    void settingsAreLaidOverTheDefaults() {
        ExperimentRun run = run(List.of(new Document("a", "to be, or not to be"), new Document("b", "that is the question")));
        ExperimentResult<?> result = run.run("neighborhood", Map.of("source", "decoder"));
        assertThat(result.metrics()).isNotEmpty();
        assertThatThrownBy(() -> run.run("neighborhood", Map.of("sorce", "decoder"))).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("settings of neighborhood").hasMessageContaining("did you mean 'source'?");
    }

    @Test
    void whatIsMissingIsSaidInTermsOfJava() {
        assertThatThrownBy(() -> run(List.of()).run("specificity")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("ExperimentRun.Builder.corpus").hasMessageNotContaining("--corpus");
        assertThatThrownBy(() -> run(List.of()).run("specificty")).isInstanceOf(Sae4jException.class)
                .hasMessageContaining("did you mean 'specificity'?").hasMessageContaining("Experiments.installed");
    }
}
