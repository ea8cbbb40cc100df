package org.sae4j.core.train;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;

/**
 * An autoencoder as training left it, ready to be opened or written.
 *
 * @param config what it computes
 * @param parameters by their SAELens names and layouts, see {@link org.sae4j.api.sae.SparseAutoencoder#parameters()}
 * @param metadata how it was trained: recipe, settings, steps, tokens
 */
public record TrainedSae(SaeConfig config, Map<String, Tensor> parameters, Map<String, Object> metadata) {
    /** Copies the maps, in their order, which files written from them keep. */
    public TrainedSae {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }
}
