package org.sae4j.benchmarks;

/** Something to run again and again. */
interface Subject extends AutoCloseable {
    /** Runs once. */
    void run();

    /** {@return what the last run saw, for people} */
    default String state() {
        return "";
    }

    @Override
    void close();
}
