/** Values that every part shares: tensors, errors, progress, random numbers. */
@NullMarked
package org.sae4j.api;

import org.jspecify.annotations.NullMarked;
