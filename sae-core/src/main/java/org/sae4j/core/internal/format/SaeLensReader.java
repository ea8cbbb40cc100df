package org.sae4j.core.internal.format;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SaeConfig.Normalization;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.json.JsonNode;

/** Autoencoders in SAELens' folders, of version 6 and of the flat configs before it. */
final class SaeLensReader {
    private static final String DECODER_NORMS = "rescale_acts_by_decoder_norm";
    private static final List<String> SCALING = List.of("scaling_factor", "finetuning_scaling_factor");
    private static final Set<String> BATCH_TOPK = Set.of("batchtopk", "matryoshka_batchtopk");
    /** Transcoders, and the autoencoder that each is otherwise. */
    private static final Map<String, String> TRANSCODERS = Map.of("transcoder", "standard", "skip_transcoder", "standard",
            "jumprelu_transcoder", "jumprelu", "jumprelu_skip_transcoder", "jumprelu");
    /** Where TransformerLens' center_writing_weights takes the mean over d_model out of the values. */
    private static final Set<HookPoint.Site> CENTERED = Set.of(HookPoint.Site.EMBED, HookPoint.Site.POS_EMBED, HookPoint.Site.RESID_PRE,
            HookPoint.Site.ATTN_OUT, HookPoint.Site.RESID_MID, HookPoint.Site.MLP_OUT, HookPoint.Site.RESID_POST);
    /** Joseph Bloom's release gpt2-small-res-jb: its hook points and sizes. */
    private static final Pattern BLOOM_HOOK = Pattern.compile("blocks\\.(([0-9]|1[01])\\.hook_resid_pre|11\\.hook_resid_post)");
    private static final int BLOOM_D_IN = 768;
    private static final int BLOOM_D_SAE = 24576;

    private final SaeBuilder sae;
    private final JsonFile cfg;

    private SaeLensReader(SaeBuilder sae, JsonFile cfg) {
        this.sae = sae;
        this.cfg = cfg;
    }

    static void read(SaeBuilder sae, JsonFile cfg) {
        new SaeLensReader(sae, cfg).read();
    }

    private void read() {
        String named = cfg.string("architecture").orElse("standard");
        String architecture = TRANSCODERS.getOrDefault(named, named);
        boolean transcoder = TRANSCODERS.containsKey(named);
        if (transcoder) {
            sae.requireSameWidths("W_enc", 0, "W_dec");
        }
        sae.matrices("W_enc", false, "W_dec", false);
        sae.putInput("b_dec", "b_dec");
        sae.compare(cfg, "d_in", sae.dIn());
        sae.compare(cfg, "d_sae", sae.dSae());
        sae.applyBDecToInput = cfg.flag("apply_b_dec_to_input", !transcoder);
        sae.normalization = normalization();
        if (transcoder) {
            transcoder(named);
        } else {
            place();
        }
        boolean decoderNorms = cfg.flag(DECODER_NORMS, false);
        switch (architecture) {
            case "standard", "topk" -> {
                sae.putFeatures("b_enc", "b_enc");
                activation(architecture);
            }
            case "jumprelu" -> jumpRelu();
            case "gated" -> gated();
            default -> {
                if (!BATCH_TOPK.contains(architecture)) {
                    throw new FormatException("architecture \"" + architecture
                            + "\" is not supported (standard, topk, jumprelu, gated, batchtopk,"
                            + " matryoshka_batchtopk, transcoder, skip_transcoder, jumprelu_transcoder,"
                            + " jumprelu_skip_transcoder are)", cfg.at("architecture"), "use an autoencoder of one of these");
                }
                batchTopK(architecture);
            }
        }
        if (decoderNorms) {
            foldDecoderNorms();
        }
        SCALING.stream().filter(sae::has).forEach(this::foldScalingFactor);
        sae.refuseUnknown(name -> false);
        center();
    }

    private void transcoder(String architecture) {
        if (sae.applyBDecToInput || sae.normalization != Normalization.NONE) {
            throw new FormatException("a transcoder with "
                    + (sae.applyBDecToInput ? "apply_b_dec_to_input" : "normalize_activations " + sae.normalization)
                    + " is not supported", cfg.where(), "correct the config, or use another transcoder");
        }
        if (architecture.contains("skip")) {
            sae.putSkip();
        }
        Optional<JsonFile> metadata = cfg.object("metadata");
        String from = metadata.flatMap(m -> m.string("hook_name")).orElse("an unknown hook point");
        String to = metadata.flatMap(m -> m.string("hook_name_out")).orElse("an unknown one");
        sae.modelName = metadata.flatMap(m -> m.string("model_name"));
        sae.note("a transcoder: it reads " + from + " and its output predicts " + to + ", not that input");
    }

    /** Autoencoders of activations without mean over d_model are made to take it out of raw ones themselves. */
    private void center() {
        Optional<JsonFile> kwargs = cfg.object("metadata").flatMap(m -> m.object("model_from_pretrained_kwargs"))
                .or(() -> cfg.object("model_from_pretrained_kwargs"));
        boolean told = kwargs.isPresent() && kwargs.get().flag("center_writing_weights", false);
        if (!told && !isBloom() || sae.hook.isEmpty() || !CENTERED.contains(sae.hook.get().site())
                || sae.normalization == Normalization.LAYER_NORM) {
            return;
        }
        if (sae.normalization != Normalization.NONE) {
            throw new FormatException("center_writing_weights together with normalize_activations " + sae.normalization
                    + " is not supported", cfg.where(), "use another autoencoder");
        }
        sae.centerInput();
        sae.note("trained on GPT-2 with centred writing weights (" + (told ? "model_from_pretrained_kwargs" : "gpt2-small-res-jb")
                + "): each input's mean over d_in is subtracted, folded into W_enc, and the reconstruction is without it");
    }

    /** Their configs, older than SAELens 3, do not say how the model was processed. */
    private boolean isBloom() {
        return sae.dIn() == BLOOM_D_IN && sae.dSae() == BLOOM_D_SAE && !cfg.has("metadata") && !cfg.has("hook_name")
                && cfg.string("model_name").orElse("").equals("gpt2-small")
                && BLOOM_HOOK.matcher(cfg.string("hook_point").orElse("")).matches();
    }

    private void place() {
        Optional<JsonFile> metadata = cfg.object("metadata");
        Optional<String> hook = metadata.flatMap(m -> m.string("hook_name")).or(() -> cfg.string("hook_name", "hook_point"));
        OptionalInt head = metadata.map(m -> m.integer("hook_head_index")).filter(OptionalInt::isPresent)
                .orElseGet(() -> cfg.integer("hook_head_index", "hook_point_head_index"));
        if (head.isPresent()) {
            sae.note("the autoencoder was trained on head " + head.getAsInt() + " of " + hook.orElse("an unknown hook point")
                    + " alone: select that head's values before encoding");
        } else {
            sae.hook(hook);
        }
        sae.modelName = metadata.flatMap(m -> m.string("model_name")).or(() -> cfg.string("model_name"));
        String reshape = cfg.string("reshape_activations").orElse("none");
        if (!reshape.equals("none") && !reshape.equals("hook_z")) {
            throw new FormatException("reshape_activations \"" + reshape + "\" is not supported (none and hook_z are)",
                    cfg.at("reshape_activations"), "use an autoencoder of one of these");
        }
        if (reshape.equals("hook_z")) {
            sae.note("the input is [n_heads, d_head] flattened to d_in");
        }
    }

    private Normalization normalization() {
        String key = "normalize_activations";
        JsonNode value = cfg.get(key);
        String name = value == null ? "none" : value.isBoolean() ? value.booleanValue() ? "expected_average_only_in" : "none"
                : cfg.string(key).orElseThrow();
        return switch (name) {
            case "none" -> Normalization.NONE;
            case "layer_norm" -> Normalization.LAYER_NORM;
            case "constant_norm_rescale" -> Normalization.CONSTANT_NORM_RESCALE;
            case "expected_average_only_in" -> {
                sae.note("trained on inputs scaled to a mean norm of sqrt(d_in) (expected_average_only_in); like SAELens, nothing is scaled"
                        + " at run time: the inputs must be scaled already unless the scale was folded into these weights");
                yield Normalization.NONE;
            }
            default -> throw new FormatException("normalize_activations \"" + name
                    + "\" is not supported (none, layer_norm, constant_norm_rescale,"
                    + " expected_average_only_in are)", cfg.at(key), "use an autoencoder of one of these");
        };
    }

    private void activation(String architecture) {
        String activation = cfg.string("activation_fn", "activation_fn_str").orElse(architecture.equals("topk") ? "topk" : "relu");
        OptionalInt k = cfg.integer("k");
        if (k.isEmpty()) {
            k = cfg.object("activation_fn_kwargs").map(kwargs -> kwargs.integer("k")).orElse(OptionalInt.empty());
        }
        switch (activation) {
            case "relu" -> {
                if (architecture.equals("topk")) {
                    throw new FormatException("architecture topk with activation_fn relu", cfg.where(), "correct the config");
                }
            }
            case "topk" -> {
                sae.architecture = Architecture.TOPK;
                sae.k = k.orElseThrow(() -> new FormatException("top-k without k", cfg.where(), "add k to the config"));
            }
            default -> throw new FormatException("activation_fn \"" + activation + "\" is not supported (relu and topk are)", cfg.where(),
                    "use an autoencoder of one of these");
        }
    }

    private void jumpRelu() {
        sae.architecture = Architecture.JUMP_RELU;
        sae.putFeatures("b_enc", "b_enc");
        if (sae.has("threshold") || !sae.has("log_threshold")) {
            sae.putThreshold("threshold");
            return;
        }
        sae.putFeatures("threshold", "log_threshold");
        float[] threshold = sae.parameter("threshold").toArray();
        for (int i = 0; i < threshold.length; i++) {
            threshold[i] = (float) Math.exp(threshold[i]);
        }
        sae.put("threshold", sae.table().path() + ": exp(log_threshold)", Tensor.of(threshold, threshold.length));
    }

    private void gated() {
        sae.architecture = Architecture.GATED;
        for (String name : new String[] {"b_gate", "b_mag", "r_mag"}) {
            sae.putFeatures(name, name);
        }
    }

    /** A training checkpoint: at inference the running threshold decides. With decoder norms it compares the rescaled activations. */
    private void batchTopK(String architecture) {
        sae.architecture = Architecture.JUMP_RELU;
        sae.putFeatures("b_enc", "b_enc");
        if (!sae.has("threshold") && !sae.has("topk_threshold")) {
            throw new FormatException("architecture \"" + architecture + "\" without a threshold (tensor threshold or topk_threshold)",
                    sae.table().path().toString(), "save the autoencoder for inference with SAELens");
        }
        sae.putThreshold(sae.has("threshold") ? "threshold" : "topk_threshold");
        sae.note(architecture + " is read as JumpReLU with its running threshold, as at inference");
    }

    /** Activations times the norms before the choice, divided by them before the decoder: the same as scaled weights. */
    private void foldDecoderNorms() {
        if (sae.architecture == Architecture.GATED || cfg.string("architecture").orElse("").equals("jumprelu")) {
            throw new FormatException(DECODER_NORMS + " is not defined for this architecture", cfg.at(DECODER_NORMS), "correct the config");
        }
        double[] norms = sae.decoderNorms();
        sae.scaleFeatures(norms);
        sae.scaleDecoder(Arrays.stream(norms).map(norm -> norm == 0 ? 0 : 1 / norm).toArray());
        sae.note(DECODER_NORMS + " is folded into W_enc, b_enc and W_dec: the features are the rescaled ones");
    }

    private void foldScalingFactor(String name) {
        sae.putFeatures(name, name);
        double[] factors = new double[sae.dSae()];
        boolean ones = true;
        for (int i = 0; i < factors.length; i++) {
            factors[i] = sae.parameter(name).get(i);
            ones &= factors[i] == 1;
        }
        sae.parameters().remove(name);
        if (!ones) {
            sae.scaleDecoder(factors);
            sae.note(name + " is folded into W_dec");
        }
    }
}
