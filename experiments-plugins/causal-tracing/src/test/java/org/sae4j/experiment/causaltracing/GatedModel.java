package org.sae4j.experiment.causaltracing;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Parameter;
import org.sae4j.core.program.Parameter.Layout;
import org.sae4j.core.program.Value;

/** A model like Llama, without positions: RMSNorm, gated MLPs, no biases; several heads may share keys and values. */
public final class GatedModel {
    private GatedModel() {}

    /** {@return the model of a configuration} */
    public static Description describe(TransformerConfig config) {
        FormBuilder b = new FormBuilder("v");
        int d = config.dModel();
        int heads = config.nHeads();
        List<String> entries = new ArrayList<>();
        List<HookPoint> cache = new ArrayList<>();
        Value x = b.hook("hook_embed", b.gather(b.indices(Description.TOKENS, Dim.ROWS), b.matrix("embed.W_E", config.dVocab(), d)));
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            x = b.hook(block + "hook_resid_pre", x);
            entries.add(x.name());
            Value n = norm(b, block + "ln1", x, d, config.normEps());
            List<Value> qkv = new ArrayList<>();
            for (String letter : List.of("Q", "K", "V")) {
                int own = letter.equals("Q") ? heads : config.nKeyValueHeads();
                Value w = b.weight(new Parameter(block + "attn.W_" + letter, Layout.HEADS_IN_COLUMNS, d, own * config.dHead(), own));
                qkv.add(b.hook(block + "attn.hook_" + letter.toLowerCase(Locale.ROOT), own, b.product(n, w, null)));
            }
            cache.add(HookPoint.parse(qkv.get(1).name()).orElseThrow());
            cache.add(HookPoint.parse(qkv.get(2).name()).orElseThrow());
            Value z = b.hook(block + "attn.hook_z", heads, b.attention(qkv.get(0), qkv.get(1), qkv.get(2),
                    new Op.Heads(heads, config.nKeyValueHeads(), (float) (1 / Math.sqrt(config.dHead())), 0, 0),
                    block + "attn.hook_attn_scores", block + "attn.hook_pattern"));
            Value attended = b.product(z, b.weight(new Parameter(block + "attn.W_O", Layout.HEADS_IN_ROWS, d, d, heads)), null);
            x = b.hook(block + "hook_resid_mid", b.add(x, b.hook(block + "hook_attn_out", attended)));
            n = norm(b, block + "ln2", x, d, config.normEps());
            Value gate = b.product(n, b.matrix(block + "mlp.W_gate", d, config.dMlp()), null, Op.Function.SILU, block + "mlp.hook_pre");
            Value linear = b.hook(block + "mlp.hook_pre_linear", b.product(n, b.matrix(block + "mlp.W_in", d, config.dMlp()), null));
            Value post = b.hook(block + "mlp.hook_post", b.multiply(gate, linear));
            Value out = b.hook(block + "hook_mlp_out", b.product(post, b.matrix(block + "mlp.W_out", config.dMlp(), d), null));
            x = b.hook(block + "hook_resid_post", b.add(x, out));
        }
        x = b.copy("residual stream after all blocks", x);
        entries.add(x.name());
        Value all = b.hook("unembed.hook_in", norm(b, "ln_final", x, d, config.normEps()));
        Value rows = b.inner(Description.PICKED_ROWS, b.gather(b.indices(Description.LOGIT_ROWS, Dim.PICKED), all));
        Value logits = b.hook(HookPoint.LOGITS.toString(),
                b.hook("unembed.hook_out", b.product(rows, b.matrix("unembed.W_U", d, config.dVocab()), null)));
        return new Description(config, b.build(logits), b.parameters(), entries, cache, Map.of());
    }

    private static Value norm(FormBuilder b, String name, Value x, int width, float eps) {
        return b.rmsNorm(x, b.row(name + ".w", width), 0, eps, name + ".hook_scale", name + ".hook_normalized");
    }

    /** {@return random parameters of it} */
    public static Map<String, Tensor> parameters(Description description) {
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        description.parameters().forEach((name, parameter) -> {
            CounterRandom random = new CounterRandom(3).stream(name);
            float[] values = new float[IntStream.of(parameter.shape()).reduce(1, Math::multiplyExact)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) ((name.startsWith("embed") || name.endsWith(".w") ? 1 : 0.4) * random.nextGaussian());
            }
            parameters.put(name, Tensor.of(values, parameter.shape()));
        });
        return parameters;
    }
}
