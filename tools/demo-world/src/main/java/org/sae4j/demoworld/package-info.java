/** A small world of text with known truth, and two transformers trained on it. */
@NullMarked
package org.sae4j.demoworld;

import org.jspecify.annotations.NullMarked;
