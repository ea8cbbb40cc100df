package org.sae4j.core.coder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Value;

class CoderArchitecturesTest {
    /** A plugin's: {@code gain max(0, gains_i p_i)} with a vector and a setting of its own. */
    public static final class GainRelu extends CoderArchitecture {
        public GainRelu() {
            super("gain_relu");
        }

        @Override
        public Set<String> settings() {
            return Set.of("gain", "k");
        }

        @Override
        public Value encode(FormBuilder b, SaeConfig config, Value x) {
            Value pre = b.multiply(preActivations(b, config, x, "b_enc"), b.row("gains", config.dSae()));
            return b.select(Op.Rule.RELU, 0, b.scale(pre, number(config, "gain", 1)));
        }
    }

    private static final SaeConfig CONFIG = SaeConfig.builder(new Architecture("gain_relu"), 2, 3).setting("gain", 0.5).k(3)
            .hook(HookPoint.residPre(1)).build();
    private static final Map<String, Tensor> PARAMETERS = Map.of("W_enc", Tensor.of(new float[] {1, 0, -1, 0, 1, 1}, 2, 3),
            "b_enc", Tensor.of(new float[] {0, 1, 0}, 3), "gains", Tensor.of(new float[] {2, 4, 6}, 3),
            "W_dec", Tensor.of(new float[] {1, 0, 0, 1, 0, -1}, 3, 2), "b_dec", Tensor.of(new float[] {1, 1}, 2));

    @TempDir
    private Path folder;

    private final ClassLoader before = Thread.currentThread().getContextClassLoader();

    @BeforeEach
    void install() throws IOException {
        Path services = Files.createDirectories(folder.resolve("plugin/META-INF/services"));
        Files.writeString(services.resolve(CoderArchitecture.class.getName()), GainRelu.class.getName() + "\norg.example.Missing\n");
        Thread.currentThread().setContextClassLoader(new URLClassLoader(new URL[] {folder.resolve("plugin").toUri().toURL()},
                getClass().getClassLoader()));
    }

    @AfterEach
    void remove() {
        Thread.currentThread().setContextClassLoader(before);
    }

    @Test
    void anArchitectureOfAPluginIsOpenedWrittenAndReadBack() {
        SaeFiles.write(folder.resolve("sae"), CONFIG, PARAMETERS, Map.of());
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                SparseAutoencoder sae = SparseAutoencoders.open(folder.resolve("sae"), engine)) {
            assertThat(sae.config()).isEqualTo(CONFIG);
            // x - b_dec = (1, 2); p = (1, 3, 1); times gains and gain: (1, 6, 3).
            Tensor x = Tensor.of(new float[] {2, 3}, 1, 2);
            assertThat(sae.encode(x).toDense().toArray()).containsExactly(1, 6, 3);
            assertThat(sae.reconstruct(x).toArray()).containsExactly(1 + 1, 1 + 6 - 3);
        }
    }

    @Test
    void everyBuiltInArchitectureIsFoundByItsName() {
        assertThat(CoderArchitectures.known()).extracting(CoderArchitecture::architecture).startsWith(Architecture.BUILT_IN.toArray(Architecture[]::new))
                .contains(new Architecture("gain_relu"));
    }

    @Test
    void anUnknownArchitectureIsRefusedWithThoseThatAreKnownAndBroken() {
        SaeConfig config = SaeConfig.builder(new Architecture("other"), 2, 3).build();
        assertThatThrownBy(() -> CoderForm.of(config)).isInstanceOf(Sae4jException.class).hasMessageContaining("no architecture other")
                .hasMessageContaining("relu, topk").hasMessageContaining("gain_relu").hasMessageContaining("org.example.Missing");
    }

    @Test
    void filesOfAPluginThatIsNotThereAreRefused() {
        SaeFiles.write(folder.resolve("sae"), CONFIG, PARAMETERS, Map.of());
        Thread.currentThread().setContextClassLoader(before);
        assertThatThrownBy(() -> SaeFiles.read(folder.resolve("sae"))).isInstanceOf(FormatException.class)
                .hasMessageContaining("\"gain_relu\" is not supported").hasMessageContaining("plugin");
    }

    @Test
    void settingsThatDoNotBelongToTheArchitectureAreRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> CoderForm.of(CONFIG.toBuilder().setting("loss", 1).build()))
                .withMessageContaining("has the settings [gain, k], found loss");
        assertThatIllegalArgumentException().isThrownBy(() -> CoderForm.of(CONFIG.toBuilder().setting("gain", "much").build()))
                .withMessageContaining("gain must be a number, found much");
        assertThatIllegalArgumentException().isThrownBy(() -> CoderForm.of(SaeConfig.builder(Architecture.RELU, 2, 3).k(2).build()))
                .withMessageContaining("relu has no settings, found k");
        assertThatIllegalArgumentException().isThrownBy(() -> CoderForm.of(SaeConfig.builder(Architecture.TOPK, 2, 3).build()))
                .withMessageContaining("topk needs k from 1 to d_sae 3");
    }
}
