package org.sae4j.experiment.causaltracing.internal;

/**
 * A wish: this prompt shall have that answer.
 *
 * @param prompt the prompt
 * @param answer the new answer, with its leading space
 * @param tokens its tokens
 */
record Wish(Prompt prompt, String answer, int[] tokens) {
    /** {@return the subject} */
    String subject() {
        return prompt.fact().subject();
    }
}
