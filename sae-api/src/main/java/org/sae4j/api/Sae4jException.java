package org.sae4j.api;

import org.jspecify.annotations.Nullable;

/**
 * A failure whose message a person can act on: what happened, where, and what to do.
 *
 * <p>Thrown for bad files, bad configurations and unavailable engines. Programming errors (an index out of range, use after close) stay
 * {@link IllegalArgumentException}, {@link IndexOutOfBoundsException} and {@link IllegalStateException}.
 */
public class Sae4jException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What happened. */
    private final String what;
    /** The file, tensor, option, device or program concerned. */
    private final String where;
    /** What the reader can do about it. */
    private final String remedy;

    /**
     * Creates a failure.
     *
     * @param what what happened, with what was expected and what was found
     * @param where the file, tensor, option, device or program concerned
     * @param remedy what the reader can do about it
     */
    public Sae4jException(String what, String where, String remedy) {
        this(what, where, remedy, null);
    }

    /**
     * Creates a failure with its cause.
     *
     * @param what what happened, with what was expected and what was found
     * @param where the file, tensor, option, device or program concerned
     * @param remedy what the reader can do about it
     * @param cause what led to it, or null
     */
    public Sae4jException(String what, String where, String remedy, @Nullable Throwable cause) {
        super(what + ", " + where + ", " + remedy, cause);
        this.what = what;
        this.where = where;
        this.remedy = remedy;
    }

    /** {@return what happened} */
    public String what() {
        return what;
    }

    /** {@return the file, tensor, option, device or program concerned} */
    public String where() {
        return where;
    }

    /** {@return what the reader can do about it} */
    public String remedy() {
        return remedy;
    }
}
