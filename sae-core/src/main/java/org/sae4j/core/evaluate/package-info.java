/**
 * Evaluation of sparse autoencoders: one streaming implementation in double precision, independent of batch sizes.
 * Nothing accepts or returns null.
 */
@NullMarked
package org.sae4j.core.evaluate;

import org.jspecify.annotations.NullMarked;
