package org.sae4j.core;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Observer.Operation;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.format.SaeWeights;
import org.sae4j.core.internal.ProgramSparseAutoencoder;
import org.sae4j.core.internal.SharedResource;

/**
 * Sparse autoencoders on an engine, which must stay open as long as the autoencoder is used. All methods refuse null.
 */
public final class SparseAutoencoders {
    private static final System.Logger LOG = System.getLogger(SparseAutoencoders.class.getName());

    private SparseAutoencoders() {}

    /**
     * Opens an autoencoder. What a user should know about how its files were read is logged at level INFO.
     *
     * @param path a folder, or the file of weights in it, see {@link SaeFiles#read}
     * @param engine runs the autoencoder; it is not closed with it
     * @return the autoencoder, to be closed by the caller; its parameters lie in the mapped files until then
     * @throws org.sae4j.core.format.FormatException if a file is missing, broken or hostile, of no supported kind, or parameters do not fit
     *     the configuration or are NaN or infinite
     */
    public static SparseAutoencoder open(Path path, Engine engine) {
        Objects.requireNonNull(engine, "engine");
        return engine.observer().observe(Operation.OPEN, path.toString(), 0, () -> read(path, engine));
    }

    private static SparseAutoencoder read(Path path, Engine engine) {
        SaeWeights weights = SaeFiles.read(path);
        weights.notes().forEach(note -> LOG.log(System.Logger.Level.INFO, "{0}: {1}", path, note));
        return SharedResource.take(weights, path, resource ->
                ProgramSparseAutoencoder.of(weights.config(), weights.parameters(), engine, resource));
    }

    /**
     * Makes an autoencoder from its parameters.
     *
     * @param config what is computed
     * @param parameters all parameters by their SAELens names, with the shapes that {@link SparseAutoencoder#parameters()} says; must not
     *     change while the autoencoder is used
     * @param engine runs the autoencoder; it is not closed with it
     * @return the autoencoder, to be closed by the caller
     * @throws IllegalArgumentException if parameters are missing, unknown, of another shape, NaN or infinite, or the normalization is
     *     {@code LAYER_NORM} and d_in is 1, where a standard deviation does not exist
     */
    public static SparseAutoencoder of(SaeConfig config, Map<String, Tensor> parameters, Engine engine) {
        Objects.requireNonNull(engine, "engine");
        return ProgramSparseAutoencoder.of(config, parameters, engine, SharedResource.none());
    }
}
