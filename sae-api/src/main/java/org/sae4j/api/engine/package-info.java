/** Programs of a small closed vocabulary of operations, and the service interface of the engines that run them. */
@NullMarked
package org.sae4j.api.engine;

import org.jspecify.annotations.NullMarked;
