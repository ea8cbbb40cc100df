package org.sae4j.core.internal.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Value;

/** GPT-Neo: as GPT-2, but scores are not scaled, queries, keys and values have no biases, and some blocks see a window. */
final class GptNeo implements Family {
    private static final Map<String, String> NAMES = Map.ofEntries(Map.entry("attn.W_Q", "attn.attention.q_proj.weight"),
            Map.entry("attn.W_K", "attn.attention.k_proj.weight"), Map.entry("attn.W_V", "attn.attention.v_proj.weight"),
            Map.entry("attn.W_O", "attn.attention.out_proj.weight"), Map.entry("attn.b_O", "attn.attention.out_proj.bias"),
            Map.entry("mlp.W_in", "mlp.c_fc.weight"), Map.entry("mlp.b_in", "mlp.c_fc.bias"), Map.entry("mlp.W_out", "mlp.c_proj.weight"),
            Map.entry("mlp.b_out", "mlp.c_proj.bias"), Map.entry("ln1.w", "ln_1.weight"), Map.entry("ln1.b", "ln_1.bias"),
            Map.entry("ln2.w", "ln_2.weight"), Map.entry("ln2.b", "ln_2.bias"), Map.entry("embed.W_E", "transformer.wte.weight"),
            Map.entry("pos_embed.W_pos", "transformer.wpe.weight"), Map.entry("ln_final.w", "transformer.ln_f.weight"),
            Map.entry("ln_final.b", "transformer.ln_f.bias"), Map.entry("unembed.W_U", "lm_head.weight"));

    @Override
    public Set<String> types() {
        return Set.of("gpt_neo");
    }

    static Description describe(TransformerConfig config, List<Integer> windows) {
        Parts parts = new Parts(config);
        var b = parts.builder();
        Value x = b.add(parts.embedding(1), parts.learnedPositions());
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            Op.Heads heads = new Op.Heads(config.nHeads(), config.nHeads(), 1, 0, windows.get(layer));
            x = parts.enter(block, x);
            Value attended = parts.attention(block, parts.norm(Parts.Norm.LAYER_NORM, block + "ln1", x),
                    Parts.Attention.of(config.dHead(), heads).biased(false, true));
            x = b.hook(block + "hook_resid_mid", b.add(x, b.hook(block + "hook_attn_out", attended)));
            Value mlp = parts.mlp(block, parts.norm(Parts.Norm.LAYER_NORM, block + "ln2", x), true);
            x = b.hook(block + "hook_resid_post", b.add(x, b.hook(block + "hook_mlp_out", mlp)));
        }
        x = parts.leave(x);
        return parts.describe(parts.logits(parts.norm(Parts.Norm.LAYER_NORM, "ln_final", x), false, 0));
    }

    @Override
    public ModelTensors read(Hub hub) {
        HubConfig json = hub.config();
        int d = json.required("hidden_size");
        int heads = json.required("num_heads", "num_attention_heads");
        int layers = json.required("num_layers", "num_hidden_layers");
        boolean tied = hub.tied(true, "transformer.wte.weight", "lm_head.weight");
        TransformerConfig config = hub.build(TransformerConfig.builder(hub.name()).family("gpt_neo").layers(layers).dModel(d).heads(heads)
                .dHead(Math.max(1, d / Math.max(1, heads))).dMlp(json.integer(4 * d, "intermediate_size"))
                .nCtx(json.integer(2048, "max_position_embeddings")).dVocab(json.required("vocab_size"))
                .activation(hub.activation("activation_function", json.string("activation_function").orElse("gelu_new")))
                .normEps(hub.eps(json.number(1e-5, "layer_norm_epsilon"))).tiedUnembedding(tied));
        Description description = describe(config, windows(json, layers));
        return hub.read(description, p -> {
            String tensor = Hub.tensor(p, layer -> "transformer.h." + layer + ".", NAMES);
            return p.name().startsWith("embed.") || p.name().startsWith("pos_embed.") ? hub.table(tensor, p) : hub.linear(tensor, p);
        }, name -> name.matches(".*attn\\.attention\\.(bias|masked_bias)"));
    }

    private static List<Integer> windows(HubConfig json, int layers) {
        int window = json.integer(256, "window_size");
        List<String> kinds = new ArrayList<>();
        JsonNode listed = json.value("attention_layers");
        JsonNode grouped = json.value("attention_types");
        if (listed != null && listed.isArray()) {
            listed.forEach(kind -> kinds.add(kind.asString("")));
        } else if (grouped != null && grouped.isArray()) {
            // Pairs of kinds and how often they come one after the other.
            for (JsonNode pair : grouped) {
                long times = pair.get(1).asLong(0);
                for (long i = 0; i < times && kinds.size() < layers; i++) {
                    pair.get(0).forEach(kind -> kinds.add(kind.asString("")));
                }
            }
        } else {
            for (int layer = 0; layer < layers; layer++) {
                kinds.add(layer % 2 == 0 ? "global" : "local");
            }
        }
        if (kinds.size() != layers || !Set.of("global", "local").containsAll(kinds)) {
            throw new FormatException("expected \"global\" or \"local\" for each of " + layers + " blocks, found " + kinds,
                    json.json().at("attention_layers"), "correct the config");
        }
        return kinds.stream().map(kind -> kind.equals("local") ? window : 0).toList();
    }
}
