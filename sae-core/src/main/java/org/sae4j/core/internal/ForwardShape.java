package org.sae4j.core.internal;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.TransformerConfig;

/**
 * Everything of a forward pass that decides which program computes it: equal shapes run the same program with other numbers.
 *
 * @param batch number of rows of tokens
 * @param length tokens in a row
 * @param captures the hook points to read
 * @param edits the edits that can have an effect on them, in their order
 * @param prefix number of positions before those of the tokens
 * @param prefixRows rows of keys and values of these positions: 1 if they are the same for all rows of tokens, else {@code batch}
 * @param startLayer the block to run first, with a residual stream as input, or -1 to start from the tokens
 * @param logitPositions the positions whose logits are computed, from 0, or empty for all
 */
record ForwardShape(int batch, int length, Set<HookPoint> captures, List<EditShape> edits, int prefix, int prefixRows, int startLayer,
        Optional<List<Integer>> logitPositions) {
    /**
     * One edit's part in the program.
     *
     * @param hook where
     * @param mode how
     * @param capacity number of rows that can be named; unused ones are skipped
     */
    record EditShape(HookPoint hook, ForwardPlan.Mode mode, int capacity) {}

    private static final int SITES = HookPoint.Site.values().length;

    /** The place of a hook point in the order of the computation. */
    static int order(TransformerConfig config, HookPoint hook) {
        if (hook.site().inBlock()) {
            return blockOrder(hook.layer()) + hook.site().ordinal();
        }
        return switch (hook.site()) {
            case EMBED, POS_EMBED -> hook.site().ordinal();
            default -> blockOrder(config.nLayers()) + hook.site().ordinal();
        };
    }

    /** A place before all hook points of a block and after all before it. */
    static int blockOrder(int layer) {
        return SITES * (layer + 1);
    }

    /** The place of the last capture, where the computation may end. */
    int last(TransformerConfig config) {
        return captures.stream().mapToInt(hook -> order(config, hook)).max().orElseThrow();
    }

    /** {@return whether a block's attention is computed} */
    boolean attends(TransformerConfig config, int layer) {
        return layer >= startLayer && order(config, new HookPoint(HookPoint.Site.Z, layer)) <= last(config);
    }

    /** {@return the number of rows that most hook points have} */
    int rows() {
        return batch * length;
    }

    /** {@return the number of rows that the logits have} */
    int logitRows() {
        return batch * logitPositions.map(List::size).orElse(length);
    }
}
