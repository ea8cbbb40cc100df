package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.engine.cpu.CpuEngineProvider;
import org.sae4j.testkit.ReferenceEngine;

/** Ten steps of every recipe, at odd sizes, against PyTorch: see {@code src/test/python/training_reference.py}. */
class PyTorchReferenceTest {
    private static final Map<String, Map<String, String>> SETTINGS = Map.of(
            "neel-run1", Map.of("lr", "3e-3", "l1", "0.01"),
            "bloom-2024-02", Map.of("lr", "3e-3", "lr_warm_up", "0", "l1", "0.01", "dead_after", "15"),
            "paper", Map.of("lr", "3e-3", "lr_warm_up", "0", "l1", "0.01", "dead_after", "15"),
            "anthropic-april-2024", Map.of("lr", "3e-3", "l1", "0.1", "l1_warm_up", "0", "lr_decay", "0", "normalize", "false"),
            "openai-topk", Map.of("lr", "3e-3", "k", "3", "k_aux", "2", "dead_after", "15", "unit_norm", "before_adam"),
            "batch-topk", Map.of("lr", "3e-3", "k", "3", "k_aux", "2", "dead_after", "15", "threshold_decay", "0.8"),
            "matryoshka", Map.of("lr", "3e-3", "k", "3", "k_aux", "2", "dead_after", "15", "threshold_decay", "0.8", "prefixes", "3,7,13"),
            "jumprelu", Map.of("lr", "3e-3", "lr_warm_up", "0", "l1", "0.2", "l1_warm_up", "0", "normalize", "false", "bandwidth", "0.15"),
            "gated", Map.of("lr", "3e-3", "lr_warm_up", "0", "l1", "0.2", "normalize", "false"),
            "gated-free", Map.of("lr", "3e-3", "lr_warm_up", "0", "l1", "0.2", "normalize", "false", "unit_norm", "none", "beta1", "0.9",
                    "dead", "aux_k", "k_aux", "2", "dead_after", "15"));

    static Stream<Arguments> cases() {
        return SETTINGS.keySet().stream().sorted().flatMap(name -> Stream.of(
                Arguments.of(name, "reference", (Supplier<Engine>) ReferenceEngine::new),
                Arguments.of(name, "cpu", (Supplier<Engine>) () -> new CpuEngineProvider().open(EngineOptions.DEFAULT))));
    }

    @ParameterizedTest(name = "{0} on the {1} engine")
    @MethodSource("cases")
    void lossesAndParametersAfterTenStepsEqualPytorchs(String name, String id, Supplier<Engine> opener) throws URISyntaxException {
        try (Engine engine = opener.get()) {
            check(name, engine);
        }
    }

    private static void check(String name, Engine engine) throws URISyntaxException {
        Path path = Path.of(Objects.requireNonNull(PyTorchReferenceTest.class.getResource(name + ".safetensors")).toURI());
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            Map<String, Tensor> init = new LinkedHashMap<>();
            file.names().stream().filter(tensor -> tensor.startsWith("init.")).forEach(t -> init.put(t.substring(5), file.tensor(t)));
            Recipe recipe = Recipes.get(name.equals("gated-free") ? "gated" : name).with(SETTINGS.get(name))
                    .with(Map.of("d_sae", "13", "batch", "10", "steps", "10"));
            Tensor losses = file.tensor("losses");
            try (Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.sequential(file.tensor("data"))).init(init).build()) {
                int deadSeen = 0;
                for (int step = 0; step < 10; step++) {
                    TrainingMetrics metrics = trainer.step();
                    assertThat(metrics.loss()).as("loss of step " + (step + 1)).isCloseTo(losses.get(step), within(2e-5 * losses.get(0)));
                    deadSeen = Math.max(deadSeen, metrics.dead());
                }
                if (recipe.dead() == Recipe.DeadTreatment.GHOST || recipe.dead() == Recipe.DeadTreatment.AUX_K) {
                    assertThat(deadSeen).as("the case exercises dead features").isPositive();
                }
                Map<String, Tensor> result = trainer.result().parameters();
                init.keySet().forEach(parameter -> close(parameter, result.get(parameter), file.tensor("final." + parameter)));
                if (recipe.activation() == Recipe.Activation.BATCH_TOPK) {
                    assertThat(result.get("threshold").get(5)).isCloseTo(file.tensor("threshold").get(0), within(1e-5f));
                }
            }
        }
    }

    private static void close(String name, Tensor actual, Tensor expected) {
        assertThat(actual.shape()).as(name).isEqualTo(expected.shape());
        for (long i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).as(name + " element " + i).isCloseTo(expected.get(i), within(3e-5f));
        }
    }
}
