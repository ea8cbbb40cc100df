/** Where output goes: what may be replaced, what is gone on with, and who may write to a folder. */
@org.jspecify.annotations.NullMarked
package org.sae4j.core.output;
