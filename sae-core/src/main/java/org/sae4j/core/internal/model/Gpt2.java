package org.sae4j.core.internal.model;

import java.util.function.IntToDoubleFunction;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Value;

/** GPT-2 (Radford et al. 2019): learned positions, LayerNorm before attention and before the MLP, biases everywhere. */
public final class Gpt2 {
    private Gpt2() {}

    /**
     * A model whose scores are divided by {@code sqrt(d_head)}.
     *
     * @param config its dimensions
     * @return its description
     */
    public static Description describe(TransformerConfig config) {
        return describe(config, layer -> 1 / Math.sqrt(config.dHead()));
    }

    /**
     * A model with other scales of attention.
     *
     * @param config its dimensions
     * @param scale factor of the scores of each block
     * @return its description
     */
    public static Description describe(TransformerConfig config, IntToDoubleFunction scale) {
        Parts parts = new Parts(config);
        var b = parts.builder();
        Value x = b.add(parts.embedding(1), parts.learnedPositions());
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            Op.Heads heads = new Op.Heads(config.nHeads(), config.nHeads(), (float) scale.applyAsDouble(layer), 0, 0);
            x = parts.enter(block, x);
            Value attended = parts.attention(block, parts.norm(Parts.Norm.LAYER_NORM_AFTER, block + "ln1", x),
                    Parts.Attention.of(config.dHead(), heads).biased(true, true));
            x = b.hook(block + "hook_resid_mid", b.add(x, b.hook(block + "hook_attn_out", attended)));
            Value mlp = parts.mlp(block, parts.norm(Parts.Norm.LAYER_NORM_AFTER, block + "ln2", x), true);
            x = b.hook(block + "hook_resid_post", b.add(x, b.hook(block + "hook_mlp_out", mlp)));
        }
        x = parts.leave(x);
        return parts.describe(parts.logits(parts.norm(Parts.Norm.LAYER_NORM_AFTER, "ln_final", x), true, 0));
    }
}
