package org.sae4j.core.internal;

import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/** Whether an object is open. Uses may overlap; closing waits for the ones under way, and refuses those that come later. */
final class Lifetime {
    private final String owner;
    // Fair, or a stream of overlapping uses could keep close() waiting forever.
    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock(true);
    private boolean closed;

    Lifetime(String owner) {
        this.owner = owner;
    }

    <R> R use(Supplier<R> body) {
        lock.readLock().lock();
        try {
            if (closed) {
                throw new IllegalStateException(owner + " is closed");
            }
            return body.get();
        } finally {
            lock.readLock().unlock();
        }
    }

    void close(Runnable free) {
        lock.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                free.run();
            }
        } finally {
            lock.writeLock().unlock();
        }
    }
}
