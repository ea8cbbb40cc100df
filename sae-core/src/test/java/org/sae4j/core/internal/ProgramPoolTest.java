package org.sae4j.core.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.Program;
import org.sae4j.testkit.ReferenceEngine;

class ProgramPoolTest {
    private record Entry(int number, CompiledProgram compiled) implements ProgramPool.Pooled {
        boolean closed() {
            try {
                compiled.run();
                return false;
            } catch (IllegalStateException e) {
                return true;
            }
        }
    }

    private final List<Entry> made = new ArrayList<>();

    private Entry compile(Integer floats) {
        Program.Builder program = Program.builder("pooled");
        program.output("out", 1, floats);
        Entry entry = new Entry(made.size(), new ReferenceEngine().compile(program.build(), Map.of()));
        made.add(entry);
        return entry;
    }

    private static int use(ProgramPool<Integer, Entry> pool, int key) {
        return pool.use(key, Entry::number);
    }

    @Test
    void programsAreUsedAgainAndTheLeastRecentlyUsedAreClosed() {
        ProgramPool<Integer, Entry> pool = new ProgramPool<>(this::compile, 2, 1000);
        assertThat(use(pool, 1)).isZero();
        assertThat(use(pool, 2)).isEqualTo(1);
        assertThat(use(pool, 1)).isZero();
        assertThat(use(pool, 3)).isEqualTo(2);
        assertThat(made).extracting(Entry::closed).containsExactly(false, true, false);
        assertThat(use(pool, 1)).isZero();
        assertThat(use(pool, 2)).isEqualTo(3);
        pool.close();
        assertThat(made).allMatch(Entry::closed);
    }

    @Test
    void programsThatTakeTooManyBytesAreClosed() {
        ProgramPool<Integer, Entry> pool = new ProgramPool<>(this::compile, 10, 100);
        use(pool, 10);
        use(pool, 15);
        assertThat(made).extracting(Entry::closed).containsExactly(false, false);
        use(pool, 1);
        assertThat(made).extracting(Entry::closed).containsExactly(true, false, false);
        use(pool, 26);
        assertThat(made).allMatch(Entry::closed);
    }

    @Test
    void aProgramInUseIsNotGivenOutAgain() {
        ProgramPool<Integer, Entry> pool = new ProgramPool<>(this::compile, 10, 100);
        pool.use(1, outer -> pool.use(1, inner -> {
            assertThat(inner.number()).isNotEqualTo(outer.number());
            return 0;
        }));
        assertThat(made).hasSize(2);
    }

    @Test
    void programsThatWaitMakeRoomForOneThatDoesNotFit() {
        ProgramPool<Integer, Entry> pool = new ProgramPool<>(key -> {
            if (made.stream().anyMatch(entry -> !entry.closed())) {
                throw new EngineException("4 bytes are needed, 0 are available", "device", "close programs");
            }
            return compile(key);
        }, 10, 100);
        assertThat(use(pool, 1)).isZero();
        assertThat(use(pool, 2)).isEqualTo(1);
        assertThat(made).extracting(Entry::closed).containsExactly(true, false);
        assertThatExceptionOfType(EngineException.class).isThrownBy(() -> pool.use(2, outer -> use(pool, 3)));
    }

    @Test
    void aProgramWhoseUseFailedIsClosed() {
        ProgramPool<Integer, Entry> pool = new ProgramPool<>(this::compile, 10, 100);
        assertThatIllegalStateException().isThrownBy(() -> pool.use(1, entry -> {
            throw new IllegalStateException("device");
        })).withMessage("device");
        assertThat(made).allMatch(Entry::closed);
        assertThat(use(pool, 1)).isEqualTo(1);
    }
}
