package org.sae4j.spring;

import java.util.function.Supplier;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.BeanDefinitionBuilder;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.BeanDefinitionRegistryPostProcessor;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.Environment;

/** Registers a bean for each model and each autoencoder of the properties, by its name there. */
final class ModelRegistrar implements BeanDefinitionRegistryPostProcessor {
    private final Environment environment;

    ModelRegistrar(Environment environment) {
        this.environment = environment;
    }

    @Override
    public void postProcessBeanDefinitionRegistry(BeanDefinitionRegistry registry) {
        Sae4jProperties properties = Binder.get(environment).bindOrCreate("sae4j", Sae4jProperties.class);
        BeanFactory beans = (BeanFactory) registry;
        properties.models().forEach((name, model) -> register(registry, name, Transformer.class,
                () -> Transformers.open(model.path(), model.processing(), beans.getBean(Engine.class))));
        properties.autoencoders().forEach((name, autoencoder) -> register(registry, name, SparseAutoencoder.class,
                () -> SparseAutoencoders.open(autoencoder.path(), beans.getBean(Engine.class))));
    }

    // The engine's bean exists before that of a model is complete, and Spring destroys beans in the opposite order.
    private static <T> void register(BeanDefinitionRegistry registry, String name, Class<T> type, Supplier<T> open) {
        registry.registerBeanDefinition(name, BeanDefinitionBuilder.rootBeanDefinition(type, open).setDestroyMethodName("close")
                .getBeanDefinition());
    }

    @Override
    public void postProcessBeanFactory(ConfigurableListableBeanFactory beans) {
        // All is done in the registry.
    }
}
