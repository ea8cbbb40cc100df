/** The parts of the experiment: start, directions, paths, their geometry, their effect on the model, figures. */
@NullMarked
package org.sae4j.experiment.randomwalk.internal;

import org.jspecify.annotations.NullMarked;
