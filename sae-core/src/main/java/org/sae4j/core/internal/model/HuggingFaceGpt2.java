package org.sae4j.core.internal.model;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;

/** GPT-2 as Hugging Face transformers stores it: Conv1D weights [in, out], queries, keys and values side by side. */
public final class HuggingFaceGpt2 {
    private static final String HEAD = "lm_head.weight";
    /** The causal mask, stored by old versions. */
    private static final Predicate<String> BUFFER = Pattern.compile("(transformer\\.)?h\\.[0-9]+\\.attn\\.(bias|masked_bias)")
            .asMatchPredicate();

    private HuggingFaceGpt2() {}

    /**
     * Reads the tensors.
     *
     * @param name the model's name where the config has none
     * @param notes receives what a user should know
     * @throws FormatException if the model is not a GPT-2 or its tensors do not fit together
     */
    public static ModelTensors read(String name, JsonFile json, TensorTable table, Arena arena, List<String> notes) {
        requireGpt2(json);
        String prefix = table.find("transformer.wte.weight") != null ? "transformer." : "";
        ModelTensors.Builder builder = new ModelTensors.Builder(table, arena);
        StoredTensor embed = builder.stored(prefix + "wte.weight", "[vocab_size, n_embd]", -1, -1);
        int d = embed.dim(1);
        StoredTensor positions = builder.stored(prefix + "wpe.weight", "[n_positions, n_embd]", -1, d);
        int layers = ModelTensors.layers(json.integer("n_layer", "num_hidden_layers"), table, json);
        int heads = json.integer("n_head", "num_attention_heads").orElse(12);
        if (heads < 1 || d % heads != 0) {
            throw new FormatException("n_embd " + d + " is not a multiple of n_head " + heads, json.at("n_head"), "correct the config");
        }
        int mlp = layers == 0 ? json.integer("n_inner").orElse(4 * d)
                : builder.stored(prefix + "h.0.mlp.c_fc.weight", "[n_embd, n_inner]", d, -1).dim(1);
        ModelTensors.compare(json, "n_embd", json.integer("n_embd", "hidden_size"), d, notes);
        ModelTensors.compare(json, "vocab_size", json.integer("vocab_size"), embed.dim(0), notes);
        ModelTensors.compare(json, "n_positions", json.integer("n_positions", "n_ctx"), positions.dim(0), notes);
        ModelTensors.compare(json, "n_inner", json.integer("n_inner"), mlp, notes);

        builder.put("embed.W_E", embed);
        builder.put("pos_embed.W_pos", positions);
        for (int layer = 0; layer < layers; layer++) {
            block(builder, prefix + "h." + layer + ".", "blocks." + layer + ".", d, heads, mlp);
        }
        builder.put("ln_final.w", builder.stored(prefix + "ln_f.weight", "[n_embd]", d));
        builder.put("ln_final.b", builder.stored(prefix + "ln_f.bias", "[n_embd]", d));
        boolean tied = unembedding(builder, json, embed);
        builder.put("unembed.b_U", Tensor.zeros(embed.dim(0)));
        table.refuseUnknown(builder.used(), BUFFER);

        TransformerConfig config = ModelTensors.config(json, TransformerConfig.builder(
                json.string("_name_or_path", "name").filter(s -> !s.isBlank()).orElse(name)).layers(layers).dModel(d).heads(heads)
                .family(isUsual(json) ? "gpt2" : "gpt2_scaled").dHead(d / heads).dMlp(mlp).nCtx(positions.dim(0)).dVocab(embed.dim(0))
                .activation(ModelTensors.activation(json, "activation_function", json.string("activation_function").orElse("gelu_new")))
                .normEps(ModelTensors.eps(json, json.number("layer_norm_epsilon").orElse(1e-5))).tiedUnembedding(tied));
        return builder.build(Gpt2.describe(config, attentionScale(json, d / heads)));
    }

    /** {@return whether the tensors are those of a GPT-2, whatever the config says} */
    public static boolean matches(TensorTable table) {
        return table.find("wte.weight") != null || table.find("transformer.wte.weight") != null;
    }

    /** Whether scores are divided by the root of d_head and nothing else. */
    private static boolean isUsual(JsonFile json) {
        return json.flag("scale_attn_weights", true) && !json.flag("scale_attn_by_inverse_layer_idx", false);
    }

    /** The factor of the scores of each block. */
    private static IntToDoubleFunction attentionScale(JsonFile json, int head) {
        double factor = json.flag("scale_attn_weights", true) ? 1 / Math.sqrt(head) : 1;
        boolean byLayer = json.flag("scale_attn_by_inverse_layer_idx", false);
        return layer -> byLayer ? factor / (layer + 1) : factor;
    }

    private static void requireGpt2(JsonFile json) {
        if (json.flag("add_cross_attention", false)) {
            throw new FormatException("cross-attention is not supported", json.at("add_cross_attention"), "use a decoder-only model");
        }
        if (json.has("quantization_config")) {
            throw new FormatException("quantized weights are not supported", json.at("quantization_config"),
                    "use the model in a floating-point type");
        }
    }

    private static void block(ModelTensors.Builder builder, String from, String to, int d, int heads, int mlp) {
        for (int norm = 1; norm <= 2; norm++) {
            builder.put(to + "ln" + norm + ".w", builder.stored(from + "ln_" + norm + ".weight", "[n_embd]", d));
            builder.put(to + "ln" + norm + ".b", builder.stored(from + "ln_" + norm + ".bias", "[n_embd]", d));
        }
        StoredTensor weight = builder.stored(from + "attn.c_attn.weight", "[n_embd, 3 n_embd]", d, 3 * d);
        StoredTensor bias = builder.stored(from + "attn.c_attn.bias", "[3 n_embd]", 3 * d);
        for (Map.Entry<String, Integer> part : List.of(Map.entry("Q", 0), Map.entry("K", d), Map.entry("V", 2 * d))) {
            builder.put(to + "attn.W_" + part.getKey(), weight.narrowed(1, part.getValue(), d).split(1, heads).permuted(1, 0, 2));
            builder.put(to + "attn.b_" + part.getKey(), bias.narrowed(0, part.getValue(), d).split(0, heads));
        }
        builder.put(to + "attn.W_O", builder.stored(from + "attn.c_proj.weight", "[n_embd, n_embd]", d, d).split(0, heads));
        builder.put(to + "attn.b_O", builder.stored(from + "attn.c_proj.bias", "[n_embd]", d));
        builder.put(to + "mlp.W_in", builder.stored(from + "mlp.c_fc.weight", "[n_embd, n_inner]", d, mlp));
        builder.put(to + "mlp.b_in", builder.stored(from + "mlp.c_fc.bias", "[n_inner]", mlp));
        builder.put(to + "mlp.W_out", builder.stored(from + "mlp.c_proj.weight", "[n_inner, n_embd]", mlp, d));
        builder.put(to + "mlp.b_out", builder.stored(from + "mlp.c_proj.bias", "[n_embd]", d));
    }

    /** {@return whether the unembedding is the transposed embedding} */
    private static boolean unembedding(ModelTensors.Builder builder, JsonFile json, StoredTensor embed) {
        boolean tied = json.flag("tie_word_embeddings", true);
        if (!builder.has(HEAD)) {
            if (!tied) {
                throw new FormatException("tie_word_embeddings is false, but the weights have no " + HEAD, json.at("tie_word_embeddings"),
                        "download all of the weights");
            }
            builder.putChecked("unembed.W_U", embed.permuted(1, 0));
            return true;
        }
        StoredTensor head = builder.stored(HEAD, "[vocab_size, n_embd]", embed.dim(0), embed.dim(1));
        builder.put("unembed.W_U", head.permuted(1, 0));
        if (tied && !head.sameValues(embed)) {
            throw new FormatException("the config ties the unembedding to the embedding, but " + HEAD + " differs from it", head.where(),
                    "set tie_word_embeddings to false in config.json if the weights are right");
        }
        return tied;
    }
}
