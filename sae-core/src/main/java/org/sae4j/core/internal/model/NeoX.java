package org.sae4j.core.internal.model;

import java.util.Map;
import java.util.Set;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Value;

/** GPT-NeoX and Pythia: LayerNorm, attention and MLP in parallel or one after the other, a part of each head turns. */
final class NeoX implements Family {
    private static final Map<String, String> NAMES = Map.ofEntries(Map.entry("attn.W_Q", "attention.query_key_value.weight"),
            Map.entry("attn.b_Q", "attention.query_key_value.bias"),
            Map.entry("attn.W_K", "attention.query_key_value.weight"),
            Map.entry("attn.b_K", "attention.query_key_value.bias"),
            Map.entry("attn.W_V", "attention.query_key_value.weight"),
            Map.entry("attn.b_V", "attention.query_key_value.bias"),
            Map.entry("attn.W_O", "attention.dense.weight"),
            Map.entry("attn.b_O", "attention.dense.bias"), Map.entry("mlp.W_in", "mlp.dense_h_to_4h.weight"),
            Map.entry("mlp.b_in", "mlp.dense_h_to_4h.bias"), Map.entry("mlp.W_out", "mlp.dense_4h_to_h.weight"),
            Map.entry("mlp.b_out", "mlp.dense_4h_to_h.bias"), Map.entry("ln1.w", "input_layernorm.weight"),
            Map.entry("ln1.b", "input_layernorm.bias"), Map.entry("ln2.w", "post_attention_layernorm.weight"),
            Map.entry("ln2.b", "post_attention_layernorm.bias"), Map.entry("embed.W_E", "gpt_neox.embed_in.weight"),
            Map.entry("ln_final.w", "gpt_neox.final_layer_norm.weight"), Map.entry("ln_final.b", "gpt_neox.final_layer_norm.bias"),
            Map.entry("unembed.W_U", "embed_out.weight"));

    @Override
    public Set<String> types() {
        return Set.of("gpt_neox");
    }

    static Description describe(TransformerConfig config, Angles rotary, boolean parallel, boolean biased) {
        Parts parts = new Parts(config);
        var b = parts.builder();
        Op.Heads heads = Op.Heads.of(config.nHeads(), config.dHead());
        Value x = parts.embedding(1);
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            Value before = parts.enter(block, x);
            Value attended = b.hook(block + "hook_attn_out", parts.attention(block, parts.norm(Parts.Norm.LAYER_NORM, block + "ln1", before),
                    Parts.Attention.of(config.dHead(), heads).biased(biased, biased).rotated(rotary)));
            Value middle = parallel ? before : b.hook(block + "hook_resid_mid", b.add(before, attended));
            Value mlp = b.hook(block + "hook_mlp_out", parts.mlp(block, parts.norm(Parts.Norm.LAYER_NORM, block + "ln2", middle), true));
            x = b.hook(block + "hook_resid_post", parallel ? b.add(b.add(before, attended), mlp) : b.add(middle, mlp));
        }
        x = parts.leave(x);
        return parts.describe(parts.logits(parts.norm(Parts.Norm.LAYER_NORM, "ln_final", x), false, 0));
    }

    @Override
    public ModelTensors read(Hub hub) {
        HubConfig json = hub.config();
        int d = json.required("hidden_size");
        int heads = json.required("num_attention_heads");
        int context = json.integer(2048, "max_position_embeddings");
        int dHead = Math.max(1, d / Math.max(1, heads));
        boolean tied = hub.tied(false, "gpt_neox.embed_in.weight", "embed_out.weight");
        TransformerConfig config = hub.build(TransformerConfig.builder(hub.name()).family("gpt_neox")
                .layers(json.required("num_hidden_layers")).dModel(d).heads(heads).dHead(dHead).dMlp(json.required("intermediate_size"))
                .nCtx(context).dVocab(json.required("vocab_size"))
                .activation(hub.activation("hidden_act", json.string("hidden_act").orElse("gelu")))
                .normEps(hub.eps(json.number(1e-5, "layer_norm_eps"))).tiedUnembedding(tied));
        Description description = describe(config, new Rope(json, dHead, context).angles(0.25, "rotary_pct", "partial_rotary_factor"),
                json.flag("use_parallel_residual", true), json.flag("attention_bias", true));
        return hub.read(description, p -> {
            String tensor = Hub.tensor(p, layer -> "gpt_neox.layers." + layer + ".", NAMES);
            if (tensor.contains("query_key_value")) {
                return hub.fused(tensor, p, heads, 3 * dHead, Hub.queryKeyOrValue(p) * dHead);
            }
            return p.name().equals("embed.W_E") ? hub.table(tensor, p) : hub.linear(tensor, p);
        }, name -> name.matches(".*attention\\.(bias|masked_bias|rotary_emb\\.inv_freq)"));
    }
}
