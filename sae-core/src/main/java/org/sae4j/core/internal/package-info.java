/** Transformers and sparse autoencoders as programs of an engine. */
@NullMarked
package org.sae4j.core.internal;

import org.jspecify.annotations.NullMarked;
