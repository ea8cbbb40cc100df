package org.sae4j.core.internal.model;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.program.Description;
import org.sae4j.core.program.Value;

/**
 * TransformerLens' own models, among them its toys: attention alone, SoLU, gated MLPs, blocks in parallel, shortformer and rotary
 * positions, windows, soft caps.
 */
final class Lens {
    /** How positions enter. */
    enum Positions {
        /** Added to the embedding. */
        STANDARD,
        /** Added to what queries and keys are made of (Press et al. 2021). */
        SHORTFORMER,
        /** Queries and keys turn. */
        ROTARY
    }

    /**
     * What the configuration can say.
     *
     * @param norm norms of blocks
     * @param finalNorm the last norm
     * @param positions how positions enter
     * @param rotary the angles of rotary positions
     * @param attnOnly whether blocks have no MLP
     * @param parallel whether attention and MLP read the same residual stream
     * @param gated whether the MLP is gated
     * @param innerNorm whether the MLP normalizes its hidden layer
     * @param scales factor of the scores of each block
     * @param windows positions that each block sees, 0 for all
     * @param scoreCap soft cap of scores, 0 for none
     * @param logitCap soft cap of logits, 0 for none
     */
    record Settings(Parts.Norm norm, Parts.Norm finalNorm, Positions positions, @Nullable Angles rotary, boolean attnOnly,
            boolean parallel, boolean gated, boolean innerNorm, List<Double> scales, List<Integer> windows, double scoreCap,
            double logitCap) {
        /** Whether the model computes what GPT-2 does. */
        boolean isGpt2(TransformerConfig config) {
            float usual = (float) (1 / Math.sqrt(config.dHead()));
            return norm == Parts.Norm.LAYER_NORM_AFTER && finalNorm == norm && positions == Positions.STANDARD && !attnOnly && !parallel
                    && !gated && !innerNorm && config.nKeyValueHeads() == config.nHeads() && scoreCap == 0 && logitCap == 0
                    && scales.stream().allMatch(scale -> scale.floatValue() == usual) && windows.stream().allMatch(window -> window == 0);
        }
    }

    private Lens() {}

    static Description describe(TransformerConfig config, Settings s) {
        Parts parts = new Parts(config);
        var b = parts.builder();
        Value embedded = parts.embedding(1);
        Value positions = s.positions() == Positions.ROTARY ? embedded : parts.learnedPositions();
        Value x = s.positions() == Positions.STANDARD ? b.add(embedded, positions) : embedded;
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            Op.Heads heads = new Op.Heads(config.nHeads(), config.nKeyValueHeads(), s.scales().get(layer).floatValue(),
                    (float) s.scoreCap(), s.windows().get(layer));
            Value before = parts.enter(block, x);
            Value normalized = parts.norm(s.norm(), block + "ln1", before);
            Value placed = s.positions() == Positions.SHORTFORMER ? b.add(normalized, positions) : normalized;
            Value attended = b.hook(block + "hook_attn_out", parts.attention(block, placed, normalized,
                    Parts.Attention.of(config.dHead(), heads).biased(true, true).rotated(s.rotary())));
            if (s.attnOnly()) {
                x = b.hook(block + "hook_resid_post", b.add(before, attended));
                continue;
            }
            Value middle = s.parallel() ? before : b.hook(block + "hook_resid_mid", b.add(before, attended));
            Value mlp = b.hook(block + "hook_mlp_out", mlp(parts, block, parts.norm(s.norm(), block + "ln2", middle), s));
            x = b.hook(block + "hook_resid_post", s.parallel() ? b.add(b.add(before, attended), mlp) : b.add(middle, mlp));
        }
        x = parts.leave(x);
        return parts.describe(parts.logits(parts.norm(s.finalNorm(), "ln_final", x), true, s.logitCap()));
    }

    private static Value mlp(Parts parts, String block, Value x, Settings s) {
        return s.gated() ? parts.lensGatedMlp(block, x) : s.innerNorm() ? parts.normedMlp(block, x, s.norm()) : parts.mlp(block, x, true);
    }
}
