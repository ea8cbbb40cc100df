package org.sae4j.api.experiment;

import java.util.Objects;

/**
 * A text with a label.
 *
 * @param label its category, such as a language; empty if it has none
 * @param text the text
 */
public record Document(String label, String text) {
    /** Refuses null. */
    public Document {
        Objects.requireNonNull(label, "label");
        Objects.requireNonNull(text, "text");
    }
}
