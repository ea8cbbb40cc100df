/** Causal tracing of facts through the activations of a model, and rank-one edits of them. */
@NullMarked
package org.sae4j.experiment.causaltracing;

import org.jspecify.annotations.NullMarked;
