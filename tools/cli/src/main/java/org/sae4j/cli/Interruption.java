package org.sae4j.cli;

import java.time.Duration;

/** Ctrl-C and termination: asks running work to stop at its next safe point and waits for it, so that files stay whole. */
final class Interruption {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static volatile boolean requested;
    private static volatile boolean finished;

    private Interruption() {
    }

    /** Makes the shutdown of the process wait for the calling thread, once it was told to stop. */
    static void install() {
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name("sae-interruption").unstarted(() -> {
            if (finished) {
                return;
            }
            requested = true;
            try {
                main.join(PATIENCE);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    /** Ends the process with an exit code, unless it is being ended already. */
    static void exit(int code) {
        if (!requested) {
            finished = true;
            System.exit(code);
        }
    }

    static boolean requested() {
        return requested;
    }
}
