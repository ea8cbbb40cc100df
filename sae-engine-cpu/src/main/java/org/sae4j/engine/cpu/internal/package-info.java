/**
 * The pure-Java engine. {@link org.sae4j.engine.cpu.internal.Compiler} turns a program into steps over Java arrays; steps run
 * {@link org.sae4j.engine.cpu.internal.Kernels} on tiles, which {@link org.sae4j.engine.cpu.internal.Workers} spread over threads.
 */
@NullMarked
package org.sae4j.engine.cpu.internal;

import org.jspecify.annotations.NullMarked;
