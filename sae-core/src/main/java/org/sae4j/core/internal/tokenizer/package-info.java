/** Byte-level BPE as Hugging Face's tokenizer.json describes it. */
@NullMarked
package org.sae4j.core.internal.tokenizer;

import org.jspecify.annotations.NullMarked;
