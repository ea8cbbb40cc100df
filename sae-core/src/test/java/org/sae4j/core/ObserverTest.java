package org.sae4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.sae4j.api.Observer;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.format.FormatException;
import org.sae4j.testkit.ReferenceEngine;
import org.sae4j.testkit.SmallModels;

class ObserverTest {
    private final List<String> seen = new ArrayList<>();
    private final Observer observer = (operation, subject, size) -> {
        seen.add(operation + " " + size + " of " + subject);
        return failure -> seen.add(operation + (failure == null ? " done" : " failed " + failure.getClass().getSimpleName()));
    };

    @Test
    void passesAndEncodingAreSeen() {
        TransformerConfig config = SmallModels.config(1, TransformerConfig.Activation.GELU);
        SaeConfig sae = SaeConfig.builder(SaeConfig.Architecture.RELU, config.dModel(), 7).build();
        try (Engine engine = Engines.observed(new ReferenceEngine(), observer);
                Transformer model = Transformers.of(config, SmallModels.parameters(config, 1), Optional.empty(), engine);
                SparseAutoencoder autoencoder = SparseAutoencoders.of(sae, SmallModels.parameters(sae, 1), engine)) {
            model.forward(new int[][] {{1, 2, 3}, {3, 2, 1}}, ForwardPlan.capture(HookPoint.LOGITS));
            SparseRows features = autoencoder.encode(Tensor.zeros(5, config.dModel()));
            autoencoder.decode(features);
            autoencoder.reconstruct(Tensor.zeros(2, config.dModel()));
            assertThat(seen).containsExactly("FORWARD 6 of " + config.name(), "FORWARD done", "ENCODE 5 of " + autoencoder, "ENCODE done",
                    "DECODE 5 of " + autoencoder, "DECODE done", "RECONSTRUCT 2 of " + autoencoder, "RECONSTRUCT done");
        }
    }

    @Test
    void aFailureIsSeenAndThrownOn() {
        try (Engine engine = Engines.observed(new ReferenceEngine(), observer)) {
            Path missing = Path.of("no-such-folder");
            assertThatThrownBy(() -> Transformers.open(missing, engine)).isInstanceOf(FormatException.class);
            assertThatThrownBy(() -> SparseAutoencoders.open(missing, engine)).isInstanceOf(FormatException.class);
        }
        assertThat(seen).containsExactly("OPEN 0 of no-such-folder", "OPEN failed FormatException", "OPEN 0 of no-such-folder",
                "OPEN failed FormatException");
    }

    @Test
    void observersAreToldInOrderAndEndInTheOpposite() {
        Observer second = (operation, subject, size) -> {
            seen.add("second");
            return failure -> seen.add("second done");
        };
        try (Engine engine = Engines.observed(Engines.observed(new ReferenceEngine(), observer), second)) {
            assertThat(engine.observer().observe(Observer.Operation.ENCODE, "x", 1, () -> 3)).isEqualTo(3);
        }
        assertThat(seen).containsExactly("ENCODE 1 of x", "second", "second done", "ENCODE done");
    }

    @Test
    void anObservedEngineIsTheEngine() {
        ReferenceEngine reference = new ReferenceEngine();
        Engine engine = Engines.observed(reference, observer);
        assertThat(engine.id()).isEqualTo("reference");
        assertThat(engine.device()).isEqualTo(reference.device());
        engine.close();
        assertThatThrownBy(() -> reference.compile(org.sae4j.api.engine.Program.builder("none").build(), Map.of()))
                .isInstanceOf(IllegalStateException.class);
    }
}
