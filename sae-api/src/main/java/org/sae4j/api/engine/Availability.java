package org.sae4j.api.engine;

/** Whether an engine can be opened here, and if not, why not and what to do. */
public sealed interface Availability {
    /**
     * The engine can be opened.
     *
     * @param detail how it will run, such as the instruction set in use
     */
    record Available(String detail) implements Availability {}

    /**
     * The engine cannot be opened.
     *
     * @param reason what is missing
     * @param remedy what to do about it
     */
    record Unavailable(String reason, String remedy) implements Availability {}
}
