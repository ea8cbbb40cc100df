package org.sae4j.core.format;

import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.internal.CoderParameters;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.format.DecoderNorms;
import org.sae4j.core.internal.format.Finite;
import org.sae4j.core.internal.format.SaeReader;
import org.sae4j.core.internal.json.JsonWriter;

/** Reads and writes sparse autoencoders. */
public final class SaeFiles {
    private static final String LAYOUT_VERSION = "6.0.0";

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
     *         {@code hook_name} and {@code model_name} come from {@code config}
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
        String json = JsonWriter.indented(cfg(config, DecoderNorms.areOne(Objects.requireNonNull(parameters.get("W_dec"))), metadata));
        SafetensorsWriter.write(folder.resolve("sae_weights.safetensors"), parameters, Map.of());
        AtomicFile.write(folder.resolve("cfg.json"), out -> out.write(json.getBytes(StandardCharsets.UTF_8)));
    }

    private static Map<String, Object> cfg(SaeConfig config, boolean unitDecoder, Map<String, ?> metadata) {
        Map<String, Object> more = new LinkedHashMap<>();
        // SAELens takes a config for one of before version 6, and rewrites it, unless this says otherwise.
        more.put("sae_lens_version", LAYOUT_VERSION);
        more.putAll(metadata);
        config.modelName().ifPresent(name -> more.put("model_name", name));
        config.hook().ifPresent(hook -> more.put("hook_name", hook.toString()));
        if (config.transcoder()) {
            config.hookOut().ifPresent(hook -> more.put("hook_name_out", hook.toString()));
        }
        boolean heads = config.hook().map(HookPoint::site).filter(HookPoint.Site.Z::equals).isPresent();
        Map<String, Object> cfg = new LinkedHashMap<>();
        cfg.put("architecture", architecture(config));
        cfg.put("d_in", config.dIn());
        cfg.put("d_sae", config.dSae());
        if (config.transcoder()) {
            cfg.put("d_out", config.dOut());
        }
        cfg.put("dtype", "float32");
        cfg.put("device", "cpu");
        cfg.put("apply_b_dec_to_input", config.applyBDecToInput());
        cfg.put("normalize_activations", switch (config.normalization()) {
            case NONE -> "none";
            case LAYER_NORM -> "layer_norm";
            case CONSTANT_NORM_RESCALE -> "constant_norm_rescale";
        });
        cfg.put("reshape_activations", heads ? "hook_z" : "none");
        if (config.architecture().hasK()) {
            cfg.put("k", config.k());
            // With a decoder of unit norm both say the same, and SAELens folds norms only of these.
            cfg.put("rescale_acts_by_decoder_norm", unitDecoder);
        }
        config.pursuit().ifPresent(pursuit -> {
            cfg.put("residual_threshold", pursuit.residualThreshold());
            cfg.put("max_iterations", pursuit.maxIterations());
            cfg.put("stop_on_duplicate_support", pursuit.stopOnDuplicateSupport());
        });
        cfg.put("metadata", more);
        return cfg;
    }

    private static String architecture(SaeConfig config) {
        if (config.transcoder()) {
            return transcoder(config);
        }
        if (config.skip()) {
            throw new IllegalArgumentException("SAELens' layout has no autoencoder with a skip connection, found " + config);
        }
        return switch (config.architecture()) {
            case RELU -> "standard";
            case TOPK -> "topk";
            case ABS_TOPK -> "abstopk";
            case JUMP_RELU -> "jumprelu";
            case GATED -> "gated";
            case MATCHING_PURSUIT -> "matching_pursuit";
            case GROUP_MAX -> throw new IllegalArgumentException("SAELens' layout has no architecture for " + config);
        };
    }

    private static String transcoder(SaeConfig config) {
        boolean relu = config.architecture() == Architecture.RELU;
        if (config.applyBDecToInput() || config.normalization() != SaeConfig.Normalization.NONE
                || !relu && config.architecture() != Architecture.JUMP_RELU) {
            throw new IllegalArgumentException("SAELens' transcoders are ReLU or JumpReLU, without normalization and without b_dec"
                    + " subtracted from the input, found " + config);
        }
        return (relu ? "" : "jumprelu_") + (config.skip() ? "skip_" : "") + "transcoder";
    }
}
