package org.sae4j.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.testkit.ReferenceEngine;

/** Models opened from files, against PyTorch: see {@code src/test/python/reference_forward.py}. */
class PretrainedReferenceTest {
    private static final Path DEMO_WORLD = Path.of("..", "tools", "demo-world", "src", "main", "resources", "org", "sae4j", "demoworld");

    private static Path reference(String name) throws URISyntaxException {
        return Path.of(Objects.requireNonNull(PretrainedReferenceTest.class.getResource("reference/" + name), name).toURI());
    }

    static Stream<Arguments> models() throws URISyntaxException {
        return Stream.of(Arguments.of("gelu-1l-demo", DEMO_WORLD.resolve("gelu-1l-demo")),
                Arguments.of("gpt2-4l-demo", DEMO_WORLD.resolve("gpt2-4l-demo")),
                Arguments.of("gpt2-random", reference("gpt2-random")));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void activationsOnTheCpuEngineAreThoseOfPyTorch(String name, Path folder) throws URISyntaxException {
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT)) {
            compare(name, folder, engine);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void activationsOnTheReferenceEngineAreThoseOfPyTorch(String name, Path folder) throws URISyntaxException {
        try (Engine engine = new ReferenceEngine()) {
            compare(name, folder, engine);
        }
    }

    private static void compare(String name, Path folder, Engine engine) throws URISyntaxException {
        try (SafetensorsFile expected = SafetensorsFile.open(reference(name + ".safetensors"));
                Transformer model = Transformers.open(folder, engine)) {
            HookPoint[] hooks = expected.names().stream().map(HookPoint::parse).flatMap(Optional::stream).toArray(HookPoint[]::new);
            assertThat(hooks).contains(HookPoint.LOGITS).hasSizeGreaterThan(4);
            Activations actual = model.forward(tokens(expected.tensor("tokens")), ForwardPlan.capture(hooks));
            for (HookPoint hook : hooks) {
                assertClose(hook.toString(), actual.get(hook), expected.tensor(hook.toString()));
            }
            Tensor last = model.forward(tokens(expected.tensor("long_tokens")),
                    ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1).build()).logits();
            assertClose("logits of a full context", last, expected.tensor("long_logits"));
        }
    }

    private static int[][] tokens(Tensor ids) {
        int[][] tokens = new int[ids.dim(0)][ids.dim(1)];
        for (int row = 0; row < tokens.length; row++) {
            for (int pos = 0; pos < tokens[row].length; pos++) {
                tokens[row][pos] = (int) ids.at(row, pos);
            }
        }
        return tokens;
    }

    private static void assertClose(String what, Tensor actual, Tensor expected) {
        assertThat(actual.shape()).as(what).isEqualTo(expected.shape());
        double largest = 0;
        for (long i = 0; i < actual.size(); i++) {
            double error = Math.abs((double) actual.get(i) - expected.get(i));
            assertThat(error).as("%s element %d", what, i).isNotNaN();
            largest = Math.max(largest, error);
        }
        assertThat(largest).as("largest error of %s", what).isLessThanOrEqualTo(1e-4);
    }

    @Test
    void parametersLiveAsLongAsAModelThatUsesThem() throws URISyntaxException {
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT)) {
            Transformer model = Transformers.open(reference("gpt2-random"), engine);
            Tensor weight = model.parameters().get("blocks.0.mlp.W_in");
            float first = weight.get(0);
            Transformer edited = model.with(Map.of());
            model.close();
            assertThat(weight.get(0)).isEqualTo(first);
            edited.forward(new int[][] {{1, 2}}, ForwardPlan.logits());
            edited.close();
            assertThatIllegalStateException().isThrownBy(() -> weight.get(0));
        }
    }

    @Test
    void anAutoencoderThatWasWrittenComputesWhatItDid(@TempDir Path folder) {
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT)) {
            Tensor x = RandomModels.gaussian(new CounterRandom(4), 1, 6, 9);
            for (SaeConfig.Architecture architecture : SaeConfig.Architecture.BUILT_IN) {
                if (architecture.equals(SaeConfig.Architecture.GROUP_MAX)) {
                    // SAELens' layout has no such architecture.
                    continue;
                }
                SaeConfig config = RandomModels.sae(architecture, SaeConfig.Normalization.NONE, true, 9, 31);
                Map<String, Tensor> parameters = RandomModels.parameters(config, 8);
                Path own = folder.resolve(architecture.name());
                SaeFiles.write(own, config, parameters, Map.of());
                try (SparseAutoencoder made = SparseAutoencoders.of(config, parameters, engine);
                        SparseAutoencoder opened = SparseAutoencoders.open(own, engine)) {
                    assertThat(opened.config()).isEqualTo(config);
                    assertThat(opened.fingerprint()).isEqualTo(made.fingerprint());
                    assertThat(opened.reconstruct(x).toArray()).containsExactly(made.reconstruct(x).toArray());
                }
            }
        }
    }

    @Test
    void filesThatDoNotBelongTogetherAreRefused(@TempDir Path folder) throws IOException, URISyntaxException {
        Path source = reference("gpt2-random");
        Files.copy(source.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        String config = Files.readString(source.resolve("config.json"));
        Files.writeString(folder.resolve("config.json"), config.replace("\"n_layer\": 2", "\"n_layer\": 3"));
        try (Engine engine = new ReferenceEngine()) {
            assertThatExceptionOfType(FormatException.class).isThrownBy(() -> Transformers.open(folder, engine).close())
                    .withMessageContaining(folder.toString());
        }
    }
}
