/** Containers and encodings behind the readers: mapped files, zip, pickle, npy, JSON, byte-level BPE. */
@NullMarked
package org.sae4j.core.internal.format;

import org.jspecify.annotations.NullMarked;
