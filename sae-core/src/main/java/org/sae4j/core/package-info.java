/** The entry points: engines, transformers and sparse autoencoders. */
@NullMarked
package org.sae4j.core;

import org.jspecify.annotations.NullMarked;
