package org.sae4j.serve;

import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Keeps requests that compute from crowding each other out: a few run at once, some wait, and more are told to come again. All processors
 * work for one request, so more at once would only take longer each. They run on threads of their own: on the virtual threads that read
 * requests, they would keep others from being read before their deadline.
 */
final class Busy implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 60;

    private final ExecutorService threads;
    private final int most;
    private final AtomicInteger present = new AtomicInteger();

    /**
     * @param atOnce how many run at the same time
     * @param waiting how many wait besides
     */
    Busy(int atOnce, int waiting) {
        threads = Executors.newFixedThreadPool(atOnce, Thread.ofPlatform().daemon().name("sae-serve-", 0).factory());
        most = atOnce + waiting;
    }

    /** Runs work when it is its turn, for no longer than the patience, or refuses it with status 503. */
    <T> T run(Callable<T> work) throws Exception {
        return run(work, PATIENCE_SECONDS);
    }

    /** Runs work that takes as long as it takes. */
    <T> T runLong(Callable<T> work) throws Exception {
        return run(work, Long.MAX_VALUE);
    }

    private <T> T run(Callable<T> work, long seconds) throws Exception {
        if (present.incrementAndGet() > most) {
            present.decrementAndGet();
            throw refused();
        }
        try {
            Future<T> result = threads.submit(work);
            try {
                return result.get(seconds, TimeUnit.SECONDS);
            } catch (TimeoutException e) {
                result.cancel(true);
                throw refused();
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException(e.getCause());
        } catch (RejectedExecutionException | CancellationException e) {
            throw new ApiException(503, "the server is stopping");
        } finally {
            present.decrementAndGet();
        }
    }

    private static ApiException refused() {
        return new ApiException(503, "the server has too much to do, ask again in a second");
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
