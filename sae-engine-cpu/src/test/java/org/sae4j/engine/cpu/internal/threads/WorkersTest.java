package org.sae4j.engine.cpu.internal.threads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkersTest {
    @Test
    void everyTaskRunsOnceWhateverElseRuns() throws Exception {
        try (Workers workers = new Workers(3, "test"); ExecutorService callers = Executors.newFixedThreadPool(4)) {
            for (Future<?> caller : IntStream.range(0, 4).mapToObj(i -> callers.submit(() -> {
                for (int round = 0; round < 200; round++) {
                    AtomicIntegerArray runs = new AtomicIntegerArray(round);
                    AtomicIntegerArray inSlot = new AtomicIntegerArray(3);
                    workers.forEach(round, (task, slot) -> {
                        assertThat(inSlot.incrementAndGet(slot)).isEqualTo(1);
                        runs.incrementAndGet(task);
                        inSlot.decrementAndGet(slot);
                    });
                    for (int task = 0; task < round; task++) {
                        assertThat(runs.get(task)).isEqualTo(1);
                    }
                }
            })).toList()) {
                caller.get();
            }
        }
    }

    @Test
    void aFailureReachesTheCallerAndTheThreadsLiveOn() {
        try (Workers workers = new Workers(2, "test")) {
            assertThatThrownBy(() -> workers.forEach(50, (task, slot) -> {
                if (task == 20) {
                    throw new IllegalArgumentException("task 20");
                }
            })).isInstanceOf(IllegalArgumentException.class).hasMessage("task 20");
            AtomicIntegerArray runs = new AtomicIntegerArray(50);
            workers.forEach(50, (task, slot) -> runs.incrementAndGet(task));
            assertThat(IntStream.range(0, 50).map(runs::get).sum()).isEqualTo(50);
        }
    }

    /** With one thread, with helpers, and with a pool: the tasks after the interrupt are not run, and the threads live on. */
    @ParameterizedTest
    @ValueSource(strings = {"alone", "helpers", "pool"})
    void anInterruptEndsInterruptibleWorkAlone(String kind) {
        ExecutorService pool = Executors.newFixedThreadPool(2);
        try (pool; Workers workers = kind.equals("pool") ? new Workers(3, pool) : new Workers(kind.equals("alone") ? 1 : 3, "test")) {
            Thread caller = Thread.currentThread();
            AtomicInteger runs = new AtomicInteger();
            Workers.Task task = (number, slot) -> {
                int run = runs.incrementAndGet();
                if (run == 5) {
                    caller.interrupt();
                }
                while (run > 5 && run < 10 && !caller.isInterrupted()) {
                    Thread.onSpinWait();
                }
            };
            assertThatThrownBy(() -> workers.interruptible().forEach(10_000, task)).isInstanceOf(CancellationException.class);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(runs.get()).isBetween(5, 8);
            runs.set(0);
            workers.forEach(10_000, task);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(runs.get()).isEqualTo(10_000);
            workers.interruptible().forEach(10_000, task);
            assertThat(runs.get()).isEqualTo(20_000);
        }
    }
}
