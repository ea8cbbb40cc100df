/**
 * From texts to the activations of a transformer: corpora, contexts, what a model computes over them, and how large it is. Nothing accepts
 * or returns null.
 */
@NullMarked
package org.sae4j.core.activations;

import org.jspecify.annotations.NullMarked;
