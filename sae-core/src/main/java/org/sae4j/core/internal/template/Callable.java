package org.sae4j.core.internal.template;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A function of a template. */
@FunctionalInterface
interface Callable {
    /**
     * Calls it.
     *
     * @throws IllegalArgumentException if the arguments are not those it takes
     */
    @Nullable Object call(List<@Nullable Object> places, Map<String, @Nullable Object> names);
}
