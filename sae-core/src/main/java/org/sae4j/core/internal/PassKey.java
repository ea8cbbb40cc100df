package org.sae4j.core.internal;

import java.util.List;
import java.util.Set;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;

/**
 * Everything of a forward pass that decides its form: equal keys have the same operations, whatever the numbers and their counts.
 *
 * @param captures the hook points to read
 * @param edits the edits, in their order
 * @param startLayer the block to run first, with a residual stream as input, or -1 to start from the tokens
 * @param continued whether other positions come before those of the tokens
 * @param picked whether logits are wanted of some rows only
 */
record PassKey(Set<HookPoint> captures, List<Edit> edits, int startLayer, boolean continued, boolean picked) {
    /**
     * One edit's part in the form.
     *
     * @param hook where
     * @param mode how
     * @param capacity number of rows that can be named; unused ones are skipped
     */
    record Edit(HookPoint hook, ForwardPlan.Mode mode, int capacity) {}
}
