/** Transformers, one class for each family: its configuration, its forward pass and the names of its tensors in files. */
@NullMarked
package org.sae4j.core.internal.model;

import org.jspecify.annotations.NullMarked;
