package org.sae4j.api;

import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sees what models and autoencoders do and how long it takes, for metrics and traces. An engine carries it, see
 * {@link org.sae4j.api.engine.Engine#observer()}; whatever runs on the engine reports to it.
 *
 * <p>Implementations are safe for use by several threads, fast, and do not throw: an exception ends the operation that is observed. Spans
 * of one thread nest.
 */
@FunctionalInterface
public interface Observer {
    /** Sees nothing. */
    Observer NONE = (operation, subject, size) -> Span.NONE;

    /** What is observed. More may be added: give a default for those that you do not know. */
    enum Operation {
        /** Opening a model or an autoencoder from its files; the size is 0. */
        OPEN,
        /** A forward pass; the size is the number of tokens. */
        FORWARD,
        /** A forward pass and its gradients; the size is the number of tokens. */
        GRADIENT,
        /** Computing feature activations; the size is the number of rows. */
        ENCODE,
        /** Computing inputs from feature activations; the size is the number of rows. */
        DECODE,
        /** Encoding and decoding; the size is the number of rows. */
        RECONSTRUCT,
        /** One step of training; the size is the number of rows in the batch. */
        TRAIN_STEP
    }

    /**
     * Called when an operation begins, by the thread that runs it.
     *
     * @param operation what begins
     * @param subject the model's name, the autoencoder's architecture and widths, the recipe, or the path that is opened
     * @param size how much is worked on, from 0
     * @return sees the end; {@link Span#NONE} if that does not matter
     */
    Span start(Operation operation, String subject, long size);

    /**
     * Both observers, this one first; spans end in the opposite order.
     *
     * @param other the other one
     * @return an observer that tells both
     */
    default Observer and(Observer other) {
        Objects.requireNonNull(other, "other");
        return (operation, subject, size) -> {
            Span first = start(operation, subject, size);
            Span second = other.start(operation, subject, size);
            return failure -> {
                try {
                    second.end(failure);
                } finally {
                    first.end(failure);
                }
            };
        };
    }

    /**
     * Does something in a span.
     *
     * @param <T> what is made
     * @param operation what it is
     * @param subject as in {@link #start}
     * @param size as in {@link #start}
     * @param work does it; what it throws is thrown on
     * @return what was made
     */
    default <T> T observe(Operation operation, String subject, long size, Supplier<T> work) {
        Objects.requireNonNull(operation, "operation");
        Objects.requireNonNull(subject, "subject");
        Objects.requireNonNull(work, "work");
        Span span = start(operation, subject, size);
        Throwable failure = null;
        try {
            return work.get();
        } catch (RuntimeException | Error e) {
            failure = e;
            throw e;
        } finally {
            span.end(failure);
        }
    }

    /**
     * Does something in a span that makes nothing.
     *
     * @param operation what it is
     * @param subject as in {@link #start}
     * @param size as in {@link #start}
     * @param work does it; what it throws is thrown on
     */
    default void run(Operation operation, String subject, long size, Runnable work) {
        Objects.requireNonNull(operation, "operation");
        Objects.requireNonNull(subject, "subject");
        Objects.requireNonNull(work, "work");
        Span span = start(operation, subject, size);
        Throwable failure = null;
        try {
            work.run();
        } catch (RuntimeException | Error e) {
            failure = e;
            throw e;
        } finally {
            span.end(failure);
        }
    }

    /** An operation under way. */
    @FunctionalInterface
    interface Span {
        /** Sees no end. */
        Span NONE = failure -> {};

        /**
         * Called once when the operation ends, by the thread that began it.
         *
         * @param failure what it threw, or null if it succeeded
         */
        void end(@Nullable Throwable failure);
    }
}
