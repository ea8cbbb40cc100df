/** The provider of the pure-Java engine. */
@NullMarked
package org.sae4j.engine.cpu;

import org.jspecify.annotations.NullMarked;
