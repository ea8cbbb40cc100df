package org.sae4j.core.internal.model;

import java.util.Map;
import java.util.Set;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Value;

/** Falcon 7B and its kin: one head of keys and values, or one for each; attention and MLP behind one norm, or one after the other. */
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

    static Description describe(TransformerConfig config, Angles rotary, boolean parallel, boolean biased) {
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
            Value normalized = parts.norm(Parts.Norm.LAYER_NORM, block + "ln2", block + (parallel ? "ln1" : "ln2"), middle);
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
        json.require("new_decoder_architecture", false, "Falcon 40B's architecture");
        json.require("alibi", false, "ALiBi");
        json.ignore("num_kv_heads", "n_head_kv", "num_ln_in_parallel_attn");
        boolean shared = json.flag("multi_query", true);
        int keyHeads = shared ? 1 : heads;
        boolean tied = hub.tied(true, "transformer.word_embeddings.weight", "lm_head.weight");
        TransformerConfig config = hub.build(TransformerConfig.builder(hub.name()).family("falcon")
                .layers(json.required("num_hidden_layers", "n_layer")).dModel(d).heads(heads).keyValueHeads(keyHeads).dHead(dHead)
                .dMlp(json.integer(4 * d, "ffn_hidden_size")).nCtx(context).dVocab(json.required("vocab_size"))
                .activation(hub.activation("activation", json.string("activation").orElse("gelu")))
                .normEps(hub.eps(json.number(1e-5, "layer_norm_epsilon"))).tiedUnembedding(tied));
        Description description = describe(config, new Rope(json, dHead, context).angles(1, "partial_rotary_factor"),
                json.flag("parallel_attn", true), json.flag("bias", false));
        return hub.read(description, p -> {
            String tensor = Hub.tensor(p, layer -> "transformer.h." + layer + ".", NAMES);
            if (tensor.contains("query_key_value")) {
                int which = Hub.queryKeyOrValue(p);
                return shared ? hub.fused(tensor, p, 1, (heads + 2) * dHead, which == 0 ? 0 : (heads + which - 1) * dHead)
                        : hub.fused(tensor, p, heads, 3 * dHead, which * dHead);
            }
            return p.name().equals("embed.W_E") ? hub.table(tensor, p) : hub.linear(tensor, p);
        }, Llama.BUFFERS);
    }
}
