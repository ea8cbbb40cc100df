/**
 * Inner loops over arrays and mapped memory: {@link org.sae4j.engine.cpu.internal.kernels.Kernels} and
 * {@link org.sae4j.engine.cpu.internal.kernels.RowKernels} are the seam between the Vector API and plain loops.
 */
@NullMarked
package org.sae4j.engine.cpu.internal.kernels;

import org.jspecify.annotations.NullMarked;
