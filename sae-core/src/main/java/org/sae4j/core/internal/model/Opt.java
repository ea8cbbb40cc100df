package org.sae4j.core.internal.model;

import java.util.Map;
import java.util.Set;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Value;

/** OPT: as GPT-2 with ReLU; positions begin at the third row of their table. */
final class Opt implements Family {
    /** Rows of the table of positions that no position has. */
    private static final int OFFSET = 2;
    private static final Map<String, String> NAMES = Map.ofEntries(Map.entry("attn.W_Q", "self_attn.q_proj.weight"),
            Map.entry("attn.W_K", "self_attn.k_proj.weight"), Map.entry("attn.W_V", "self_attn.v_proj.weight"),
            Map.entry("attn.b_Q", "self_attn.q_proj.bias"), Map.entry("attn.b_K", "self_attn.k_proj.bias"),
            Map.entry("attn.b_V", "self_attn.v_proj.bias"), Map.entry("attn.W_O", "self_attn.out_proj.weight"),
            Map.entry("attn.b_O", "self_attn.out_proj.bias"), Map.entry("mlp.W_in", "fc1.weight"), Map.entry("mlp.b_in", "fc1.bias"),
            Map.entry("mlp.W_out", "fc2.weight"), Map.entry("mlp.b_out", "fc2.bias"), Map.entry("ln1.w", "self_attn_layer_norm.weight"),
            Map.entry("ln1.b", "self_attn_layer_norm.bias"), Map.entry("ln2.w", "final_layer_norm.weight"),
            Map.entry("ln2.b", "final_layer_norm.bias"));

    @Override
    public Set<String> types() {
        return Set.of("opt");
    }

    static Description describe(TransformerConfig config, boolean biased) {
        Parts parts = new Parts(config);
        var b = parts.builder();
        Op.Heads heads = Op.Heads.of(config.nHeads(), config.dHead());
        Value x = b.add(parts.embedding(1), parts.learnedPositions());
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            x = parts.enter(block, x);
            Value attended = parts.attention(block, parts.norm(Parts.Norm.LAYER_NORM, block + "ln1", x),
                    Parts.Attention.of(config.dHead(), heads).biased(biased, biased));
            x = b.hook(block + "hook_resid_mid", b.add(x, b.hook(block + "hook_attn_out", attended)));
            Value mlp = parts.mlp(block, parts.norm(Parts.Norm.LAYER_NORM, block + "ln2", x), biased);
            x = b.hook(block + "hook_resid_post", b.add(x, b.hook(block + "hook_mlp_out", mlp)));
        }
        x = parts.leave(x);
        return parts.describe(parts.logits(parts.norm(Parts.Norm.LAYER_NORM, "ln_final", x), false, 0));
    }

    @Override
    public ModelTensors read(Hub hub) {
        HubConfig json = hub.config();
        int d = json.required("hidden_size");
        int heads = json.required("num_attention_heads");
        json.require("do_layer_norm_before", true, "OPT with norms behind attention and MLP (opt-350m)");
        json.require("layer_norm_elementwise_affine", true, "LayerNorm without weights");
        if (json.integer(d, "word_embed_proj_dim") != d) {
            throw new FormatException("an embedding of another width than the model's is not supported",
                    json.json().at("word_embed_proj_dim"), "use another OPT than opt-350m");
        }
        String prefix = hub.prefix("embed_tokens.weight", "model.decoder.", "decoder.");
        boolean tied = hub.tied(true, prefix + "embed_tokens.weight", "lm_head.weight");
        TransformerConfig config = hub.build(TransformerConfig.builder(hub.name()).family("opt").layers(json.required("num_hidden_layers"))
                .dModel(d).heads(heads).dHead(Math.max(1, d / Math.max(1, heads))).dMlp(json.required("ffn_dim"))
                .nCtx(json.integer(2048, "max_position_embeddings")).dVocab(json.required("vocab_size"))
                .activation(hub.activation("activation_function", json.string("activation_function").orElse("relu")))
                .normEps(1e-5f).tiedUnembedding(tied));
        Description description = describe(config, json.flag("enable_bias", true));
        return hub.read(description, p -> switch (p.name()) {
            case "embed.W_E" -> hub.table(prefix + "embed_tokens.weight", p);
            case "pos_embed.W_pos" -> hub.stored(prefix + "embed_positions.weight", p.rows() + OFFSET, p.cols())
                    .narrowed(0, OFFSET, p.rows());
            case "ln_final.w" -> hub.linear(prefix + "final_layer_norm.weight", p);
            case "ln_final.b" -> hub.linear(prefix + "final_layer_norm.bias", p);
            case "unembed.W_U" -> hub.linear("lm_head.weight", p);
            default -> hub.linear(Hub.tensor(p, layer -> prefix + "layers." + layer + ".", NAMES), p);
        }, name -> false);
    }
}
