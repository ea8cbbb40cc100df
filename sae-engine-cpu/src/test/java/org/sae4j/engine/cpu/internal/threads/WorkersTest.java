package org.sae4j.engine.cpu.internal.threads;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

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
}
