package org.sae4j.core.output;

/** What becomes of what stands where output is to go. */
public enum Existing {
    /** Nothing may stand there: whatever does is kept, and nothing is written. */
    REFUSE,
    /** What an interrupted run left is gone on with. */
    RESUME,
    /** What an earlier run of the same kind wrote is replaced. Everything else is kept. */
    OVERWRITE
}
