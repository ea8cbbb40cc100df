package org.sae4j.engine.cpu.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The engine's threads. Work is split into numbered tasks that any thread may take; what a task computes must not depend on who takes it.
 * The caller takes tasks too, so several programs can run at once and none waits for another to finish.
 */
final class Workers implements AutoCloseable {
    /** Number of times to look for work before a thread goes to sleep: bridges the gap between two operations of a program. */
    private static final int SPINS = 4000;

    /** Computes one task. */
    @FunctionalInterface
    interface Task {
        /**
         * Computes one task.
         *
         * @param task its number, from 0
         * @param slot a number from 0 to {@link Workers#threads()} - 1 that no other thread uses for tasks of this call at the same time
         */
        void run(int task, int slot);
    }

    private final int threads;
    private final List<Thread> helpers = new ArrayList<>();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition submitted = lock.newCondition();
    private final List<Job> jobs = new ArrayList<>();
    private volatile int open;
    private volatile boolean closed;

    Workers(int threads, String name) {
        this.threads = threads;
        for (int slot = 1; slot < threads; slot++) {
            int own = slot;
            helpers.add(Thread.ofPlatform().daemon().name(name + "-" + slot).start(() -> help(own)));
        }
    }

    int threads() {
        return threads;
    }

    /**
     * Runs tasks 0 to {@code count - 1} and returns when all are done.
     *
     * @throws RuntimeException or Error the first that a task threw
     */
    void forEach(int count, Task task) {
        if (count <= 0) {
            return;
        }
        if (threads == 1 || count == 1) {
            for (int i = 0; i < count; i++) {
                task.run(i, 0);
            }
            return;
        }
        Job job = new Job(count, task);
        lock.lock();
        try {
            jobs.add(job);
            open = jobs.size();
            submitted.signalAll();
        } finally {
            lock.unlock();
        }
        job.take(0);
        lock.lock();
        try {
            jobs.remove(job);
            open = jobs.size();
        } finally {
            lock.unlock();
        }
        job.await();
    }

    private void help(int slot) {
        while (!closed) {
            for (int spin = 0; spin < SPINS && open == 0 && !closed; spin++) {
                Thread.onSpinWait();
            }
            Job job = next();
            if (job != null) {
                job.take(slot);
            }
        }
    }

    private @Nullable Job next() {
        lock.lock();
        try {
            while (!closed) {
                for (Job job : jobs) {
                    if (job.hasTasks()) {
                        return job;
                    }
                }
                submitted.awaitUninterruptibly();
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            submitted.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private static final class Job {
        private final int count;
        private final Task task;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger finished = new AtomicInteger();
        private volatile @Nullable Throwable failure;

        Job(int count, Task task) {
            this.count = count;
            this.task = task;
        }

        boolean hasTasks() {
            return next.get() < count;
        }

        void take(int slot) {
            for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                try {
                    if (failure == null) {
                        task.run(i, slot);
                    }
                } catch (RuntimeException | Error e) {
                    failure = e;
                } finally {
                    if (finished.incrementAndGet() == count) {
                        synchronized (this) {
                            notifyAll();
                        }
                    }
                }
            }
        }

        void await() {
            for (int spin = 0; spin < SPINS && finished.get() < count; spin++) {
                Thread.onSpinWait();
            }
            boolean interrupted = false;
            synchronized (this) {
                while (finished.get() < count) {
                    try {
                        wait();
                    } catch (InterruptedException e) {
                        interrupted = true;
                    }
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            switch (failure) {
                case null -> { }
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                default -> throw new IllegalStateException(failure);
            }
        }
    }
}
