package org.sae4j.spring;

import io.micrometer.observation.ObservationRegistry;
import java.util.Optional;
import org.sae4j.api.Observer;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.core.Engines;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;

/**
 * Makes the beans that {@link Sae4jProperties} describes. An application's own bean of type {@link Engine} takes the place of the one here.
 * Every bean of type {@link Observer} is told of what models and autoencoders do; one that makes observations of Micrometer is among them.
 */
@AutoConfiguration
@EnableConfigurationProperties(Sae4jProperties.class)
public class Sae4jAutoConfiguration {
    /** Made by Spring. */
    public Sae4jAutoConfiguration() {}

    /**
     * The engine.
     *
     * @param properties which one
     * @param observers told of what runs on it
     * @return the engine; Spring closes it after the beans that use it
     * @throws org.sae4j.api.engine.EngineException if it cannot be opened
     */
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean(Engine.class)
    public Engine saeEngine(Sae4jProperties properties, ObjectProvider<Observer> observers) {
        Sae4jProperties.Engine wanted = properties.engine();
        Engine engine = Engines.open(wanted.id(), new EngineOptions(Optional.ofNullable(wanted.device()), wanted.threads(),
                wanted.settings()));
        for (Observer observer : (Iterable<Observer>) observers.orderedStream()::iterator) {
            engine = Engines.observed(engine, observer);
        }
        return engine;
    }

    /**
     * Registers the beans of models and autoencoders.
     *
     * @param environment holds the properties
     * @return the registrar
     */
    @Bean
    public static ModelRegistrar saeModels(Environment environment) {
        return new ModelRegistrar(environment);
    }

    /** Observations, where Micrometer is on the class path. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(ObservationRegistry.class)
    static class Observations {
        @Bean
        @ConditionalOnMissingBean
        MicrometerObserver saeObserver(ObjectProvider<ObservationRegistry> registry) {
            return new MicrometerObserver(registry.getIfAvailable(() -> ObservationRegistry.NOOP));
        }
    }

    /** Health in Boot 3. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = "org.springframework.boot.actuate.health.HealthIndicator")
    @ConditionalOnProperty(name = "management.health.sae4j.enabled", matchIfMissing = true)
    static class Boot3Health {
        @Bean
        @ConditionalOnMissingBean(name = "sae4jHealthIndicator")
        org.springframework.boot.actuate.health.HealthIndicator sae4jHealthIndicator(Engine engine) {
            return () -> {
                EngineCheck check = EngineCheck.of(engine);
                return (check.failure().isEmpty() ? org.springframework.boot.actuate.health.Health.up()
                        : org.springframework.boot.actuate.health.Health.down().withDetail("failure", check.failure().get()))
                        .withDetails(check.details()).build();
            };
        }
    }

    /** Health in Boot 4. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = "org.springframework.boot.health.contributor.HealthIndicator")
    @ConditionalOnProperty(name = "management.health.sae4j.enabled", matchIfMissing = true)
    static class Boot4Health {
        @Bean
        @ConditionalOnMissingBean(name = "sae4jHealthIndicator")
        org.springframework.boot.health.contributor.HealthIndicator sae4jHealthIndicator(Engine engine) {
            return () -> {
                EngineCheck check = EngineCheck.of(engine);
                return (check.failure().isEmpty() ? org.springframework.boot.health.contributor.Health.up()
                        : org.springframework.boot.health.contributor.Health.down().withDetail("failure", check.failure().get()))
                        .withDetails(check.details()).build();
            };
        }
    }
}
