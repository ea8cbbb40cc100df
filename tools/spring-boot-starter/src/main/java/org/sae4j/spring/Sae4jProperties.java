package org.sae4j.spring;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The properties under {@code sae4j}. With
 *
 * <pre>{@code
 * sae4j.engine.threads=4
 * sae4j.models.gelu.path=/models/gelu-1l
 * sae4j.autoencoders.topk.path=/autoencoders/topk-2048
 * }</pre>
 *
 * <p>the application has the beans {@code saeEngine}, {@code gelu} of type {@link org.sae4j.api.model.Transformer} and {@code topk} of type
 * {@link org.sae4j.api.sae.SparseAutoencoder}. They are opened when the application starts and closed when it stops.
 *
 * @param engine what computes
 * @param models models by the names of their beans
 * @param autoencoders autoencoders by the names of their beans
 */
@ConfigurationProperties("sae4j")
public record Sae4jProperties(@DefaultValue Engine engine, @DefaultValue Map<String, Model> models,
        @DefaultValue Map<String, Autoencoder> autoencoders) {
    /**
     * What computes.
     *
     * @param id the engine's id, or {@code auto} for the available one of highest priority
     * @param device index or part of the name of the engine's device, or null for its first
     * @param threads threads of the CPU engine; 0 is one per processor
     * @param settings further settings of the engine
     */
    public record Engine(@DefaultValue("auto") String id, @Nullable String device, @DefaultValue("0") int threads,
            @DefaultValue Map<String, String> settings) {}

    /**
     * A model.
     *
     * @param path its folder, or the file of weights in it
     * @param processing steps of weight processing, in the order of their application, see
     *     {@link org.sae4j.core.format.WeightProcessing#steps()}
     */
    public record Model(Path path, @DefaultValue List<String> processing) {}

    /**
     * An autoencoder.
     *
     * @param path its folder, or the file of weights in it
     */
    public record Autoencoder(Path path) {}
}
