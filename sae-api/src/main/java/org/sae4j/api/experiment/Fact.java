package org.sae4j.api.experiment;

import java.util.Objects;

/**
 * A statement that a model may have stored.
 *
 * @param relation groups facts of one kind, such as {@code capital}
 * @param prompt the text before the answer; it contains the subject
 * @param subject what the fact is about
 * @param answer the continuation of the prompt, with its leading space
 */
public record Fact(String relation, String prompt, String subject, String answer) {
    /** Refuses null. */
    public Fact {
        Objects.requireNonNull(relation, "relation");
        Objects.requireNonNull(prompt, "prompt");
        Objects.requireNonNull(subject, "subject");
        Objects.requireNonNull(answer, "answer");
    }
}
