package org.sae4j.core.internal.model;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntToDoubleFunction;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;
import org.sae4j.core.internal.json.JsonNode;

/** A GPT-2-style model as TransformerLens names and stores it. */
public final class TransformerLensModel {
    private static final Predicate<String> BUFFER = Pattern.compile("blocks\\.[0-9]+\\.attn\\.(mask|IGNORE)").asMatchPredicate();
    private static final List<String> UNSUPPORTED_FLAGS = List.of("attn_only", "parallel_attn_mlp", "gated_mlp", "use_local_attn",
            "final_rms", "shortformer_pos", "use_normalization_before_and_after", "use_qk_norm", "post_embedding_ln");

    private TransformerLensModel() {}

    /**
     * Reads the tensors.
     *
     * @param name the model's name where the config has none
     * @param notes receives what a user should know
     * @throws FormatException if the architecture is not supported or the tensors do not fit together
     */
    public static ModelTensors read(String name, JsonFile json, TensorTable table, Arena arena, List<String> notes) {
        requireSupported(json, table);
        ModelTensors.Builder builder = new ModelTensors.Builder(table, arena);
        StoredTensor embed = builder.stored("embed.W_E", "[d_vocab, d_model]", -1, -1);
        int d = embed.dim(1);
        StoredTensor positions = builder.stored("pos_embed.W_pos", "[n_ctx, d_model]", -1, d);
        int layers = ModelTensors.layers(json.integer("n_layers", "n_layer"), table, json);
        int heads = json.integer("n_heads", "n_head").orElse(1);
        int head = json.integer("d_head").orElse(Math.max(1, d / Math.max(1, heads)));
        int mlp = json.integer("d_mlp").orElse(4 * d);
        if (layers > 0) {
            StoredTensor queries = builder.stored("blocks.0.attn.W_Q", "[n_heads, d_model, d_head]", -1, d, -1);
            heads = queries.dim(0);
            head = queries.dim(2);
            mlp = builder.stored("blocks.0.mlp.W_in", "[d_model, d_mlp]", d, -1).dim(1);
        }
        ModelTensors.compare(json, "d_model", json.integer("d_model"), d, notes);
        ModelTensors.compare(json, "d_vocab", json.integer("d_vocab"), embed.dim(0), notes);
        ModelTensors.compare(json, "n_ctx", json.integer("n_ctx"), positions.dim(0), notes);
        ModelTensors.compare(json, "n_heads", json.integer("n_heads", "n_head"), heads, notes);
        ModelTensors.compare(json, "d_head", json.integer("d_head"), head, notes);
        ModelTensors.compare(json, "d_mlp", json.integer("d_mlp"), mlp, notes);

        boolean weightless = normalization(json, table).equals("LNPre");
        if (weightless) {
            notes.add("the model's LayerNorms have no weights (LNPre, folded by TransformerLens): they are read as ones and zeros");
        }
        builder.put("embed.W_E", embed);
        builder.put("pos_embed.W_pos", positions);
        for (int layer = 0; layer < layers; layer++) {
            block(builder, "blocks." + layer + ".", d, heads, head, mlp, weightless);
        }
        norm(builder, "ln_final", d, weightless);
        builder.put("unembed.W_U", builder.stored("unembed.W_U", "[d_model, d_vocab]", d, embed.dim(0)));
        if (builder.has("unembed.b_U")) {
            builder.put("unembed.b_U", builder.stored("unembed.b_U", "[d_vocab]", embed.dim(0)));
        } else {
            builder.put("unembed.b_U", Tensor.zeros(embed.dim(0)));
        }
        table.refuseUnknown(builder.used(), BUFFER);
        TransformerConfig config = ModelTensors.config(json, TransformerConfig.builder(json.string("model_name").orElse(name))
                .layers(layers).dModel(d).heads(heads).dHead(head).dMlp(mlp).nCtx(positions.dim(0)).dVocab(embed.dim(0))
                .activation(ModelTensors.activation(json, "act_fn", json.string("act_fn", "act_name").orElseThrow(
                        () -> new FormatException("the activation function act_fn is missing", json.where(), "add it to the config"))))
                .normEps(ModelTensors.eps(json, json.number("eps", "layer_norm_eps", "ln_eps").orElse(1e-5))));
        return builder.build(Gpt2.describe(config, attentionScale(json, head)));
    }

    /** Where the config is silent, the tensors say whether LayerNorms have weights. */
    private static String normalization(JsonFile json, TensorTable table) {
        return json.string("normalization_type", "normalization").orElse(table.find("ln_final.w") != null ? "LN" : "");
    }

    private static void requireSupported(JsonFile json, TensorTable table) {
        if (table.find("embed.W_E") == null) {
            throw new FormatException("the config has no model_type, so TransformerLens names such as embed.W_E are expected, but there"
                    + " are "
                    + table.sample(), table.path().toString(),
                    "give a Hugging Face GPT-2 (config.json with model_type gpt2) or a TransformerLens model");
        }
        String normalization = normalization(json, table);
        if (!normalization.equals("LN") && !normalization.equals("LNPre")) {
            throw new FormatException("normalization_type \"" + normalization + "\" is not supported (LN and LNPre are)", json.where(),
                    "use a model with LayerNorm");
        }
        refuse(json, "positional_embedding_type", "standard");
        refuse(json, "attention_dir", "causal");
        for (String flag : UNSUPPORTED_FLAGS) {
            if (json.flag(flag, false)) {
                throw new FormatException(flag + " = true is not supported", json.at(flag), "use a GPT-2-style model");
            }
        }
        for (String cap : List.of("attn_scores_soft_cap", "output_logits_soft_cap")) {
            if (json.number(cap).orElse(-1) > 0) {
                throw new FormatException("a soft cap is not supported", json.at(cap), "use a GPT-2-style model");
            }
        }
        OptionalInt keyHeads = json.integer("n_key_value_heads");
        if (keyHeads.isPresent() && !keyHeads.equals(json.integer("n_heads"))) {
            throw new FormatException("grouped queries are not supported", json.at("n_key_value_heads"), "use a GPT-2-style model");
        }
    }

    /** The factor of the scores of each block. */
    private static IntToDoubleFunction attentionScale(JsonFile json, int head) {
        double usual = Math.sqrt(head);
        double declared = json.number("attn_scale").orElse(-1);
        double scale = !json.flag("use_attn_scale", true) ? 1 : declared == -1 ? usual : declared;
        if (!(scale > 0) || Double.isInfinite(scale)) {
            throw new FormatException("attn_scale must be positive or -1, found " + scale, json.at("attn_scale"), "correct the config");
        }
        // Some configs have the root with a few digits only.
        double divisor = Math.abs(scale - usual) <= 1e-4 ? usual : scale;
        boolean byLayer = json.flag("scale_attn_by_inverse_layer_idx", false);
        return layer -> 1 / (byLayer ? divisor * (layer + 1) : divisor);
    }

    private static void refuse(JsonFile json, String key, String supported) {
        JsonNode value = json.get(key);
        if (value != null && !(value.isString() && value.stringValue().equals(supported))) {
            throw new FormatException("only \"" + supported + "\" is supported, found " + value, json.at(key), "use a GPT-2-style model");
        }
    }

    private static void block(ModelTensors.Builder builder, String block, int d, int heads, int head, int mlp, boolean weightless) {
        norm(builder, block + "ln1", d, weightless);
        for (String part : List.of("Q", "K", "V")) {
            copy(builder, block + "attn.W_" + part, "[n_heads, d_model, d_head]", heads, d, head);
            copy(builder, block + "attn.b_" + part, "[n_heads, d_head]", heads, head);
        }
        copy(builder, block + "attn.W_O", "[n_heads, d_head, d_model]", heads, head, d);
        copy(builder, block + "attn.b_O", "[d_model]", d);
        norm(builder, block + "ln2", d, weightless);
        copy(builder, block + "mlp.W_in", "[d_model, d_mlp]", d, mlp);
        copy(builder, block + "mlp.b_in", "[d_mlp]", mlp);
        copy(builder, block + "mlp.W_out", "[d_mlp, d_model]", mlp, d);
        copy(builder, block + "mlp.b_out", "[d_model]", d);
    }

    private static void norm(ModelTensors.Builder builder, String name, int d, boolean weightless) {
        if (weightless) {
            float[] ones = new float[d];
            Arrays.fill(ones, 1);
            builder.put(name + ".w", Tensor.of(ones, d));
            builder.put(name + ".b", Tensor.zeros(d));
        } else {
            copy(builder, name + ".w", "[d_model]", d);
            copy(builder, name + ".b", "[d_model]", d);
        }
    }

    private static void copy(ModelTensors.Builder builder, String name, String rule, int... shape) {
        builder.put(name, builder.stored(name, rule, shape));
    }
}
