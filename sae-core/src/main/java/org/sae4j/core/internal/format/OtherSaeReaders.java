package org.sae4j.core.internal.format;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SaeConfig.Normalization;
import org.sae4j.core.format.FormatException;

/** The autoencoders of Neel Nanda, EleutherAI, OpenAI, Gemma Scope and saprmarks' dictionary_learning. */
final class OtherSaeReaders {
    /** Sites as EleutherAI's sparsify names a module whose output was used. */
    private static final Pattern MODULE = Pattern.compile(
            "(?:transformer\\.|model\\.|gpt_neox\\.)?(?:h|layers)\\.(\\d{1,6})(\\.mlp|\\.attn|\\.attention|\\.self_attn)?");
    /** Sites as Neel Nanda's configs name them, which TransformerLens expands. */
    private static final Map<String, String> SITES = Map.of("mlp_post", "mlp.hook_post", "mlp_out", "hook_mlp_out", "attn_out",
            "hook_attn_out",
            "resid_pre", "hook_resid_pre", "resid_mid", "hook_resid_mid", "resid_post", "hook_resid_post", "z", "attn.hook_z");

    private OtherSaeReaders() {}

    /** {@code N.pt} with {@code N_cfg.json}: W_enc, W_dec, b_enc, b_dec. */
    static void nanda(SaeBuilder sae, @Nullable JsonFile cfg) {
        sae.matrices("W_enc", false, "W_dec", false);
        sae.putFeatures("b_enc", "b_enc");
        sae.putInput("b_dec", "b_dec");
        sae.refuseUnknown(name -> false);
        if (cfg == null) {
            sae.note("there is no config beside the weights: the hook point is not known");
            return;
        }
        sae.modelName = cfg.string("model_name");
        Optional<String> name = cfg.string("act_name");
        OptionalInt layer = cfg.integer("layer");
        String site = cfg.string("site").map(SITES::get).orElse(null);
        if (name.isPresent()) {
            sae.hook(name);
        } else if (site != null && layer.isPresent()) {
            sae.hook(Optional.of("blocks." + layer.getAsInt() + "." + site));
        } else if (cfg.integer("d_mlp").equals(OptionalInt.of(sae.dIn()))) {
            sae.hook = Optional.of(HookPoint.mlpPost(0));
            sae.note("the config names no hook point; d_in is its d_mlp, so blocks.0.mlp.hook_post is assumed, as in the one-layer"
                    + " autoencoders");
        } else {
            sae.note("the config names no hook point");
        }
    }

    /** EleutherAI's sparsify: top-k of the rectified pre-activations. */
    static void sparsify(SaeBuilder sae, JsonFile cfg, String folder) {
        String activation = cfg.string("activation").orElse("topk");
        if (!activation.equals("topk")) {
            throw new FormatException("activation \"" + activation + "\" is not supported (topk is)", cfg.at("activation"),
                    "use an autoencoder with topk");
        }
        boolean transcoder = cfg.flag("transcode", false);
        if (transcoder) {
            sae.requireSameWidths("encoder.weight", 1, "W_dec");
        }
        sae.matrices("encoder.weight", true, "W_dec", false);
        sae.putFeatures("b_enc", "encoder.bias");
        sae.putInput("b_dec", "b_dec");
        if (cfg.flag("skip_connection", false)) {
            sae.putSkip();
        }
        sae.refuseUnknown(name -> false);
        sae.compare(cfg, "d_in", sae.dIn());
        if (cfg.integer("num_latents").orElse(0) != 0) {
            sae.compare(cfg, "num_latents", sae.dSae());
        }
        sae.architecture = Architecture.TOPK;
        sae.k = cfg.integer("k").orElseThrow(() -> new FormatException("k is missing", cfg.where(), "add k to the config"));
        if (transcoder) {
            sae.applyBDecToInput = false;
            sae.note("a transcoder: its output predicts the output of the module whose input it reads, not that input");
            return;
        }
        Matcher module = MODULE.matcher(folder);
        if (module.matches()) {
            int layer = Integer.parseInt(module.group(1));
            HookPoint.Site site = module.group(2) == null ? HookPoint.Site.RESID_POST
                    : module.group(2).equals(".mlp") ? HookPoint.Site.MLP_OUT : HookPoint.Site.ATTN_OUT;
            sae.hook = Optional.of(new HookPoint(site, layer));
        } else {
            sae.note("the folder's name \"" + folder + "\" is not that of a module: the hook point is not known");
        }
    }

    /** OpenAI's sparse_autoencoder: top-k implies LayerNorm of the input. */
    static void openAi(SaeBuilder sae) {
        sae.matrices("encoder.weight", true, "decoder.weight", true);
        sae.putFeatures("b_enc", "latent_bias");
        sae.putInput("b_dec", "pre_bias");
        sae.refuseUnknown(Set.of("stats_last_nonzero", "latents_activation_frequency", "latents_mean_square")::contains);
        String where = sae.table().path().toString();
        String activation = sae.table().extras().getOrDefault("activation", "ReLU").toString();
        switch (activation) {
            case "ReLU" -> sae.architecture = Architecture.RELU;
            case "TopK" -> {
                sae.architecture = Architecture.TOPK;
                sae.normalization = Normalization.LAYER_NORM;
                TensorTable state = sae.table().extras().get("activation_state_dict") instanceof TensorTable table ? table : null;
                sae.k = state == null ? 0 : SaeBuilder.integer(state, "k");
                String after = state == null ? "ReLU" : state.extras().getOrDefault("postact_fn", "ReLU").toString();
                if (sae.k < 1 || !after.equals("ReLU")) {
                    throw new FormatException("top-k needs k and ReLU, found k " + sae.k + " and postact_fn \"" + after + '"',
                            where + ": activation_state_dict", "use an autoencoder with top-k and ReLU");
                }
            }
            default -> throw new FormatException("activation \"" + activation + "\" is not supported (ReLU and TopK are)",
                    where + ": activation",
                    "use an autoencoder of one of these");
        }
        sae.note("OpenAI's files name no hook point: give it yourself");
    }

    /** Gemma Scope: JumpReLU whose input keeps its mean. */
    static void gemmaScope(SaeBuilder sae) {
        // Some releases write the matrices' names in lower case.
        sae.matrices(sae.has("w_enc") ? "w_enc" : "W_enc", false, sae.has("w_dec") ? "w_dec" : "W_dec", false);
        sae.putFeatures("b_enc", "b_enc");
        sae.putInput("b_dec", "b_dec");
        sae.putThreshold("threshold");
        sae.refuseUnknown(name -> false);
        sae.architecture = Architecture.JUMP_RELU;
        sae.applyBDecToInput = false;
        sae.note("Gemma Scope's files name no hook point: give it yourself");
    }

    /** The classes of saprmarks' dictionary_learning, by the tensors and, where these do not tell, by the config. */
    static void dictionaryLearning(SaeBuilder sae, @Nullable JsonFile config) {
        Optional<JsonFile> trainer = config == null ? Optional.empty() : config.object("trainer").or(() -> Optional.of(config));
        String dictClass = trainer.flatMap(t -> t.string("dict_class")).orElse("");
        sae.modelName = trainer.flatMap(t -> t.string("lm_name"));
        sae.hook = trainer.flatMap(OtherSaeReaders::submodule);
        if (sae.hook.isEmpty()) {
            sae.note("the config names no hook point of a GPT-2-style transformer: give it yourself");
        }
        if (sae.has("decoder_bias") && sae.has("gate_bias")) {
            gated(sae);
        } else if (sae.has("W_enc")) {
            jumpReluOrMatryoshka(sae);
        } else if (sae.has("b_dec")) {
            topK(sae, dictClass, trainer.map(t -> t.integer("k")).orElse(OptionalInt.empty()));
        } else {
            sae.matrices("encoder.weight", true, "decoder.weight", true);
            sae.putFeatures("b_enc", "encoder.bias");
            boolean biasOfInput = sae.has("bias");
            sae.putInput("b_dec", biasOfInput ? "bias" : "decoder.bias");
            sae.applyBDecToInput = biasOfInput;
        }
        sae.refuseUnknown(Set.of("k", "threshold", "group_sizes", "group_indices", "active_groups")::contains);
    }

    private static Optional<HookPoint> submodule(JsonFile trainer) {
        OptionalInt layer = trainer.integer("layer");
        String name = trainer.string("submodule_name").orElse("").toLowerCase(Locale.ROOT);
        if (layer.isEmpty() || layer.getAsInt() < 0) {
            return Optional.empty();
        }
        if (name.startsWith("attention_out")) {
            return Optional.of(new HookPoint(HookPoint.Site.ATTN_OUT, layer.getAsInt()));
        }
        for (HookPoint.Site site : List.of(HookPoint.Site.RESID_PRE, HookPoint.Site.RESID_MID, HookPoint.Site.RESID_POST,
                HookPoint.Site.MLP_OUT, HookPoint.Site.ATTN_OUT)) {
            if (name.startsWith(site.suffix().substring("hook_".length()))) {
                return Optional.of(new HookPoint(site, layer.getAsInt()));
            }
        }
        return Optional.empty();
    }

    private static void gated(SaeBuilder sae) {
        sae.matrices("encoder.weight", true, "decoder.weight", true);
        sae.putInput("b_dec", "decoder_bias");
        sae.putFeatures("b_gate", "gate_bias");
        sae.putFeatures("b_mag", "mag_bias");
        sae.putFeatures("r_mag", "r_mag");
        sae.architecture = Architecture.GATED;
    }

    private static void jumpReluOrMatryoshka(SaeBuilder sae) {
        sae.matrices("W_enc", false, "W_dec", false);
        sae.putFeatures("b_enc", "b_enc");
        sae.putInput("b_dec", "b_dec");
        sae.putThreshold("threshold");
        sae.architecture = Architecture.JUMP_RELU;
        boolean matryoshka = sae.has("group_sizes");
        sae.applyBDecToInput = matryoshka;
        if (matryoshka) {
            requireTrainedThreshold(sae);
            sae.note("a Matryoshka BatchTopK autoencoder, read as JumpReLU with its running threshold, as at inference");
        }
    }

    private static void topK(SaeBuilder sae, String dictClass, OptionalInt configuredK) {
        sae.matrices("encoder.weight", true, "decoder.weight", true);
        sae.putFeatures("b_enc", "encoder.bias");
        sae.putInput("b_dec", "b_dec");
        boolean topK = dictClass.equals("AutoEncoderTopK") || dictClass.isEmpty() && !sae.has("threshold");
        if (topK) {
            sae.architecture = Architecture.TOPK;
            sae.k = sae.has("k") || configuredK.isEmpty() ? SaeBuilder.integer(sae.table(), "k") : configuredK.getAsInt();
        } else if (dictClass.equals("BatchTopKSAE")) {
            sae.architecture = Architecture.JUMP_RELU;
            sae.putThreshold("threshold");
            requireTrainedThreshold(sae);
            sae.note("a BatchTopK autoencoder, read as JumpReLU with its running threshold, as at inference");
        } else {
            throw new FormatException("dict_class \"" + dictClass + "\" does not say whether k is of a row (AutoEncoderTopK) or of a batch"
                    + " (BatchTopKSAE)", sae.table().path().toString(), "put the config.json of the training beside the weights");
        }
    }

    private static void requireTrainedThreshold(SaeBuilder sae) {
        Tensor threshold = sae.parameter("threshold");
        if (threshold.get(0) < 0) {
            throw new FormatException("the threshold for inference was never set (" + threshold.get(0) + ")",
                    sae.table().path() + ": threshold", "train longer, past threshold_start_step");
        }
    }
}
