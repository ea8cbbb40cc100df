package org.sae4j.experiment.causaltracing;

/** The part that a token plays in a prompt (Meng et al. 2022). The last token of a prompt is {@link #LAST}, whatever else it is. */
public enum TokenRole {
    /** Before the subject. */
    BEFORE_SUBJECT("before the subject"),
    /** The first of several tokens of the subject. */
    FIRST_SUBJECT("first subject token"),
    /** Between the first and the last token of the subject. */
    MIDDLE_SUBJECT("middle subject tokens"),
    /** The last token of the subject, or its only one. */
    LAST_SUBJECT("last subject token"),
    /** Between the subject and the last token. */
    AFTER_SUBJECT("after the subject"),
    /** The last token of the prompt, where the answer is read. */
    LAST("last token");

    private final String title;

    TokenRole(String title) {
        this.title = title;
    }

    /** {@return a name for people} */
    public String title() {
        return title;
    }
}
