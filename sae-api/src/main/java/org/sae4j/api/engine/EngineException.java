package org.sae4j.api.engine;

import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;

/** An engine is not available, or failed; in the latter case it must be closed and reopened. */
public class EngineException extends Sae4jException {
    private static final long serialVersionUID = 1;

    /**
     * Creates a failure.
     *
     * @param what what happened
     * @param where engine, device and program
     * @param remedy what to do
     */
    public EngineException(String what, String where, String remedy) {
        super(what, where, remedy);
    }

    /**
     * Creates a failure with its cause.
     *
     * @param what what happened
     * @param where engine, device and program
     * @param remedy what to do
     * @param cause what led to it, or null
     */
    public EngineException(String what, String where, String remedy, @Nullable Throwable cause) {
        super(what, where, remedy, cause);
    }
}
