/** The random walk experiment: its configuration, its result, its kinds of walk. */
@NullMarked
package org.sae4j.experiment.randomwalk;

import org.jspecify.annotations.NullMarked;
