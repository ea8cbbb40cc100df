package org.sae4j.core;

import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.internal.ProgramSparseAutoencoder;
import org.sae4j.core.internal.SharedResource;

/**
 * Sparse autoencoders on an engine. The engine must stay open as long as the autoencoder is used. Inputs must be finite: NaN or infinite
 * values are an {@link IllegalArgumentException}. All methods refuse null.
 */
public final class SparseAutoencoders {
    private SparseAutoencoders() {}

    /**
     * Makes an autoencoder from its parameters.
     *
     * @param config what is computed
     * @param parameters all parameters by their SAELens names: {@code W_enc} [d_in, d_sae], {@code W_dec} [d_sae, d_in], {@code b_dec}
     *     [d_in]; by architecture {@code b_enc} (but for {@code GATED}), {@code threshold} ({@code JUMP_RELU}), and {@code b_gate},
     *     {@code b_mag}, {@code r_mag} ({@code GATED}) [d_sae]; must not change while the autoencoder is used
     * @param engine runs the autoencoder; it is not closed with it
     * @return the autoencoder, to be closed by the caller
     * @throws IllegalArgumentException if parameters are missing, unknown, of another shape, NaN or infinite, or the normalization is
     *     {@code LAYER_NORM} and d_in is 1, where a standard deviation does not exist
     */
    public static SparseAutoencoder of(SaeConfig config, Map<String, Tensor> parameters, Engine engine) {
        Objects.requireNonNull(engine, "engine");
        return ProgramSparseAutoencoder.of(config, parameters, engine, new SharedResource(() -> { }, "sparse autoencoder"));
    }
}
