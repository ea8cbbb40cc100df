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
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.internal.format.AtomicFile;
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
     *         has no such skip transcoder
     * @throws FormatException if a weight is NaN or infinite, or a file cannot be written
     */
    public static void write(Path folder, SaeConfig config, Map<String, Tensor> parameters, Map<String, ?> metadata) {
        Map<String, int[]> shapes = shapes(config);
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
        String json = JsonWriter.indented(cfg(config, metadata));
        SafetensorsWriter.write(folder.resolve("sae_weights.safetensors"), parameters, Map.of());
        AtomicFile.write(folder.resolve("cfg.json"), out -> out.write(json.getBytes(StandardCharsets.UTF_8)));
    }

    private static Map<String, int[]> shapes(SaeConfig config) {
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("W_enc", new int[] {config.dIn(), config.dSae()});
        shapes.put("W_dec", new int[] {config.dSae(), config.dIn()});
        shapes.put("b_dec", new int[] {config.dIn()});
        List<String> perFeature = switch (config.architecture()) {
            case RELU, TOPK -> List.of("b_enc");
            case JUMP_RELU -> List.of("b_enc", "threshold");
            case GATED -> List.of("b_gate", "b_mag", "r_mag");
        };
        perFeature.forEach(name -> shapes.put(name, new int[] {config.dSae()}));
        if (config.skip()) {
            shapes.put("W_skip", new int[] {config.dIn(), config.dIn()});
        }
        return shapes;
    }

    private static Map<String, Object> cfg(SaeConfig config, Map<String, ?> metadata) {
        Map<String, Object> more = new LinkedHashMap<>();
        // SAELens takes a config for one of before version 6, and rewrites it, unless this says otherwise.
        more.put("sae_lens_version", LAYOUT_VERSION);
        more.putAll(metadata);
        config.modelName().ifPresent(name -> more.put("model_name", name));
        config.hook().ifPresent(hook -> more.put("hook_name", hook.toString()));
        boolean heads = config.hook().map(HookPoint::site).filter(site -> site == HookPoint.Site.Z).isPresent();
        Map<String, Object> cfg = new LinkedHashMap<>();
        cfg.put("architecture", architecture(config));
        cfg.put("d_in", config.dIn());
        cfg.put("d_sae", config.dSae());
        if (config.skip()) {
            cfg.put("d_out", config.dIn());
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
        if (config.architecture() == Architecture.TOPK) {
            cfg.put("k", config.k());
            cfg.put("rescale_acts_by_decoder_norm", false);
        }
        cfg.put("metadata", more);
        return cfg;
    }

    private static String architecture(SaeConfig config) {
        if (!config.skip()) {
            return switch (config.architecture()) {
                case RELU -> "standard";
                case TOPK -> "topk";
                case JUMP_RELU -> "jumprelu";
                case GATED -> "gated";
            };
        }
        if (config.applyBDecToInput() || config.normalization() != SaeConfig.Normalization.NONE
                || config.architecture() == Architecture.TOPK || config.architecture() == Architecture.GATED) {
            throw new IllegalArgumentException("SAELens' skip transcoders are ReLU or JumpReLU, without normalization and without b_dec"
                    + " subtracted from the input, found " + config);
        }
        return config.architecture() == Architecture.RELU ? "skip_transcoder" : "jumprelu_skip_transcoder";
    }
}
