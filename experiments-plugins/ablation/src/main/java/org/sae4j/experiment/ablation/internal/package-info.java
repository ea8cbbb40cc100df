/** The parts of the experiment: subject, reconstruction, patched passes, effects, labels, figures. */
@NullMarked
package org.sae4j.experiment.ablation.internal;

import org.jspecify.annotations.NullMarked;
