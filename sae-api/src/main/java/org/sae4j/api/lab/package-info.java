/**
 * What experiments share: measurements of features over a labeled corpus. It stands on the rest of the API alone, and nothing of the rest
 * knows it.
 */
@org.jspecify.annotations.NullMarked
package org.sae4j.api.lab;
