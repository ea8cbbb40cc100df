package org.sae4j.core.internal.json;

/** Why a text is not JSON. Checked, since whoever reads knows where the text is from and must say so. */
public final class JsonException extends Exception {
    private static final long serialVersionUID = 1;

    private final int line;

    JsonException(String message, int line, Throwable cause) {
        super(message, cause);
        this.line = line;
    }

    JsonException(String message, int line) {
        super(message);
        this.line = line;
    }

    /** {@return the reason, a phrase of one line} */
    public String reason() {
        return String.valueOf(getMessage());
    }

    /** {@return the line of the text where reading ended, from 1} */
    public int line() {
        return line;
    }
}
