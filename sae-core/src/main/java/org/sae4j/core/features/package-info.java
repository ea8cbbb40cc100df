/**
 * What single features are about: where they fire, what they write, what is lost without them. Nothing accepts or returns null.
 */
@NullMarked
package org.sae4j.core.features;

import org.jspecify.annotations.NullMarked;
