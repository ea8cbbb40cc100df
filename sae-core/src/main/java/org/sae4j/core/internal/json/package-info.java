/**
 * JSON as a small tree, read and written with Jackson's streaming parser and generator. {@code sae-report} and {@code sae-serve} use it as well.
 */
@NullMarked
package org.sae4j.core.internal.json;

import org.jspecify.annotations.NullMarked;
