package org.sae4j.core.hub;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;

/** Tries again, a bounded number of times and with growing pauses, what a network or a busy server let fail. */
final class Retries {
    static final int ATTEMPTS = 5;

    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final Duration GLANCE = Duration.ofMillis(100);

    private final Pause pause;

    /** How to wait. */
    @FunctionalInterface
    interface Pause {
        /** Waits with the system's clock. */
        Pause SYSTEM = duration -> TimeUnit.NANOSECONDS.sleep(duration.toNanos());

        void await(Duration duration) throws InterruptedException;
    }

    /** Something that uses the network. */
    @FunctionalInterface
    interface Attempt<T> {
        T run() throws IOException;
    }

    Retries(Pause pause) {
        this.pause = pause;
    }

    /**
     * Runs an attempt until it succeeds.
     *
     * @param position how far the work is: after every step forward the attempts are counted anew
     * @throws Sae4jException if as many attempts in a row as are allowed failed
     */
    <T> T run(Attempt<T> attempt, LongSupplier position, String where, Progress progress) {
        long reached = position.getAsLong();
        Duration wait = FIRST_PAUSE;
        for (int failures = 1;; failures++) {
            try {
                return attempt.run();
            } catch (IOException e) {
                if (position.getAsLong() > reached) {
                    reached = position.getAsLong();
                    failures = 1;
                    wait = FIRST_PAUSE;
                }
                if (failures == ATTEMPTS) {
                    throw givenUp(e, where);
                }
                Duration asked = e instanceof BusyException busy ? busy.retryAfter().orElse(wait) : wait;
                await(asked.compareTo(LONGEST_PAUSE) < 0 ? asked : LONGEST_PAUSE, progress);
                wait = wait.multipliedBy(2);
            }
        }
    }

    /** Waits, in slices after which a cancellation is noticed. */
    void await(Duration duration, Progress progress) {
        try {
            for (Duration left = duration; left.isPositive(); left = left.minus(GLANCE)) {
                progress.checkCancelled();
                pause.await(left.compareTo(GLANCE) < 0 ? left : GLANCE);
            }
        } catch (InterruptedException e) {
            throw Transport.interrupted(e);
        }
    }

    private static Sae4jException givenUp(IOException cause, String where) {
        String tried = " (" + ATTEMPTS + " attempts)";
        return switch (cause) {
            case BusyException busy when busy.status() == 429 -> new Sae4jException("the hub limits the number of requests, 429" + tried,
                    where, "wait some minutes and run again, what is here is kept; with HF_TOKEN set the limit is higher", cause);
            case BusyException busy -> new Sae4jException("the hub has a problem, " + busy.status() + tried, where,
                    "run again later, what is here is kept", cause);
            case HttpTimeoutException late -> new Sae4jException("the server does not answer in time" + tried, where,
                    "check the connection and run again, what is here is kept", cause);
            case ConnectException refused -> new Sae4jException("cannot connect" + reason(cause) + tried, where,
                    "check the network, the proxy (HTTPS_PROXY) and the endpoint (--endpoint, HF_ENDPOINT);"
                            + " --offline uses what is in the cache", cause);
            default -> new Sae4jException("the connection failed" + reason(cause) + tried, where,
                    "check the connection and run again, what is here is kept", cause);
        };
    }

    /** The JDK's client often says what is wrong only in the cause of the exception. */
    private static String reason(IOException e) {
        Throwable cause = e;
        while (cause.getMessage() == null && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof UnresolvedAddressException || cause instanceof UnknownHostException) {
            return ", no such host";
        }
        return Optional.ofNullable(cause.getMessage()).map(message -> ", " + message).orElse("");
    }
}
