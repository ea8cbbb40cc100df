package org.sae4j.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/** An engine on the threads of an application. */
class PoolTest {
    private static final EngineOptions THREE = new EngineOptions(Optional.empty(), 3, Map.of());

    private static float[] product(Engine engine) {
        CounterRandom random = new CounterRandom(3);
        float[] a = new float[500 * 300];
        for (int i = 0; i < a.length; i++) {
            a[i] = (float) random.nextGaussian();
        }
        Program.Builder b = Program.builder("product");
        Buffer x = b.input("x", 500, 300);
        Buffer y = b.output("y", 500, 500);
        b.add(new Op.MatMul(x, false, x, true, null, Op.Function.GELU, y));
        try (CompiledProgram compiled = engine.compile(b.build(), Map.of())) {
            compiled.write(x, a);
            for (int i = 0; i < 20; i++) {
                compiled.run();
            }
            return compiled.read(y).toArray();
        }
    }

    private static float[] expected() {
        try (Engine engine = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), 1, Map.of()))) {
            return product(engine);
        }
    }

    @Test
    void worksOnThePoolAloneWithTheSameBits() {
        Set<String> names = ConcurrentHashMap.newKeySet();
        try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
            Executor noting = work -> pool.execute(() -> {
                names.add(Thread.currentThread().getName());
                work.run();
            });
            try (Engine engine = new CpuEngineProvider().open(THREE, noting)) {
                assertThat(Arrays.mismatch(product(engine), expected())).isEqualTo(-1);
            }
            assertThat(names).isNotEmpty();
            assertThat(pool.isShutdown()).isFalse();
        }
    }

    @Test
    void needsNoThreadOfABusyPool() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        try (ExecutorService pool = Executors.newFixedThreadPool(1);
                Engine engine = new CpuEngineProvider().open(THREE, pool)) {
            pool.submit(() -> {
                release.await();
                return null;
            });
            assertThat(Arrays.mismatch(product(engine), expected())).isEqualTo(-1);
            release.countDown();
            assertThat(Arrays.mismatch(pool.submit(() -> product(engine)).get(), expected())).as("called from the pool").isEqualTo(-1);
        }
    }

    @Test
    void aClosedPoolIsAnError() {
        ExecutorService pool = Executors.newFixedThreadPool(1);
        pool.shutdown();
        try (Engine engine = new CpuEngineProvider().open(THREE, pool)) {
            assertThatThrownBy(() -> product(engine)).isInstanceOf(EngineException.class).hasMessageContaining("pool");
        }
    }
}
