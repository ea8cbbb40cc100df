package org.sae4j.core.internal.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Value;

/** Llama and its kin, Mistral, Qwen 2, Qwen 3 and OLMo 2: RMSNorm, rotary positions, groups of heads, a gated MLP. */
final class Llama implements Family {
    static final Predicate<String> BUFFERS = name -> name.endsWith("rotary_emb.inv_freq") || name.endsWith(".masked_bias");
    static final Map<String, String> NAMES = names();

    /**
     * What the kin differ in.
     *
     * @param queryBias whether queries, keys and values have biases
     * @param outBias whether attention's output has one
     * @param mlpBias whether the MLP has biases
     * @param headNorm whether heads of queries and keys are normalized
     * @param postNorm whether norms come behind attention and MLP instead of before, and queries and keys are normalized whole
     * @param windows positions that each block sees, 0 for all
     */
    record Variation(boolean queryBias, boolean outBias, boolean mlpBias, boolean headNorm, boolean postNorm, List<Integer> windows) {}

    private static Map<String, String> names() {
        Map<String, String> names = new HashMap<>();
        for (String letter : List.of("Q", "K", "V", "O")) {
            String module = "self_attn." + letter.toLowerCase(java.util.Locale.ROOT) + "_proj.";
            names.put("attn.W_" + letter, module + "weight");
            names.put("attn.b_" + letter, module + "bias");
        }
        Map.of("gate", "gate_proj", "in", "up_proj", "out", "down_proj").forEach((part, module) -> {
            names.put("mlp.W_" + part, "mlp." + module + ".weight");
            names.put("mlp.b_" + part, "mlp." + module + ".bias");
        });
        names.put("attn.q_norm.w", "self_attn.q_norm.weight");
        names.put("attn.k_norm.w", "self_attn.k_norm.weight");
        names.put("ln1.w", "input_layernorm.weight");
        names.put("ln2.w", "post_attention_layernorm.weight");
        return Map.copyOf(names);
    }

    @Override
    public Set<String> types() {
        return Set.of("llama", "mistral", "qwen2", "qwen3", "olmo2");
    }

    static Description describe(TransformerConfig config, @Nullable Angles rotary, Variation variation) {
        Parts parts = new Parts(config);
        var b = parts.builder();
        Value x = parts.embedding(1);
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            Op.Heads heads = new Op.Heads(config.nHeads(), config.nKeyValueHeads(), (float) (1 / Math.sqrt(config.dHead())), 0,
                    variation.windows().get(layer));
            Parts.Attention attention = Parts.Attention.of(config.dHead(), heads).biased(variation.queryBias(), variation.outBias())
                    .normed(variation.headNorm(), variation.postNorm()).rotated(rotary);
            x = parts.enter(block, x);
            Value attended = variation.postNorm()
                    ? parts.norm(Parts.Norm.RMS_NORM, block + "ln1", parts.attention(block, x, attention))
                    : parts.attention(block, parts.norm(Parts.Norm.RMS_NORM, block + "ln1", x), attention);
            x = b.hook(block + "hook_resid_mid", b.add(x, b.hook(block + "hook_attn_out", attended)));
            Value mlp = variation.postNorm()
                    ? parts.norm(Parts.Norm.RMS_NORM, block + "ln2", parts.gatedMlp(block, x, variation.mlpBias()))
                    : parts.gatedMlp(block, parts.norm(Parts.Norm.RMS_NORM, block + "ln2", x), variation.mlpBias());
            x = b.hook(block + "hook_resid_post", b.add(x, b.hook(block + "hook_mlp_out", mlp)));
        }
        x = parts.leave(x);
        return parts.describe(parts.logits(parts.norm(Parts.Norm.RMS_NORM, "ln_final", x), false, 0));
    }

    @Override
    public ModelTensors read(Hub hub) {
        HubConfig json = hub.config();
        String type = json.string("model_type").orElseThrow();
        int d = json.required("hidden_size");
        int heads = json.required("num_attention_heads");
        int layers = json.required("num_hidden_layers");
        int context = json.integer(2048, "max_position_embeddings");
        int dHead = json.integer(type.equals("qwen3") ? 128 : Math.max(1, d / Math.max(1, heads)), "head_dim");
        String prefix = hub.prefix("embed_tokens.weight", "model.", "");
        boolean tied = hub.tied(false, prefix + "embed_tokens.weight", "lm_head.weight");
        TransformerConfig config = hub.build(TransformerConfig.builder(hub.name()).family(type).layers(layers).dModel(d).heads(heads)
                .keyValueHeads(json.integerOrNull(type.equals("mistral") ? 8 : heads, heads, "num_key_value_heads")).dHead(dHead)
                .dMlp(json.required("intermediate_size")).nCtx(context).dVocab(json.required("vocab_size"))
                .activation(hub.activation("hidden_act", json.string("hidden_act").orElse("silu")))
                .normEps(hub.eps(json.number(type.equals("olmo2") ? 1e-5 : 1e-6, "rms_norm_eps"))).tiedUnembedding(tied));
        boolean bias = json.flag("attention_bias", false);
        Variation variation = new Variation(type.equals("qwen2") || bias, !type.equals("qwen2") && bias,
                type.equals("llama") && json.flag("mlp_bias", false), type.equals("qwen3"), type.equals("olmo2"),
                windows(hub, type, layers));
        Description description = describe(config, new Rope(json, dHead, context).angles(1, "partial_rotary_factor"), variation);
        Map<String, String> names = new HashMap<>(NAMES);
        if (variation.postNorm()) {
            names.put("ln1.w", "post_attention_layernorm.weight");
            names.put("ln2.w", "post_feedforward_layernorm.weight");
        }
        names.put("embed.W_E", prefix + "embed_tokens.weight");
        names.put("ln_final.w", prefix + "norm.weight");
        names.put("unembed.W_U", "lm_head.weight");
        return hub.read(description, p -> {
            String tensor = Hub.tensor(p, layer -> prefix + "layers." + layer + ".", names);
            return p.name().equals("embed.W_E") ? hub.table(tensor, p) : hub.linear(tensor, p);
        }, BUFFERS);
    }

    /** Positions that each block sees, 0 for all. */
    private static List<Integer> windows(Hub hub, String type, int layers) {
        HubConfig json = hub.config();
        json.ignore("max_window_layers", "use_sliding_window", "sliding_window");
        int window = switch (type) {
            case "mistral" -> json.integerOrNull(4096, 0, "sliding_window");
            case "qwen2", "qwen3" -> json.flag("use_sliding_window", false) ? json.integerOrNull(4096, 0, "sliding_window") : 0;
            default -> 0;
        };
        int from = type.startsWith("qwen") ? json.integer(28, "max_window_layers") : 0;
        return hub.windows(layers, window, layer -> layer >= from);
    }
}
