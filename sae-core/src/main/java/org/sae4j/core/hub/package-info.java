/** Downloads models and autoencoders from the Hugging Face hub into a cache, over HTTPS and with the JDK alone. */
@NullMarked
package org.sae4j.core.hub;

import org.jspecify.annotations.NullMarked;
