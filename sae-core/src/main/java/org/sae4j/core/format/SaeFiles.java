package org.sae4j.core.format;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.internal.CoderParameters;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.format.DecoderNorms;
import org.sae4j.core.internal.format.Finite;
import org.sae4j.core.internal.format.SaeLensConfig;
import org.sae4j.core.internal.format.SaeReader;
import org.sae4j.core.internal.json.JsonWriter;

/** Reads and writes sparse autoencoders. */
public final class SaeFiles {
    private SaeFiles() {}

    /**
     * Reads an autoencoder.
     *
     * @param path a folder, or the file of weights in it
     * @return the weights; the caller closes them
     * @throws FormatException if a file is missing, broken or hostile, of no supported kind, needs something that is not supported, or has
     *         a weight that is NaN or infinite
     */
    public static SaeWeights read(Path path) {
        Arena arena = Arena.ofShared();
        try {
            List<String> notes = new ArrayList<>();
            SaeReader sae = SaeReader.read(path, arena, notes);
            return new SaeWeights(sae.config(), sae.parameters(), sae.logSparsity(), notes, arena);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /**
     * Writes an autoencoder in SAELens' layout of version 6: {@code sae_weights.safetensors}, then {@code cfg.json}. Each file appears at
     * once when it is complete, and the same input gives the same bytes. What a writer that was killed left in the folder is removed.
     *
     * @param folder the folder; created if it is missing, its files are replaced
     * @param config what is computed
     * @param parameters exactly the parameters of the architecture (see {@link SaeWeights})
     * @param metadata more entries for the config's {@code metadata}: strings, numbers, booleans, lists and maps of these;
     *         {@code hook_name} and {@code model_name} come from {@code config}. SAELens' store of activations needs {@code context_size}
     *         and {@code prepend_bos}: where they are missing, 128 and true are written. Processing that a model's name says
     *         ({@code gpt2 + fold_ln}) is written as {@code model_from_pretrained_kwargs} beside the plain name
     * @throws IllegalArgumentException if a parameter is missing, left over, or of another shape than {@code config} says, or the layout
     *         has no such autoencoder or transcoder
     * @throws FormatException if a weight is NaN or infinite, or a file cannot be written
     */
    public static void write(Path folder, SaeConfig config, Map<String, Tensor> parameters, Map<String, ?> metadata) {
        Map<String, int[]> shapes = CoderParameters.shapes(config);
        if (!shapes.keySet().equals(parameters.keySet())) {
            throw new IllegalArgumentException("a " + config.architecture() + " autoencoder has the parameters " + shapes.keySet()
                    + ", found "
                    + parameters.keySet());
        }
        shapes.forEach((name, shape) -> {
            if (!Arrays.equals(shape, Objects.requireNonNull(parameters.get(name)).shape())) {
                throw new IllegalArgumentException(name + " must have shape " + Arrays.toString(shape) + ", found " + parameters.get(name));
            }
            Finite.check(folder + ": " + name, parameters.get(name));
        });
        AtomicFile.sweep(folder);
        String json = JsonWriter.indented(SaeLensConfig.of(config, DecoderNorms.areOne(Objects.requireNonNull(parameters.get("W_dec"))),
                WeightProcessing.steps(), metadata));
        SafetensorsWriter.write(folder.resolve("sae_weights.safetensors"), parameters, Map.of());
        AtomicFile.write(folder.resolve("cfg.json"), out -> out.write(json.getBytes(StandardCharsets.UTF_8)));
    }
}
