package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.format.FormatException;

/**
 * Finds out which kind of autoencoder lies at a path, and reads it.
 *
 * @param config what is computed
 * @param parameters tensors in SAELens names and layouts
 * @param logSparsity log10 frequencies, if there
 */
public record SaeReader(SaeConfig config, Map<String, Tensor> parameters, Optional<Tensor> logSparsity) {
    private static final String SAELENS = "sae_weights.safetensors";
    private static final String CFG = "cfg.json";

    /**
     * Reads an autoencoder.
     *
     * @param path a folder or a file
     * @param notes receives what a user should know
     * @throws FormatException if it is of no supported kind or not sound
     */
    public static SaeReader read(Path path, Arena arena, List<String> notes) {
        Path weights = Files.isRegularFile(path) ? path.toAbsolutePath() : find(path);
        Path folder = weights.getParent();
        SaeBuilder sae = new SaeBuilder(WeightFiles.open(weights, arena), arena, notes);
        SaeLensReader.read(sae, JsonFile.read(folder.resolve(CFG)));
        return new SaeReader(sae.config(), sae.parameters(), sparsity(folder.resolve("sparsity.safetensors"), sae.dSae(), arena));
    }

    private static Path find(Path folder) {
        if (Files.isRegularFile(folder.resolve(SAELENS))) {
            return folder.resolve(SAELENS);
        }
        throw new FormatException("there is no autoencoder (" + SAELENS + ')', folder.toString(), "give the folder of a SAELens autoencoder");
    }

    private static Optional<Tensor> sparsity(Path path, int dSae, Arena arena) {
        if (!Files.isRegularFile(path)) {
            return Optional.empty();
        }
        return Optional.of(WeightFiles.open(path, arena).get("sparsity").expect("[d_sae]", dSae).read(arena));
    }
}
