/** The parts of the experiment: prompts, batched runs, traces, averages, rank-one edits, figures. */
@NullMarked
package org.sae4j.experiment.causaltracing.internal;

import org.jspecify.annotations.NullMarked;
