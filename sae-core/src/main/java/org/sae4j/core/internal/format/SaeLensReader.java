package org.sae4j.core.internal.format;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SaeConfig.Normalization;
import org.sae4j.core.coder.CoderArchitecture;
import org.sae4j.core.coder.CoderArchitectures;
import org.sae4j.core.coder.CoderForm;
import org.sae4j.core.format.FormatException;

/** Autoencoders and transcoders in SAELens' folders, of version 6 and of the flat configs before it. */
final class SaeLensReader {
    private static final String DECODER_NORMS = "rescale_acts_by_decoder_norm";
    private static final List<String> SCALING = List.of("scaling_factor", "finetuning_scaling_factor");
    private static final Set<String> BATCH_TOPK = Set.of("batchtopk", "matryoshka_batchtopk");
    private static final Set<String> RESCALED = Set.of("standard", "topk", "abstopk", "batchtopk", "matryoshka_batchtopk");
    /** Transcoders, and the autoencoder that each is otherwise. */
    private static final Map<String, String> TRANSCODERS = Map.of("transcoder", "standard", "skip_transcoder", "standard",
            "jumprelu_transcoder", "jumprelu", "jumprelu_skip_transcoder", "jumprelu");
    private static final List<String> READ = List.of("standard", "topk", "abstopk", "jumprelu", "gated", "matching_pursuit", "batchtopk",
            "matryoshka_batchtopk", "transcoder", "skip_transcoder", "jumprelu_transcoder", "jumprelu_skip_transcoder");
    /** Where TransformerLens' center_writing_weights takes the mean over d_model out of the values. */
    private static final Set<String> CENTERED = Set.of("hook_embed", "hook_pos_embed", "hook_resid_pre", "hook_attn_out", "hook_resid_mid",
            "hook_mlp_out", "hook_resid_post");

    private final SaeBuilder sae;
    private final SaeFolds folds;
    private final JsonFile cfg;
    private final SaeSource source;

    private SaeLensReader(SaeBuilder sae, JsonFile cfg, SaeSource source) {
        this.sae = sae;
        this.cfg = cfg;
        this.source = source;
        folds = new SaeFolds(sae);
    }

    static void read(SaeBuilder sae, SaeSource source) {
        new SaeLensReader(sae, JsonFile.read(source.folder().resolve("cfg.json")), source).read();
    }

    private void read() {
        String named = cfg.string("architecture").orElse("standard");
        Optional<CoderArchitecture> plugin = READ.contains(named) ? Optional.empty() : CoderArchitectures.find(named);
        if (!READ.contains(named) && plugin.isEmpty()) {
            throw new FormatException("architecture \"" + named + "\" is not supported (" + String.join(", ", READ)
                    + " and those of plugins are)"
                    + (named.equals("temporal") ? ": its features depend on earlier tokens of the sequence" : ""), cfg.at("architecture"),
                    "use an autoencoder of one of these, or add the jar of the plugin that brings the architecture");
        }
        String architecture = TRANSCODERS.getOrDefault(named, named);
        boolean transcoder = TRANSCODERS.containsKey(named);
        if (transcoder) {
            transcoder();
        }
        if (plugin.isPresent()) {
            plugin(plugin.get());
        } else {
            tensors(architecture, named);
        }
        sae.compare(cfg, "d_in", sae.dIn());
        sae.compare(cfg, "d_out", sae.dOut());
        sae.compare(cfg, "d_sae", sae.dSae());
        sae.applyBDecToInput = cfg.flag("apply_b_dec_to_input", !transcoder);
        place();
        boolean decoderNorms = cfg.flag(DECODER_NORMS, false);
        SaeLensScaling scaling = new SaeLensScaling(sae, cfg, source, decoderNorms && BATCH_TOPK.contains(architecture));
        sae.normalization = scaling.normalization();
        if (transcoder && (sae.applyBDecToInput || sae.normalization != Normalization.NONE)) {
            throw new FormatException("a transcoder with "
                    + (sae.applyBDecToInput ? "apply_b_dec_to_input" : "normalize_activations " + sae.normalization)
                    + " is not supported", cfg.where(), "correct the config, or use another transcoder");
        }
        scaling.foldFactor();
        if (decoderNorms) {
            foldDecoderNorms(architecture);
        }
        scaling.foldWhitening();
        SCALING.stream().filter(sae::has).forEach(this::foldScalingFactor);
        sae.refuseUnknown(name -> false);
        center(scaling.release());
        if (architecture.equals("matching_pursuit") && !sae.applyBDecToInput) {
            // Then it is neither subtracted nor added.
            sae.put("b_dec", cfg.at("apply_b_dec_to_input"), Tensor.zeros(sae.dIn()));
        }
    }

    private void tensors(String architecture, String named) {
        if (architecture.equals("matching_pursuit")) {
            sae.decoderAlone("W_dec");
            sae.architecture = Architecture.MATCHING_PURSUIT;
            sae.settings.put("max_iterations", cfg.integer("max_iterations").orElse(sae.dIn()));
            sae.settings.put("residual_threshold", cfg.number("residual_threshold").orElse(1e-2));
            sae.settings.put("stop_on_duplicate_support", cfg.flag("stop_on_duplicate_support", true));
            sae.putDecoderBias("b_dec");
            return;
        }
        sae.matrices("W_enc", false, "W_dec", false);
        sae.putDecoderBias("b_dec");
        if (named.contains("skip")) {
            sae.putSkip("W_skip", false);
        }
        switch (architecture) {
            case "standard", "topk", "abstopk" -> {
                sae.putFeatures("b_enc", "b_enc");
                activation(architecture);
            }
            case "jumprelu" -> jumpRelu();
            case "gated" -> gated();
            default -> batchTopK(architecture);
        }
    }

    /** An architecture that a plugin brings: its parameters and settings under their own names. */
    private void plugin(CoderArchitecture architecture) {
        sae.architecture = architecture.architecture();
        sae.decoderAlone("W_dec");
        for (String name : architecture.settings()) {
            if (cfg.has(name)) {
                sae.settings.put(name, Objects.requireNonNullElse(cfg.node().path(name).toPlain(), "null"));
            }
        }
        CoderForm.of(sae.config()).shapes().forEach((name, shape) -> {
            if (!name.equals("W_dec")) {
                sae.put(name, shape);
            }
        });
    }

    private void transcoder() {
        Optional<JsonFile> metadata = cfg.object("metadata");
        Optional<String> to = metadata.flatMap(m -> m.string("hook_name_out")).or(() -> cfg.string("hook_name_out"));
        sae.transcoder(to);
        String from = metadata.flatMap(m -> m.string("hook_name")).or(() -> cfg.string("hook_name")).orElse("an unknown hook point");
        sae.note("a transcoder: it reads " + from + " and its output predicts " + to.orElse("an unknown one") + ", not that input");
    }

    /** Autoencoders of activations without mean over d_model are made to take it out of raw ones themselves. */
    private void center(Optional<KnownReleases.Added> release) {
        Optional<JsonFile> kwargs = kwargs();
        boolean told = kwargs.isPresent() && kwargs.get().flag("center_writing_weights", false);
        boolean known = release.isPresent() && release.get().centered();
        if (!told && !known || sae.hook.isEmpty() || !CENTERED.contains(site(sae.hook.get()))
                || sae.normalization == Normalization.LAYER_NORM) {
            return;
        }
        if (sae.normalization != Normalization.NONE || sae.architecture.equals(Architecture.MATCHING_PURSUIT)) {
            throw new FormatException("center_writing_weights together with " + (sae.normalization == Normalization.NONE
                    ? "matching pursuit" : "normalize_activations " + sae.normalization) + " is not supported", cfg.where(),
                    "use another autoencoder");
        }
        folds.centerInput();
        sae.note("trained on GPT-2 with centered writing weights ("
                + (told ? "model_from_pretrained_kwargs" : release.map(KnownReleases.Added::name).orElseThrow())
                + "): each input's mean over d_in is subtracted, folded into W_enc, and the reconstruction is without it");
    }

    /** How the model was loaded. */
    private Optional<JsonFile> kwargs() {
        return cfg.object("metadata").flatMap(m -> m.object("model_from_pretrained_kwargs"))
                .or(() -> cfg.object("model_from_pretrained_kwargs"));
    }

    private static String site(HookPoint hook) {
        return hook.toString().replaceFirst("^blocks\\.\\d+\\.", "");
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
        sae.modelName = metadata.flatMap(m -> m.string("model_name")).or(() -> cfg.string("model_name"))
                .map(name -> name + SaeLensConfig.processing(kwargs()));
        String reshape = cfg.string("reshape_activations").orElse("none");
        if (!reshape.equals("none") && !reshape.equals("hook_z")) {
            throw new FormatException("reshape_activations \"" + reshape + "\" is not supported (none and hook_z are)",
                    cfg.at("reshape_activations"), "use an autoencoder of one of these");
        }
        if (reshape.equals("hook_z")) {
            sae.note("the input is [n_heads, d_head] flattened to d_in");
        }
    }

    private void activation(String architecture) {
        String activation = cfg.string("activation_fn", "activation_fn_str")
                .orElse(architecture.equals("standard") ? "relu" : architecture);
        OptionalInt k = cfg.integer("k");
        Optional<JsonFile> kwargs = cfg.object("activation_fn_kwargs");
        if (k.isEmpty()) {
            k = kwargs.map(given -> given.integer("k")).orElse(OptionalInt.empty());
        }
        switch (activation) {
            case "relu" -> {
                if (!architecture.equals("standard")) {
                    throw new FormatException("architecture " + architecture + " with activation_fn relu", cfg.where(),
                            "correct the config");
                }
            }
            case "topk", "abstopk" -> {
                boolean signed = activation.equals("abstopk") || kwargs.isPresent() && kwargs.get().flag("signed", false);
                sae.architecture = signed ? Architecture.ABS_TOPK : Architecture.TOPK;
                sae.k = k.orElseThrow(() -> new FormatException("top-k without k", cfg.where(), "add k to the config"));
            }
            default -> throw new FormatException("activation_fn \"" + activation + "\" is not supported (relu, topk and abstopk are)",
                    cfg.where(), "use an autoencoder of one of these");
        }
    }

    private void jumpRelu() {
        sae.architecture = Architecture.JUMP_RELU;
        sae.putFeatures("b_enc", "b_enc");
        if (sae.has("threshold") || !sae.has("log_threshold")) {
            sae.putThreshold("threshold");
        } else {
            sae.putExponential("threshold", "log_threshold");
        }
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
    private void foldDecoderNorms(String architecture) {
        if (!RESCALED.contains(architecture)) {
            throw new FormatException(DECODER_NORMS + " is not defined for architecture " + architecture, cfg.at(DECODER_NORMS),
                    "correct the config");
        }
        if (DecoderNorms.areOne(sae.parameter("W_dec"))) {
            return;
        }
        folds.decoderNorms();
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
            folds.scaleDecoder(factors);
            sae.note(name + " is folded into W_dec");
        }
    }
}
