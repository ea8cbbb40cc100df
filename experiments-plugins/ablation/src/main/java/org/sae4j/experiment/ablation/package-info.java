/** What changes in a reconstruction and in the output of a model when features are ablated. */
@NullMarked
package org.sae4j.experiment.ablation;

import org.jspecify.annotations.NullMarked;
