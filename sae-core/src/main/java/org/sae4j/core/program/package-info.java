/**
 * Computations as values: a {@link org.sae4j.core.program.Form} says in one piece what a model computes, and functions from form to form
 * ({@link org.sae4j.core.program.Edits}, {@link org.sae4j.core.program.Slice}) make of it what is wanted; the last one,
 * {@link org.sae4j.core.program.ProgramWriter}, writes the program that an engine compiles.
 */
@NullMarked
package org.sae4j.core.program;

import org.jspecify.annotations.NullMarked;
