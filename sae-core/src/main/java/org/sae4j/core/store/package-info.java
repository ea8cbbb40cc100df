/**
 * Activations on disk: harvested from a transformer in one pass over a corpus, stored in shards with checksums, read in order or shuffled.
 * Nothing accepts or returns null.
 */
@NullMarked
package org.sae4j.core.store;

import org.jspecify.annotations.NullMarked;
