package org.sae4j.engine.cpu.internal.threads;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.EngineException;

/**
 * The engine's threads, or those of a pool. Work is split into numbered tasks that any thread may take; what a task computes must not
 * depend on who takes it. The caller takes tasks too, so several programs can run at once and none waits for another to finish.
 */
public final class Workers implements AutoCloseable {
    /** Number of times to look for work before a thread goes to sleep: bridges the gap between two operations of a program. */
    private static final int SPINS = 4000;

    /** Computes one task. */
    @FunctionalInterface
    public interface Task {
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
    /** Also what helpers wait for, and the lock of the idle ones: a monitor, because waiting for a condition would allocate. */
    private final List<Job> jobs;
    /** Jobs that are done, to be used again: training allocates nothing. */
    private final Deque<Job> idle;
    private final @Nullable Executor pool;
    private final boolean interruptible;
    /** Whose threads these are: this, or what {@link #interruptible()} was called on. */
    private final Workers home;
    private volatile int open;
    private volatile boolean closed;

    /**
     * Starts threads of its own.
     *
     * @param threads number of threads, the caller of {@link #forEach} included
     * @param name of the threads
     */
    public Workers(int threads, String name) {
        this(threads, null, null);
        for (int slot = 1; slot < threads; slot++) {
            int own = slot;
            helpers.add(Thread.ofPlatform().daemon().name(name + "-" + slot).start(() -> help(own)));
        }
    }

    /**
     * Uses a pool. A call needs none of its threads to go on, so that the pool may be busy or the caller one of its threads.
     *
     * @param threads number of threads at most, the caller of {@link #forEach} included
     * @param pool stays the application's
     */
    public Workers(int threads, Executor pool) {
        this(threads, pool, null);
    }

    private Workers(int threads, @Nullable Executor pool, @Nullable Workers home) {
        this.threads = threads;
        this.pool = pool;
        this.home = home == null ? this : home;
        this.interruptible = home != null;
        this.jobs = home == null ? new ArrayList<>() : home.jobs;
        this.idle = home == null ? new ArrayDeque<>() : home.idle;
    }

    /** {@return the same threads, for work that is given up when the thread that called {@link #forEach} is interrupted} */
    public Workers interruptible() {
        return new Workers(threads, pool, home);
    }

    /**
     * Gives up if the calling thread is interrupted; it stays so.
     *
     * @throws CancellationException if the thread is interrupted
     */
    public static void checkInterrupt() {
        if (Thread.currentThread().isInterrupted()) {
            throw interrupted();
        }
    }

    private static CancellationException interrupted() {
        return new CancellationException("interrupted during a pass");
    }

    public int threads() {
        return threads;
    }

    /**
     * Runs tasks 0 to {@code count - 1} and returns when all are done.
     *
     * @throws EngineException if the pool takes no work
     * @throws CancellationException if the work is interruptible and the calling thread is interrupted, which it stays; no task runs then
     * @throws RuntimeException or Error the first that a task threw
     */
    public void forEach(int count, Task task) {
        if (count <= 0) {
            return;
        }
        if (threads == 1 || count == 1) {
            for (int i = 0; i < count; i++) {
                if (interruptible) {
                    checkInterrupt();
                }
                task.run(i, 0);
            }
            return;
        }
        if (pool != null) {
            // Not to be used again: the pool may come to it late.
            Job job = new Job();
            job.start(count, task, interruptible ? Thread.currentThread() : null);
            offer(job, count, pool);
            job.take(0);
            job.await();
            return;
        }
        Job job;
        synchronized (jobs) {
            job = idle.isEmpty() ? new Job() : idle.pop();
            job.start(count, task, interruptible ? Thread.currentThread() : null);
            jobs.add(job);
            home.open = jobs.size();
            jobs.notifyAll();
        }
        job.take(0);
        synchronized (jobs) {
            jobs.remove(job);
            home.open = jobs.size();
        }
        try {
            job.await();
        } finally {
            synchronized (jobs) {
                idle.push(job);
            }
        }
    }

    private void offer(Job job, int count, Executor executor) {
        for (int slot = 1; slot < Math.min(threads, count); slot++) {
            int own = slot;
            try {
                executor.execute(() -> job.take(own));
            } catch (RejectedExecutionException e) {
                job.cancel();
                job.await();
                throw new EngineException("the pool takes no work: " + e.getMessage(), "engine cpu", "keep the pool open as long as the "
                        + "engine, with a queue that has room", e);
            }
        }
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
        synchronized (jobs) {
            while (!closed) {
                for (int i = 0; i < jobs.size(); i++) {
                    if (jobs.get(i).hasTasks()) {
                        return jobs.get(i);
                    }
                }
                try {
                    jobs.wait();
                } catch (InterruptedException e) {
                    // Nobody has a reason to interrupt the engine's threads; they end when it is closed.
                }
            }
            return null;
        }
    }

    @Override
    public void close() {
        synchronized (jobs) {
            closed = true;
            jobs.notifyAll();
        }
    }

    /** A number of tasks. Who claims one after the job was used again gets one of the new tasks: claim and count are one number. */
    private static final class Job {
        /** The number of tasks in the upper half, the next task in the lower. */
        private final AtomicLong claims = new AtomicLong();
        private final AtomicInteger finished = new AtomicInteger();
        private @Nullable Task task;
        /** The thread whose interrupt ends the job, or null. */
        private @Nullable Thread owner;
        private volatile @Nullable Throwable failure;

        void start(int count, Task work, @Nullable Thread interruptible) {
            task = work;
            owner = interruptible;
            failure = null;
            finished.set(0);
            claims.set((long) count << 32);
        }

        /** Lets nobody claim more, if nobody has claimed any yet but those that are waited for. */
        void cancel() {
            long last = claims.get();
            while (!claims.compareAndSet(last, (last & 0xFFFFFFFFL) << 32 | last & 0xFFFFFFFFL)) {
                last = claims.get();
            }
        }

        private int count() {
            return (int) (claims.get() >>> 32);
        }

        boolean hasTasks() {
            long state = claims.get();
            return (int) state < (int) (state >>> 32);
        }

        void take(int slot) {
            for (long state = claims.get(); (int) state < (int) (state >>> 32); state = claims.get()) {
                if (claims.compareAndSet(state, state + 1)) {
                    run((int) state, slot);
                }
            }
        }

        private void run(int index, int slot) {
            try {
                if (failure == null && owner != null && owner.isInterrupted()) {
                    failure = interrupted();
                }
                if (failure == null && task != null) {
                    task.run(index, slot);
                }
            } catch (RuntimeException | Error e) {
                failure = e;
            } finally {
                if (finished.incrementAndGet() == count()) {
                    synchronized (this) {
                        notifyAll();
                    }
                }
            }
        }

        void await() {
            int count = count();
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
                        if (owner != null && failure == null) {
                            failure = interrupted();
                        }
                    }
                }
            }
            task = null;
            owner = null;
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
