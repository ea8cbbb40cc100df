/** Finds experiments, binds their configurations and runs them. */
@NullMarked
package org.sae4j.core.experiment;

import org.jspecify.annotations.NullMarked;
