/** Models in GGUF files, given as the configuration and the tensors of a Hugging Face folder, so that families need not know GGUF. */
@NullMarked
package org.sae4j.core.internal.gguf;

import org.jspecify.annotations.NullMarked;
