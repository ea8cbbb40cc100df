package org.sae4j.core.internal;

import java.util.List;
import java.util.Set;
import org.sae4j.api.model.HookPoint;

/**
 * Everything of a pass with gradients that decides its form, whatever the numbers and their counts.
 *
 * @param pass the forward pass
 * @param targets names of the values that metrics read and whose gradients are given
 * @param wanted the hook points by which gradients are wanted
 * @param constants the hook points through which no gradient passes
 */
record GradientKey(PassKey pass, List<String> targets, Set<HookPoint> wanted, Set<HookPoint> constants) {}
