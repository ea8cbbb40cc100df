/** Regular expressions in the dialect of tokenizer files, matched in time that grows with the text. */
@NullMarked
package org.sae4j.core.internal.tokenizer.regex;

import org.jspecify.annotations.NullMarked;
