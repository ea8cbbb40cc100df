/**
 * Training of sparse autoencoders: named recipes, one program per training step, checkpoints that resume to the same bits.
 * Nothing accepts or returns null.
 */
@NullMarked
package org.sae4j.core.train;

import org.jspecify.annotations.NullMarked;
