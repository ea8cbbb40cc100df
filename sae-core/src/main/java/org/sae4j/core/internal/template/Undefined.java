package org.sae4j.core.internal.template;

/**
 * What a variable, a key or an element is that is not there: empty as text and as a list, false as a condition, an error in all else.
 *
 * @param name for messages
 */
record Undefined(String name) {
    @Override
    public boolean equals(Object other) {
        return other instanceof Undefined;
    }

    @Override
    public int hashCode() {
        return 0;
    }
}
