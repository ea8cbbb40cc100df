/**
 * The engine: {@link org.sae4j.engine.cpu.internal.program.Compiler} turns a program into steps over arrays.
 */
@NullMarked
package org.sae4j.engine.cpu.internal.program;

import org.jspecify.annotations.NullMarked;
