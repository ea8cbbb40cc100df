/**
 * What lies in memory and how: arrays of buffers, packed panels of operands, sparse rows, weights that programs share.
 */
@NullMarked
package org.sae4j.engine.cpu.internal.memory;

import org.jspecify.annotations.NullMarked;
