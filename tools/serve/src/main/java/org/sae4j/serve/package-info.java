/**
 * A page on this machine that shows what the features of autoencoders do: {@link org.sae4j.serve.SaeServer}. Nothing accepts or returns
 * null.
 */
@NullMarked
package org.sae4j.serve;

import org.jspecify.annotations.NullMarked;
