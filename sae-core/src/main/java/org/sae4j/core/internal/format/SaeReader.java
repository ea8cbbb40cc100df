package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
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
    /**
     * Reads an autoencoder.
     *
     * @param path a folder or a file
     * @param notes receives what a user should know
     * @throws FormatException if it is of no supported kind or not sound
     */
    public static SaeReader read(Path path, Arena arena, List<String> notes) {
        SaeSource source = SaeSource.find(path);
        TensorTable table = WeightFiles.open(source.weights(), arena);
        double normFactor = 1;
        if (table.extras().get("ae") instanceof TensorTable inner && !inner.tensors().isEmpty()) {
            normFactor = table.extras().get("norm_factor") instanceof Number factor ? factor.doubleValue() : 1;
            notes.add("read from a training backup");
            table = inner;
        }
        SaeBuilder sae = new SaeBuilder(table, arena, notes);
        String sample = table.sample();
        SaeFormat.of(table, source.weights()).orElseThrow(() -> new FormatException(
                "these are not the tensors of a known kind of autoencoder: " + sample, source.weights().toString(),
                "give one of these: " + String.join(", ", Arrays.stream(SaeFormat.values()).map(SaeFormat::title).toList())))
                .read(sae, source);
        if (normFactor != 1) {
            new SaeFolds(sae).largerFeatures(normFactor);
        }
        return new SaeReader(sae.config(), sae.parameters(), sparsity(source.folder().resolve("sparsity.safetensors"), sae.dSae(), arena));
    }

    /**
     * Finds the file of weights of the one autoencoder at a path.
     *
     * @param path a folder or a file
     * @return the file; empty if there is none
     * @throws FormatException if there are several, or they lie in folders below; it names them
     */
    public static Optional<Path> weights(Path path) {
        return SaeSource.search(path).map(SaeSource::weights);
    }

    private static Optional<Tensor> sparsity(Path path, int dSae, Arena arena) {
        if (!Files.isRegularFile(path)) {
            return Optional.empty();
        }
        return Optional.of(WeightFiles.open(path, arena).get("sparsity").expect("[d_sae]", dSae).read(arena));
    }
}
