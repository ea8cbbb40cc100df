package org.sae4j.core.internal.format;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Normalization;
import org.sae4j.core.coder.CoderArchitectures;
import org.sae4j.core.internal.json.JsonWriter;

/** Writes the layout of EleutherAI's sparsify 1.3: {@code sae.safetensors}, then {@code cfg.json}. */
public final class SparsifyWriter {
    private SparsifyWriter() {}

    /** How tensors are written, so that this package does not know the writer's. */
    @FunctionalInterface
    public interface Safetensors {
        /** Writes tensors to a file. */
        void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata);
    }

    /**
     * The content of {@code cfg.json}.
     *
     * @throws IllegalArgumentException if the layout has no such autoencoder or transcoder
     */
    static Map<String, Object> cfg(SaeConfig config) {
        Optional<Map<String, Object>> entries = CoderArchitectures.of(config).sparsify(config);
        if (entries.isEmpty() || config.normalization() != Normalization.NONE || config.applyBDecToInput() == config.transcoder()
                || config.dOut() != config.dIn()) {
            throw new IllegalArgumentException("sparsify's layout has TopK and group maxima without normalization, with b_dec subtracted from"
                    + " the input of autoencoders alone, and outputs as wide as inputs, found " + config);
        }
        Map<String, Object> cfg = new LinkedHashMap<>();
        Map<String, Object> named = new LinkedHashMap<>(entries.get());
        cfg.put("activation", Objects.requireNonNull(named.remove("activation")));
        cfg.put("expansion_factor", Math.max(1, config.dSae() / config.dIn()));
        cfg.put("normalize_decoder", false);
        cfg.put("num_latents", config.dSae());
        cfg.put("k", config.k());
        cfg.put("multi_topk", false);
        cfg.put("skip_connection", config.skip());
        cfg.put("transcode", config.transcoder());
        cfg.putAll(named);
        cfg.put("d_in", config.dIn());
        return cfg;
    }

    /** The tensors by the layout's names, the encoder as torch's Linear has it. */
    static Map<String, Tensor> tensors(SaeConfig config, Map<String, Tensor> parameters) {
        Tensor encoder = Objects.requireNonNull(parameters.get("W_enc"));
        int d = config.dIn();
        int n = config.dSae();
        float[] values = encoder.toArray();
        float[] transposed = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            transposed[i % n * d + i / n] = values[i];
        }
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("encoder.weight", Tensor.of(transposed, n, d));
        tensors.put("encoder.bias", Objects.requireNonNull(parameters.get("b_enc")));
        tensors.put("W_dec", Objects.requireNonNull(parameters.get("W_dec")));
        tensors.put("b_dec", Objects.requireNonNull(parameters.get("b_dec")));
        if (config.skip()) {
            tensors.put("W_skip", Objects.requireNonNull(parameters.get("W_skip")));
        }
        return tensors;
    }

    /**
     * Writes an autoencoder whose parameters were checked.
     *
     * @param folder the folder
     * @param config what is computed
     * @param parameters its parameters
     * @param writer writes tensors
     * @throws IllegalArgumentException if the layout has no such autoencoder or transcoder
     */
    public static void write(Path folder, SaeConfig config, Map<String, Tensor> parameters, Safetensors writer) {
        String json = JsonWriter.indented(cfg(config));
        writer.write(folder.resolve("sae.safetensors"), tensors(config, parameters), Map.of());
        AtomicFile.write(folder.resolve("cfg.json"), out -> out.write(json.getBytes(StandardCharsets.UTF_8)));
    }
}
