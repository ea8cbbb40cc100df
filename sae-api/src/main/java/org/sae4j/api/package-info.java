/**
 * Values that every part shares: tensors, errors, progress, random numbers.
 *
 * <p>In all packages of the API: unless a parameter is {@link org.jspecify.annotations.Nullable}, null is refused with a
 * {@link NullPointerException} that names the parameter. Constructors of exceptions alone take what they are given, so that no failure is
 * lost.
 */
@NullMarked
package org.sae4j.api;

import org.jspecify.annotations.NullMarked;
