/** Transformers: hook points as values, forward plans, activations, tokenizers. */
@NullMarked
package org.sae4j.api.model;

import org.jspecify.annotations.NullMarked;
