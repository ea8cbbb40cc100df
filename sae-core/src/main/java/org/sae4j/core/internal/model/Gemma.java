package org.sae4j.core.internal.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Parameter;
import org.sae4j.core.program.Value;

/** Gemma 1, 2 and 3 (text): scaled embedding, gains of 1 + w; from 2 on four norms a block, soft caps and windows. */
final class Gemma implements Family {
    /**
     * What the versions differ in.
     *
     * @param branchNorms whether norms come behind attention and MLP too
     * @param headNorm whether heads of queries and keys are normalized
     * @param scoreScale factor of attention scores
     * @param scoreCap soft cap of attention scores, 0 for none
     * @param logitCap soft cap of logits, 0 for none
     * @param windows positions that each block sees, 0 for all
     * @param angles how each block turns queries and keys
     */
    record Variation(boolean branchNorms, boolean headNorm, double scoreScale, double scoreCap, double logitCap, List<Integer> windows,
            List<Angles> angles) {}

    @Override
    public Set<String> types() {
        return Set.of("gemma", "gemma2", "gemma3_text");
    }

    static Description describe(TransformerConfig config, Variation v) {
        Parts parts = new Parts(config);
        var b = parts.builder();
        // In float32 the scale is exact; other types round it.
        Value x = parts.embedding(Math.sqrt(config.dModel()));
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            Op.Heads heads = new Op.Heads(config.nHeads(), config.nKeyValueHeads(), (float) v.scoreScale(), (float) v.scoreCap(),
                    v.windows().get(layer));
            x = parts.enter(block, x);
            Value attended = parts.attention(block, parts.norm(Parts.Norm.RMS_NORM, block + "ln1", x),
                    Parts.Attention.of(config.dHead(), heads).normed(v.headNorm(), false).rotated(v.angles().get(layer)));
            attended = v.branchNorms() ? parts.norm(Parts.Norm.RMS_NORM, block + "ln1_post", attended) : attended;
            x = b.hook(block + "hook_resid_mid", b.add(x, b.hook(block + "hook_attn_out", attended)));
            Value mlp = parts.gatedMlp(block, parts.norm(Parts.Norm.RMS_NORM, block + "ln2", x), false);
            mlp = v.branchNorms() ? parts.norm(Parts.Norm.RMS_NORM, block + "ln2_post", mlp) : mlp;
            x = b.hook(block + "hook_resid_post", b.add(x, b.hook(block + "hook_mlp_out", mlp)));
        }
        x = parts.leave(x);
        return parts.describe(parts.logits(parts.norm(Parts.Norm.RMS_NORM, "ln_final", x), false, v.logitCap()));
    }

    @Override
    public ModelTensors read(Hub hub) {
        HubConfig json = hub.config();
        String type = json.string("model_type").orElseThrow();
        boolean first = type.equals("gemma");
        boolean third = type.equals("gemma3_text");
        int d = json.required("hidden_size");
        int layers = json.required("num_hidden_layers");
        int context = json.integer(8192, "max_position_embeddings");
        int dHead = json.integer(256, "head_dim");
        json.require("attention_bias", false, "attention with biases");
        json.require("use_bidirectional_attention", false, "attention in both directions");
        json.ignore("hidden_act", "hidden_activation", "query_pre_attn_scalar", "attn_logit_softcapping", "sliding_window",
                "sliding_window_pattern", "_sliding_window_pattern", "rope_local_base_freq");
        // Gemma 1 means the approximation by tanh whatever it says; the others go by hidden_activation.
        String activation = first ? "gelu_pytorch_tanh" : json.string("hidden_activation").orElse("gelu_pytorch_tanh");
        String prefix = hub.prefix("embed_tokens.weight", "model.", "language_model.model.", "");
        boolean tied = hub.tied(true, prefix + "embed_tokens.weight", "lm_head.weight");
        TransformerConfig config = hub.build(TransformerConfig.builder(hub.name()).family(type).layers(layers).dModel(d)
                .heads(json.required("num_attention_heads")).keyValueHeads(json.integer(first ? 16 : 4, "num_key_value_heads")).dHead(dHead)
                .dMlp(json.required("intermediate_size")).nCtx(context).dVocab(json.required("vocab_size"))
                .activation(hub.activation("hidden_activation", activation)).normEps(hub.eps(json.number(1e-6, "rms_norm_eps")))
                .tiedUnembedding(tied));
        double scalar = first ? dHead : json.number(256, "query_pre_attn_scalar");
        boolean second = type.equals("gemma2");
        double scoreCap = second ? json.numberOrNull(50, "attn_logit_softcapping") : 0;
        double logitCap = first ? 0 : json.numberOrNull(second ? 30 : 0, "final_logit_softcapping");
        List<Integer> windows = windows(hub, type, layers);
        Description description = describe(config, new Variation(!first, third, 1 / Math.sqrt(scalar), scoreCap, logitCap, windows,
                angles(json, new Rope(json, dHead, context), windows, third)));
        Map<String, String> names = new HashMap<>(Llama.NAMES);
        if (!first) {
            names.put("ln1_post.w", "post_attention_layernorm.weight");
            names.put("ln2.w", "pre_feedforward_layernorm.weight");
            names.put("ln2_post.w", "post_feedforward_layernorm.weight");
        }
        names.put("embed.W_E", prefix + "embed_tokens.weight");
        names.put("ln_final.w", prefix + "norm.weight");
        names.put("unembed.W_U", "lm_head.weight");
        return hub.read(description, p -> {
            String tensor = Hub.tensor(p, layer -> prefix + "layers." + layer + ".", names);
            return p.name().equals("embed.W_E") ? hub.table(tensor, p) : hub.linear(tensor, p);
        }, Gemma::gain, Llama.BUFFERS);
    }

    /** The files hold gains less 1. */
    private static Function<Tensor, Tensor> gain(Parameter parameter) {
        return parameter.layout() != Parameter.Layout.ROW ? Function.identity() : tensor -> {
            float[] values = tensor.toArray();
            for (int i = 0; i < values.length; i++) {
                values[i] += 1;
            }
            return Tensor.of(values, tensor.shape());
        };
    }

    private static List<Integer> windows(Hub hub, String type, int layers) {
        HubConfig json = hub.config();
        int window = type.equals("gemma") ? 0 : json.integer(4096, "sliding_window");
        int pattern = Math.max(1, json.integer(6, "sliding_window_pattern", "_sliding_window_pattern"));
        return hub.windows(layers, window, layer -> type.equals("gemma2") ? layer % 2 == 0 : (layer + 1) % pattern != 0);
    }

    /** Gemma 3 turns differently where it sees a window: by another base, and without scaling. */
    private static List<Angles> angles(HubConfig json, Rope rope, List<Integer> windows, boolean third) {
        List<Angles> angles = new ArrayList<>();
        if (!third) {
            Angles all = rope.angles(1, "partial_rotary_factor");
            windows.forEach(window -> angles.add(all));
            return angles;
        }
        Optional<JsonFile> scaling = rope.scaling();
        Optional<JsonFile> global = scaling.flatMap(s -> s.object("full_attention"));
        Optional<JsonFile> local = scaling.flatMap(s -> s.object("sliding_attention"));
        boolean nested = global.isPresent() || local.isPresent();
        double theta = json.number(global.flatMap(g -> boxed(g, "rope_theta")).orElse(1e6), "rope_theta");
        double localTheta = json.number(local.flatMap(l -> boxed(l, "rope_theta")).orElse(1e4), "rope_local_base_freq");
        Angles wide = rope.angles("rotary", theta, 1, (nested ? global : scaling).orElse(null));
        Angles near = rope.angles("local rotary", localTheta, 1, local.orElse(null));
        windows.forEach(window -> angles.add(window > 0 ? near : wide));
        return angles;
    }

    private static Optional<Double> boxed(JsonFile json, String key) {
        return json.number(key).isPresent() ? Optional.of(json.number(key).getAsDouble()) : Optional.empty();
    }
}
