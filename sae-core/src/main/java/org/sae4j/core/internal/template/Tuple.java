package org.sae4j.core.internal.template;

import java.util.AbstractList;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A list that Python writes in round brackets. Immutable. */
final class Tuple extends AbstractList<@Nullable Object> {
    private final @Nullable Object[] elements;

    private Tuple(@Nullable Object[] elements) {
        this.elements = elements;
    }

    static Tuple of(@Nullable Object... elements) {
        return new Tuple(Arrays.copyOf(elements, elements.length));
    }

    @Override
    public @Nullable Object get(int index) {
        return elements[index];
    }

    @Override
    public int size() {
        return elements.length;
    }
}
