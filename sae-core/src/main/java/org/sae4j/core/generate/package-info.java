/** Text out of a model, token by token, with changes on the way. */
@NullMarked
package org.sae4j.core.generate;

import org.jspecify.annotations.NullMarked;
