package org.sae4j.core.internal.format;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.coder.CoderArchitectures;

/** The {@code cfg.json} of SAELens' layout of version 6. */
public final class SaeLensConfig {
    private static final String LAYOUT_VERSION = "6.0.0";
    /** SAELens' ActivationsStore does not start without both; these are its own defaults of old, within every model's context. */
    private static final int CONTEXT_SIZE = 128;
    private static final boolean PREPEND_BOS = true;
    /** Between a model's name and each step of processing of its weights. */
    private static final String PROCESSED = " \\+ ";

    private static final Set<String> NORMED = Set.of("topk", "abstopk");

    private SaeLensConfig() {}

    /**
     * Writes down what is computed.
     *
     * @param config what is computed
     * @param unitDecoder whether the decoder's rows have norm 1
     * @param processing names of all steps of processing that a model's name may say
     * @param metadata entries of {@code metadata}; {@code context_size} and {@code prepend_bos} where they are known
     * @return the content of the file
     * @throws IllegalArgumentException if the layout has no such autoencoder or transcoder
     */
    public static Map<String, Object> of(SaeConfig config, boolean unitDecoder, List<String> processing, Map<String, ?> metadata) {
        Map<String, Object> cfg = new LinkedHashMap<>();
        Map<String, Object> entries = config.transcoder() ? transcoder(config) : autoencoder(config);
        cfg.put("architecture", Objects.requireNonNull(entries.remove("architecture")));
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
        boolean heads = config.hook().map(HookPoint::toString).filter(name -> name.endsWith(".attn.hook_z")).isPresent();
        cfg.put("reshape_activations", heads ? "hook_z" : "none");
        cfg.putAll(entries);
        if (NORMED.contains(String.valueOf(cfg.get("architecture")))) {
            // With a decoder of unit norm both say the same, and SAELens folds norms only of these.
            cfg.put("rescale_acts_by_decoder_norm", unitDecoder);
        }
        cfg.put("metadata", metadata(config, processing, metadata));
        return cfg;
    }

    private static Map<String, Object> metadata(SaeConfig config, List<String> processing, Map<String, ?> given) {
        Map<String, Object> metadata = new LinkedHashMap<>();
        // SAELens takes a config for one of before version 6, and rewrites it, unless this says otherwise.
        metadata.put("sae_lens_version", LAYOUT_VERSION);
        metadata.putAll(given);
        config.modelName().ifPresent(name -> model(name, processing, metadata));
        config.hook().ifPresent(hook -> metadata.put("hook_name", hook.toString()));
        if (config.transcoder()) {
            config.hookOut().ifPresent(hook -> metadata.put("hook_name_out", hook.toString()));
        }
        metadata.putIfAbsent("context_size", CONTEXT_SIZE);
        metadata.putIfAbsent("prepend_bos", PREPEND_BOS);
        return metadata;
    }

    /** The name that TransformerLens knows, and what is done to the weights when it loads the model. */
    private static void model(String name, List<String> processing, Map<String, Object> metadata) {
        List<String> parts = Arrays.asList(name.split(PROCESSED));
        List<String> steps = parts.subList(1, parts.size());
        if (steps.isEmpty() || !processing.containsAll(steps)) {
            metadata.put("model_name", name);
            return;
        }
        metadata.put("model_name", parts.getFirst());
        Map<String, Object> kwargs = new LinkedHashMap<>();
        processing.forEach(step -> kwargs.put(step, steps.contains(step)));
        metadata.put("model_from_pretrained_kwargs", kwargs);
    }

    /**
     * The processing that {@code model_from_pretrained_kwargs} says in full, as a model's name says it.
     *
     * @param kwargs the arguments, if there are any
     * @return such as {@code " + fold_ln"}; empty where not all steps are said
     */
    static String processing(Optional<JsonFile> kwargs) {
        if (kwargs.isEmpty() || !kwargs.get().has("fold_value_biases")) {
            return "";
        }
        StringBuilder steps = new StringBuilder();
        kwargs.get().node().properties().forEach(step -> {
            if (step.getValue().isBoolean() && step.getValue().booleanValue()) {
                steps.append(" + ").append(step.getKey());
            }
        });
        return steps.toString();
    }

    private static Map<String, Object> autoencoder(SaeConfig config) {
        if (config.skip()) {
            throw new IllegalArgumentException("SAELens' layout has no autoencoder with a skip connection, found " + config);
        }
        return new LinkedHashMap<>(CoderArchitectures.of(config).saeLens(config).orElseThrow(() ->
                new IllegalArgumentException("SAELens' layout has no architecture for " + config)));
    }

    private static Map<String, Object> transcoder(SaeConfig config) {
        boolean relu = config.architecture().equals(Architecture.RELU);
        if (config.applyBDecToInput() || config.normalization() != SaeConfig.Normalization.NONE
                || !relu && !config.architecture().equals(Architecture.JUMP_RELU)) {
            throw new IllegalArgumentException("SAELens' transcoders are ReLU or JumpReLU, without normalization and without b_dec"
                    + " subtracted from the input, found " + config);
        }
        return new LinkedHashMap<>(Map.of("architecture", (relu ? "" : "jumprelu_") + (config.skip() ? "skip_" : "") + "transcoder"));
    }
}
