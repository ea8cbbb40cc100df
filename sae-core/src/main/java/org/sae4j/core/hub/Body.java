package org.sae4j.core.hub;

import java.io.IOException;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Progress;

/**
 * The body of a response, pulled piece by piece. Unlike a stream it gives up when the server falls silent, and stops at once when the work
 * is cancelled.
 */
final class Body implements Flow.Subscriber<List<ByteBuffer>>, AutoCloseable {
    private static final Duration GLANCE = Duration.ofMillis(100);

    private sealed interface Signal {
        record Piece(List<ByteBuffer> buffers) implements Signal {}

        record Failure(Throwable cause) implements Signal {}

        record End() implements Signal {}
    }

    private final Duration silence;
    private final BlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
    private Flow.@Nullable Subscription subscription;
    private boolean closed;

    Body(Duration silence) {
        this.silence = silence;
    }

    /**
     * Waits for the next piece.
     *
     * @return the piece, or nothing at the end of the body
     * @throws IOException if the connection broke, or nothing came for too long
     * @throws CancellationException if the work was cancelled or the thread interrupted
     */
    Optional<List<ByteBuffer>> next(Progress progress) throws IOException {
        long deadline = System.nanoTime() + silence.toNanos();
        while (System.nanoTime() - deadline < 0) {
            progress.checkCancelled();
            Signal signal;
            try {
                signal = signals.poll(GLANCE.toNanos(), TimeUnit.NANOSECONDS);
            } catch (InterruptedException e) {
                throw Transport.interrupted(e);
            }
            switch (signal) {
                case null -> { }
                case Signal.Piece piece -> {
                    request();
                    return Optional.of(piece.buffers());
                }
                case Signal.End end -> {
                    return Optional.empty();
                }
                case Signal.Failure failure -> throw failure.cause() instanceof IOException broken ? broken
                        : new IOException(failure.cause().toString(), failure.cause());
            }
        }
        throw new HttpTimeoutException("nothing came for " + silence.toSeconds() + " s");
    }

    private synchronized void request() {
        if (subscription != null && !closed) {
            subscription.request(1);
        }
    }

    @Override
    public synchronized void onSubscribe(Flow.Subscription given) {
        subscription = given;
        if (closed) {
            given.cancel();
        } else {
            given.request(1);
        }
    }

    @Override
    public void onNext(List<ByteBuffer> buffers) {
        signals.add(new Signal.Piece(buffers));
    }

    @Override
    public void onError(Throwable cause) {
        signals.add(new Signal.Failure(cause));
    }

    @Override
    public void onComplete() {
        signals.add(new Signal.End());
    }

    /** Gives up what has not been read; the connection is closed with it. */
    @Override
    public synchronized void close() {
        closed = true;
        if (subscription != null) {
            subscription.cancel();
        }
    }
}
