package org.sae4j.serve;

import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps requests that compute from crowding each other out: a few run at once, some wait, and more are told to come again. All processors
 * work for one request, so more at once would only take longer each.
 */
final class Busy {
    private static final long PATIENCE_SECONDS = 60;

    private final Semaphore running;
    private final int most;
    private final AtomicInteger present = new AtomicInteger();

    /**
     * @param atOnce how many run at the same time
     * @param waiting how many wait besides
     */
    Busy(int atOnce, int waiting) {
        running = new Semaphore(atOnce, true);
        most = atOnce + waiting;
    }

    /** Runs work when it is its turn, or refuses it with status 503. */
    <T> T run(Callable<T> work) throws Exception {
        if (present.incrementAndGet() > most) {
            present.decrementAndGet();
            throw refused();
        }
        try {
            if (!running.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw refused();
            }
            try {
                return work.call();
            } finally {
                running.release();
            }
        } finally {
            present.decrementAndGet();
        }
    }

    private static ApiException refused() {
        return new ApiException(503, "the server has too much to do, ask again in a second");
    }
}
