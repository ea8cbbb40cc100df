package org.sae4j.core.format;

import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;

/**
 * The weights of a sparse autoencoder in SAELens names and layouts, all finite.
 *
 * <p>Names and shapes: {@code W_enc} [d_in, d_sae], {@code W_dec} [d_sae, d_out], {@code b_dec} [d_out]; {@code b_enc} [d_sae] except for
 * gated autoencoders, which have {@code b_gate}, {@code b_mag}, {@code r_mag} [d_sae]; {@code threshold} [d_sae] for JumpReLU;
 * {@code W_skip} [d_out, d_in] with a skip connection. Matching pursuit has {@code W_dec} and {@code b_dec} alone. But for transcoders, d_out
 * is d_in.
 *
 * @param config what is computed
 * @param parameters the weights by name, unmodifiable; usable until {@link #close()}
 * @param logSparsity the base-10 logarithms of the features' frequencies [d_sae], if the files have them
 * @param notes what a user should know about how the files were read, one sentence each
 * @param resource owns the mapped files and the memory of converted weights
 */
public record SaeWeights(SaeConfig config, Map<String, Tensor> parameters, Optional<Tensor> logSparsity, List<String> notes, Arena resource)
        implements AutoCloseable {
    /** Copies the collections. */
    public SaeWeights {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
        notes = List.copyOf(notes);
    }

    /** Frees the weights. Afterwards access to their values throws {@link IllegalStateException}. Closing twice has no effect. */
    @Override
    public void close() {
        if (resource.scope().isAlive()) {
            resource.close();
        }
    }
}
