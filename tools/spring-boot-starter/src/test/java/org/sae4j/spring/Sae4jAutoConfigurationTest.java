package org.sae4j.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Observer;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.demoworld.DemoWorld;
import org.sae4j.testkit.ReferenceEngine;
import org.sae4j.testkit.SmallModels;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.actuate.health.Status;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class Sae4jAutoConfigurationTest {
    private static final String BOOT_3_HEALTH = "org.springframework.boot.actuate.health";
    private static final String BOOT_4_HEALTH = "org.springframework.boot.health.contributor";

    @TempDir
    private static Path folder;
    private static Path model;
    private static Path autoencoder;

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(Sae4jAutoConfiguration.class));

    @BeforeAll
    static void write() throws IOException {
        model = DemoWorld.extractModel(DemoWorld.GELU_1L, folder.resolve("model"));
        autoencoder = folder.resolve("sae");
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, 512, 32).k(4).hook(HookPoint.mlpPost(0)).build();
        SaeFiles.write(autoencoder, config, SmallModels.parameters(config, 1), Map.of());
    }

    private ApplicationContextRunner opened() {
        return runner.withPropertyValues("sae4j.engine.id=cpu", "sae4j.engine.threads=1", "sae4j.models.gelu.path=" + model,
                "sae4j.autoencoders.topk.path=" + autoencoder);
    }

    @Test
    void modelsAndAutoencodersAreBeansByTheirNames() {
        List<Transformer> closed = new ArrayList<>();
        opened().run(context -> {
            assertThat(context).hasNotFailed().hasSingleBean(Engine.class);
            assertThat(context.getBean("gelu", Transformer.class).config().name()).isEqualTo(DemoWorld.GELU_1L);
            assertThat(context.getBean("topk", SparseAutoencoder.class).config().dSae()).isEqualTo(32);
            closed.add(context.getBean(Transformer.class));
        });
        assertThatThrownBy(() -> closed.getFirst().parameters()).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void withoutPropertiesThereIsAnEngineAlone() {
        runner.run(context -> assertThat(context).hasNotFailed().hasSingleBean(Engine.class).doesNotHaveBean(Transformer.class)
                .doesNotHaveBean(SparseAutoencoder.class));
    }

    @Test
    void theApplicationsOwnEngineIsUsed() {
        opened().withBean("mine", Engine.class, ReferenceEngine::new).run(context -> {
            assertThat(context).hasSingleBean(Engine.class);
            assertThat(context.getBean(Engine.class).id()).isEqualTo("reference");
        });
    }

    @Test
    void whatRunsIsObserved() {
        List<String> seen = new ArrayList<>();
        ObservationRegistry registry = ObservationRegistry.create();
        registry.observationConfig().observationHandler(new ObservationHandler<>() {
            @Override
            public void onStop(Observation.Context context) {
                seen.add(context.getName() + " " + Objects.requireNonNull(context.getLowCardinalityKeyValue("subject")).getValue());
            }

            @Override
            public boolean supportsContext(Observation.Context context) {
                return true;
            }
        });
        List<String> mine = new ArrayList<>();
        Observer own = (operation, subject, size) -> {
            mine.add(operation.name());
            return Observer.Span.NONE;
        };
        opened().withBean(ObservationRegistry.class, () -> registry).withBean("own", Observer.class, () -> own).run(context ->
                context.getBean(Transformer.class).forward(new int[][] {{1, 2}}, ForwardPlan.capture(HookPoint.LOGITS)));
        assertThat(seen).containsExactly("sae4j.open " + model, "sae4j.open " + autoencoder, "sae4j.forward " + DemoWorld.GELU_1L);
        assertThat(mine).containsExactly("OPEN", "OPEN", "FORWARD");
    }

    @Test
    void healthIsThatOfTheEngineInBoot3() {
        opened().withClassLoader(new FilteredClassLoader(BOOT_4_HEALTH)).run(context -> {
            HealthIndicator indicator = context.getBean(HealthIndicator.class);
            assertThat(indicator.health().getStatus()).isEqualTo(Status.UP);
            assertThat(indicator.health().getDetails()).containsEntry("engine", "cpu").containsKey("device");
            context.getBean(Engine.class).close();
            assertThat(indicator.health().getStatus()).isEqualTo(Status.DOWN);
            assertThat(indicator.health().getDetails()).containsKey("failure");
        });
    }

    @Test
    void healthIsThatOfTheEngineInBoot4() {
        opened().withClassLoader(new FilteredClassLoader(BOOT_3_HEALTH)).run(context -> {
            var indicator = context.getBean(org.springframework.boot.health.contributor.HealthIndicator.class);
            var health = Objects.requireNonNull(indicator.health());
            assertThat(health.getStatus()).isEqualTo(org.springframework.boot.health.contributor.Status.UP);
            assertThat(health.getDetails()).containsEntry("engine", "cpu");
            context.getBean(Engine.class).close();
            assertThat(Objects.requireNonNull(indicator.health()).getStatus())
                    .isEqualTo(org.springframework.boot.health.contributor.Status.DOWN);
        });
    }

    @Test
    void healthCanBeSwitchedOffOrBeMissing() {
        opened().withPropertyValues("management.health.sae4j.enabled=false")
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean("sae4jHealthIndicator"));
        opened().withClassLoader(new FilteredClassLoader(BOOT_3_HEALTH, BOOT_4_HEALTH, "io.micrometer"))
                .run(context -> assertThat(context).hasNotFailed().hasSingleBean(Transformer.class).doesNotHaveBean("sae4jHealthIndicator"));
    }

    @Test
    void aMissingModelEndsTheStartWithWhatToDo() {
        runner.withPropertyValues("sae4j.models.gelu.path=" + folder.resolve("none")).run(context -> {
            assertThat(context).hasFailed();
            FailureAnalysis analysis = new Sae4jFailureAnalyzer().analyze(context.getStartupFailure());
            assertThat(analysis.getDescription()).contains(folder.resolve("none").toString());
            assertThat(analysis.getAction()).isNotBlank();
        });
    }
}
