/** The statistics that experiments report, with their methods named. */
@NullMarked
package org.sae4j.api.stats;

import org.jspecify.annotations.NullMarked;
