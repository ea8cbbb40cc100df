/**
 * What a program does: operations, or several fused ones, as steps that run kernels on tiles.
 */
@NullMarked
package org.sae4j.engine.cpu.internal.steps;

import org.jspecify.annotations.NullMarked;
