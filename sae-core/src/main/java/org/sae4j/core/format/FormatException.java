package org.sae4j.core.format;

import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;

/** A file that is broken, hostile, or of a kind that is not supported. The message names the file, the tensor and the rule. */
public final class FormatException extends Sae4jException {
    private static final long serialVersionUID = 1;
    private static final int MAX_LENGTH = 1000;

    /**
     * Creates a failure.
     *
     * @param what the rule that was broken, with what was expected and what was found
     * @param where the file, and the tensor or key in it
     * @param remedy what the reader can do about it
     */
    public FormatException(String what, String where, String remedy) {
        this(what, where, remedy, null);
    }

    /**
     * Creates a failure with its cause.
     *
     * @param what the rule that was broken, with what was expected and what was found
     * @param where the file, and the tensor or key in it
     * @param remedy what the reader can do about it
     * @param cause what led to it, or null
     */
    public FormatException(String what, String where, String remedy, @Nullable Throwable cause) {
        super(printable(what), printable(where), printable(remedy), cause);
    }

    /** Names from a file may hold anything: control characters would break lines and terminals. */
    private static String printable(String text) {
        String shown = text.length() <= MAX_LENGTH ? text : text.substring(0, MAX_LENGTH) + "...";
        return shown.replaceAll("[\\p{Cc}\\p{Cf}\u2028\u2029]", "?");
    }
}
