package org.sae4j.engine.tornado.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.sae4j.api.engine.EngineException;

/** What a device would change or ignore with no more than a printed warning is refused before anything is compiled. */
class TaskListTest {
    private static final TaskList.Kernel NEVER_COMPILED = (graph, id, context) -> {
        throw new AssertionError("compiled");
    };

    private static TaskList tasks(int threads, long localBytes) {
        TaskList tasks = new TaskList(new DeviceLimits(threads, localBytes, 1L << 30, 1L << 30, 1), "a device, program p");
        tasks.operation("Attention");
        return tasks;
    }

    @Test
    void refusesGroupsThatTheDeviceCannotRun() {
        assertThatThrownBy(() -> tasks(128, 32768).groups(4, 256, 2048, NEVER_COMPILED)).isInstanceOf(EngineException.class)
                .hasMessageContaining("Attention needs groups of 256 threads").hasMessageContaining("the device has 128 threads")
                .hasMessageContaining("program p");
        assertThatThrownBy(() -> tasks(256, 32768).groups(4, 256, 32769, NEVER_COMPILED)).isInstanceOf(EngineException.class)
                .hasMessageContaining("32769 bytes of local memory").hasMessageContaining("32768 bytes");
        assertThatCode(() -> tasks(256, 32768).groups(4, 256, 32768, NEVER_COMPILED)).doesNotThrowAnyException();
    }

    @Test
    void refusesMoreThreadsThanCanBeNumbered() {
        assertThatThrownBy(() -> tasks(256, 32768).line(Integer.MAX_VALUE, NEVER_COMPILED)).isInstanceOf(EngineException.class)
                .hasMessageContaining("needs 2147483648 threads").hasMessageContaining("smaller batch");
        assertThatThrownBy(() -> tasks(256, 32768).groups(1L << 24, 256, 2048, NEVER_COMPILED)).isInstanceOf(EngineException.class)
                .hasMessageContaining("needs 4294967296 threads");
    }

    @Test
    void operationsOnNothingStartNothing() {
        TaskList tasks = tasks(256, 32768);
        tasks.line(0, NEVER_COMPILED);
        tasks.groups(0, 256, 2048, NEVER_COMPILED);
        tasks.tiles(0, 5, NEVER_COMPILED);
        assertThat(tasks.isEmpty()).isTrue();
    }
}
