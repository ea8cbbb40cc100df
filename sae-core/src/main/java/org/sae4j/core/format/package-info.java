/**
 * Files of transformers, sparse autoencoders and tokenizers: reading, writing and looking into them. Every file is read as if it were
 * hostile.
 */
@NullMarked
package org.sae4j.core.format;

import org.jspecify.annotations.NullMarked;
