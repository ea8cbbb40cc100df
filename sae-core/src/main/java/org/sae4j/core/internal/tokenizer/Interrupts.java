package org.sae4j.core.internal.tokenizer;

import java.util.concurrent.CancellationException;

/** Long texts can be given up by interrupting the thread. */
final class Interrupts {
    /** How many steps of a loop are done between two checks, less 1: a mask. */
    static final int MASK = (1 << 14) - 1;

    private Interrupts() {}

    /**
     * Looks whether to go on.
     *
     * @throws CancellationException if the thread is interrupted
     */
    static void check() {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("interrupted while a text was tokenized");
        }
    }
}
