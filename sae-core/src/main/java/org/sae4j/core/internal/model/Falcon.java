package org.sae4j.core.internal.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Value;

/**
 * Falcon: one head of keys and values, one for each head of queries, or one for a group (40B); attention and MLP behind one norm, behind one
 * each (40B), or one after the other.
 */
final class Falcon implements Family {
    private static final Map<String, String> NAMES = Map.ofEntries(Map.entry("attn.W_Q", "self_attention.query_key_value.weight"),
            Map.entry("attn.b_Q", "self_attention.query_key_value.bias"),
            Map.entry("attn.W_K", "self_attention.query_key_value.weight"),
            Map.entry("attn.b_K", "self_attention.query_key_value.bias"),
            Map.entry("attn.W_V", "self_attention.query_key_value.weight"),
            Map.entry("attn.b_V", "self_attention.query_key_value.bias"),
            Map.entry("attn.W_O", "self_attention.dense.weight"),
            Map.entry("attn.b_O", "self_attention.dense.bias"), Map.entry("mlp.W_in", "mlp.dense_h_to_4h.weight"),
            Map.entry("mlp.b_in", "mlp.dense_h_to_4h.bias"), Map.entry("mlp.W_out", "mlp.dense_4h_to_h.weight"),
            Map.entry("mlp.b_out", "mlp.dense_4h_to_h.bias"), Map.entry("ln1.w", "input_layernorm.weight"),
            Map.entry("ln1.b", "input_layernorm.bias"), Map.entry("ln2.w", "post_attention_layernorm.weight"),
            Map.entry("ln2.b", "post_attention_layernorm.bias"), Map.entry("embed.W_E", "transformer.word_embeddings.weight"),
            Map.entry("ln_final.w", "transformer.ln_f.weight"), Map.entry("ln_final.b", "transformer.ln_f.bias"),
            Map.entry("unembed.W_U", "lm_head.weight"));

    @Override
    public Set<String> types() {
        return Set.of("falcon");
    }

    /** What a block's attention and MLP come behind. */
    enum Norms {
        /** The same norm. */
        ONE,
        /** A norm each, of the same rows. */
        TWO,
        /** A norm each, the MLP's of the rows with attention. */
        SERIAL
    }

    static Description describe(TransformerConfig config, Angles rotary, Norms norms, boolean biased) {
        boolean parallel = norms != Norms.SERIAL;
        Parts parts = new Parts(config);
        var b = parts.builder();
        Op.Heads heads = new Op.Heads(config.nHeads(), config.nKeyValueHeads(), (float) (1 / Math.sqrt(config.dHead())), 0, 0);
        Value x = parts.embedding(1);
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            Value before = parts.enter(block, x);
            Value attended = b.hook(block + "hook_attn_out", parts.attention(block, parts.norm(Parts.Norm.LAYER_NORM, block + "ln1", before),
                    Parts.Attention.of(config.dHead(), heads).biased(biased, biased).rotated(rotary)));
            Value middle = parallel ? before : b.hook(block + "hook_resid_mid", b.add(before, attended));
            Value normalized = parts.norm(Parts.Norm.LAYER_NORM, block + "ln2", block + (norms == Norms.ONE ? "ln1" : "ln2"), middle);
            Value mlp = b.hook(block + "hook_mlp_out", parts.mlp(block, normalized, biased));
            x = b.hook(block + "hook_resid_post", parallel ? b.add(b.add(before, attended), mlp) : b.add(middle, mlp));
        }
        x = parts.leave(x);
        return parts.describe(parts.logits(parts.norm(Parts.Norm.LAYER_NORM, "ln_final", x), false, 0));
    }

    @Override
    public ModelTensors read(Hub hub) {
        HubConfig json = hub.config();
        int d = json.required("hidden_size");
        int heads = json.required("num_attention_heads", "n_head");
        int context = json.integer(2048, "max_position_embeddings");
        int dHead = Math.max(1, d / Math.max(1, heads));
        json.require("alibi", false, "ALiBi");
        boolean grouped = json.flag("new_decoder_architecture", false);
        boolean shared = json.flag("multi_query", true) && !grouped;
        int given = json.integer(heads, "num_kv_heads", "n_head_kv");
        int keyHeads = grouped ? given : shared ? 1 : heads;
        int normsBefore = json.integer(grouped ? 2 : 1, "num_ln_in_parallel_attn");
        boolean twoNorms = grouped && normsBefore == 2;
        if (grouped) {
            json.require("parallel_attn", true, "Falcon 40B's architecture with attention and MLP one after the other");
        }
        Norms norms = twoNorms ? Norms.TWO : json.flag("parallel_attn", true) ? Norms.ONE : Norms.SERIAL;
        boolean tied = hub.tied(true, "transformer.word_embeddings.weight", "lm_head.weight");
        TransformerConfig config = hub.build(TransformerConfig.builder(hub.name()).family("falcon")
                .layers(json.required("num_hidden_layers", "n_layer")).dModel(d).heads(heads).keyValueHeads(keyHeads).dHead(dHead)
                .dMlp(json.integer(4 * d, "ffn_hidden_size")).nCtx(context).dVocab(json.required("vocab_size"))
                .activation(hub.activation("activation", json.string("activation").orElse("gelu")))
                .normEps(hub.eps(json.number(1e-5, "layer_norm_epsilon"))).tiedUnembedding(tied));
        Description description = describe(config, new Rope(json, dHead, context).angles(1, "partial_rotary_factor"),
                norms, json.flag("bias", false));
        Map<String, String> names = new HashMap<>(NAMES);
        if (twoNorms) {
            for (String part : List.of("w", "b")) {
                names.put("ln1." + part, "ln_attn." + (part.equals("w") ? "weight" : "bias"));
                names.put("ln2." + part, "ln_mlp." + (part.equals("w") ? "weight" : "bias"));
            }
        }
        return hub.read(description, p -> {
            String tensor = Hub.tensor(p, layer -> "transformer.h." + layer + ".", names);
            if (tensor.contains("query_key_value")) {
                if (grouped) {
                    return hub.grouped(tensor, p, heads, keyHeads, dHead);
                }
                int which = Hub.queryKeyOrValue(p);
                return shared ? hub.fused(tensor, p, 1, (heads + 2) * dHead, which == 0 ? 0 : (heads + which - 1) * dHead)
                        : hub.fused(tensor, p, heads, 3 * dHead, which * dHead);
            }
            return p.name().equals("embed.W_E") ? hub.table(tensor, p) : hub.linear(tensor, p);
        }, Llama.BUFFERS);
    }
}
