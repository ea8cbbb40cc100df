package org.sae4j.core.internal.model;

import java.util.Map;
import java.util.Set;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Value;

/** Phi 1, 1.5 and 2: attention and MLP in parallel behind one LayerNorm, a part of each head turns, biases everywhere. */
final class Phi implements Family {
    private static final Map<String, String> NAMES = Map.ofEntries(Map.entry("attn.W_Q", "self_attn.q_proj.weight"),
            Map.entry("attn.W_K", "self_attn.k_proj.weight"), Map.entry("attn.W_V", "self_attn.v_proj.weight"),
            Map.entry("attn.b_Q", "self_attn.q_proj.bias"), Map.entry("attn.b_K", "self_attn.k_proj.bias"),
            Map.entry("attn.b_V", "self_attn.v_proj.bias"), Map.entry("attn.W_O", "self_attn.dense.weight"),
            Map.entry("attn.b_O", "self_attn.dense.bias"), Map.entry("mlp.W_in", "mlp.fc1.weight"), Map.entry("mlp.b_in", "mlp.fc1.bias"),
            Map.entry("mlp.W_out", "mlp.fc2.weight"), Map.entry("mlp.b_out", "mlp.fc2.bias"), Map.entry("ln1.w", "input_layernorm.weight"),
            Map.entry("ln1.b", "input_layernorm.bias"), Map.entry("embed.W_E", "model.embed_tokens.weight"),
            Map.entry("ln_final.w", "model.final_layernorm.weight"), Map.entry("ln_final.b", "model.final_layernorm.bias"),
            Map.entry("unembed.W_U", "lm_head.weight"), Map.entry("unembed.b_U", "lm_head.bias"));

    @Override
    public Set<String> types() {
        return Set.of("phi");
    }

    static Description describe(TransformerConfig config, Angles rotary) {
        Parts parts = new Parts(config);
        var b = parts.builder();
        Op.Heads heads = new Op.Heads(config.nHeads(), config.nKeyValueHeads(), (float) (1 / Math.sqrt(config.dHead())), 0, 0);
        Value x = parts.embedding(1);
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            Value before = parts.enter(block, x);
            Value attended = b.hook(block + "hook_attn_out", parts.attention(block, parts.norm(Parts.Norm.LAYER_NORM, block + "ln1", before),
                    Parts.Attention.of(config.dHead(), heads).biased(true, true).rotated(rotary)));
            // TransformerLens has hook points of a second norm, with the weights of the first.
            Value normalized = parts.norm(Parts.Norm.LAYER_NORM, block + "ln2", block + "ln1", before);
            Value mlp = b.hook(block + "hook_mlp_out", parts.mlp(block, normalized, true));
            x = b.hook(block + "hook_resid_post", b.add(b.add(before, attended), mlp));
        }
        x = parts.leave(x);
        return parts.describe(parts.logits(parts.norm(Parts.Norm.LAYER_NORM, "ln_final", x), true, 0));
    }

    @Override
    public ModelTensors read(Hub hub) {
        HubConfig json = hub.config();
        int d = json.required("hidden_size");
        int heads = json.required("num_attention_heads");
        int context = json.integer(2048, "max_position_embeddings");
        int dHead = json.integer(Math.max(1, d / Math.max(1, heads)), "head_dim");
        json.require("qk_layernorm", false, "Phi with norms of queries and keys");
        boolean tied = hub.tied(false, "model.embed_tokens.weight", "lm_head.weight");
        TransformerConfig config = hub.build(TransformerConfig.builder(hub.name()).family("phi").layers(json.required("num_hidden_layers"))
                .dModel(d).heads(heads).keyValueHeads(json.integer(heads, "num_key_value_heads")).dHead(dHead)
                .dMlp(json.required("intermediate_size")).nCtx(context).dVocab(json.required("vocab_size"))
                .activation(hub.activation("hidden_act", json.string("hidden_act").orElse("gelu_new")))
                .normEps(hub.eps(json.number(1e-5, "layer_norm_eps"))).tiedUnembedding(tied));
        Description description = describe(config, new Rope(json, dHead, context).angles(0.5, "partial_rotary_factor"));
        return hub.read(description, p -> {
            String tensor = Hub.tensor(p, layer -> "model.layers." + layer + ".", NAMES);
            return p.name().equals("embed.W_E") ? hub.table(tensor, p) : hub.linear(tensor, p);
        }, Llama.BUFFERS);
    }
}
