/** Sparse autoencoders and their sparse feature activations. */
@NullMarked
package org.sae4j.api.sae;

import org.jspecify.annotations.NullMarked;
