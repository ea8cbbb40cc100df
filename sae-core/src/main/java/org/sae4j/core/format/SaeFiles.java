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
import org.sae4j.core.coder.CoderForm;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.format.DecoderNorms;
import org.sae4j.core.internal.format.Finite;
import org.sae4j.core.internal.format.SaeLensConfig;
import org.sae4j.core.internal.format.SaeReader;
import org.sae4j.core.internal.json.JsonWriter;
import org.sae4j.core.output.Existing;
import org.sae4j.core.output.FileForm;
import org.sae4j.core.output.OutputFile;
import org.sae4j.core.output.OutputKind;

/** Reads and writes sparse autoencoders. */
public final class SaeFiles {
    private static final String WEIGHTS = "sae_weights.safetensors";
    private static final String CFG = "cfg.json";

    /** The files that an autoencoder is written to. */
    public static final OutputKind KIND = OutputKind.of("an autoencoder").with(OutputKind.Role.RESULT, FileForm.SAFETENSORS, WEIGHTS)
            .with(OutputKind.Role.RESULT, FileForm.AUTOENCODER, CFG);

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
     * @param folder the folder; created if it is missing; must not have files of these names
     * @param config what is computed
     * @param parameters exactly the parameters of the architecture (see {@link SaeWeights})
     * @param metadata more entries for the config's {@code metadata}, as for the other method
     * @throws IllegalArgumentException if a parameter is missing, left over, or of another shape than {@code config} says, or the layout
     *         has no such skip transcoder
     * @throws org.sae4j.api.Sae4jException if an autoencoder stands there
     * @throws FormatException if a weight is NaN or infinite, or a file cannot be written
     */
    public static void write(Path folder, SaeConfig config, Map<String, Tensor> parameters, Map<String, ?> metadata) {
        write(folder, config, parameters, metadata, Existing.REFUSE);
    }

    /**
     * Writes an autoencoder as {@link #write(Path, SaeConfig, Map, Map)} does, also over an earlier one.
     *
     * @param folder the folder; created if it is missing
     * @param config what is computed
     * @param parameters exactly the parameters of the architecture (see {@link SaeWeights})
     * @param metadata more entries for the config's {@code metadata}: strings, numbers, booleans, lists and maps of these;
     *         {@code hook_name} and {@code model_name} come from {@code config}. SAELens' store of activations needs {@code context_size}
     *         and {@code prepend_bos}: where they are missing, 128 and true are written. Processing that a model's name says
     *         ({@code gpt2 + fold_ln}) is written as {@code model_from_pretrained_kwargs} beside the plain name
     * @param existing {@code OVERWRITE} to replace an autoencoder of this layout
     * @throws IllegalArgumentException if a parameter is missing, left over, or of another shape than {@code config} says, or the layout
     *         has no such autoencoder or transcoder
     * @throws org.sae4j.api.Sae4jException if what stands there is not to be replaced
     * @throws FormatException if a weight is NaN or infinite, or a file cannot be written
     */
    public static void write(Path folder, SaeConfig config, Map<String, Tensor> parameters, Map<String, ?> metadata, Existing existing) {
        check(folder, config, parameters);
        Path weights = folder.resolve(WEIGHTS);
        Path cfg = folder.resolve(CFG);
        OutputFile.check(weights, FileForm.SAFETENSORS, existing);
        OutputFile.check(cfg, FileForm.AUTOENCODER, existing);
        AtomicFile.sweep(folder);
        String json = JsonWriter.indented(SaeLensConfig.of(config, DecoderNorms.areOne(Objects.requireNonNull(parameters.get("W_dec"))),
                WeightProcessing.steps(), metadata));
        SafetensorsWriter.write(weights, parameters, Map.of());
        AtomicFile.write(cfg, out -> out.write(json.getBytes(StandardCharsets.UTF_8)));
    }

    /** Demands exactly the parameters of an architecture, all finite. */
    static void check(Path folder, SaeConfig config, Map<String, Tensor> parameters) {
        Map<String, int[]> shapes = CoderForm.of(config).shapes();
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
    }
}
