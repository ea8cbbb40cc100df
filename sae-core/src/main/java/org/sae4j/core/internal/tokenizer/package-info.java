/** Tokenizers as Hugging Face's tokenizer.json and GGUF describe them, put together from small parts. */
@NullMarked
package org.sae4j.core.internal.tokenizer;

import org.jspecify.annotations.NullMarked;
