package org.sae4j.core.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** A trainer whose memory was taken by the first steps. On plain loops: whether vectors live in registers is up to the compiler. */
class TrainerMemoryTest {
    private static final int WINDOW = 20;
    private static final int WINDOWS = 150;
    /**
     * The metrics that a step returns (112 bytes), for gated autoencoders the sparse rows around arrays that are used again (32), and an
     * iterator, should the compiler leave one.
     */
    private static final int OBJECTS = 200;

    private static Set<Long> threads() {
        return Arrays.stream(ManagementFactory.getThreadMXBean().getAllThreadIds()).boxed().collect(Collectors.toSet());
    }

    private static long allocated(long[] threads) {
        return Arrays.stream(((ThreadMXBean) ManagementFactory.getThreadMXBean()).getThreadAllocatedBytes(threads)).sum();
    }

    static Stream<String> recipes() {
        return Recipes.all().stream().map(Recipe::name);
    }

    @ParameterizedTest
    @MethodSource("recipes")
    void aStepAllocatesItsMetricsOnly(String name) {
        Map<String, String> settings = new HashMap<>(
                Map.of("d_sae", "301", "batch", "130", "lr", "1e-5", "steps", "100000", "dead_after", "400"));
        Recipe preset = Recipes.get(name);
        if (preset.hasK()) {
            settings.put("k", "5");
        }
        if (preset.isJumpRelu()) {
            settings.put("bandwidth", "0.5");
        }
        Recipe recipe = preset.with(settings);
        Tensor rows = Planted.rows(Planted.dictionary(60, 40, 1), 1300, 3, 0.1f, 2);
        Set<Long> others = threads();
        try (Engine engine = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), 2, Map.of("vector", "off")));
                Trainer trainer = Trainer.builder(engine, recipe, ActivationSource.shuffled(rows, 3)).build()) {
            Set<Long> own = threads();
            own.removeAll(others);
            own.add(Thread.currentThread().threadId());
            long[] ids = own.stream().mapToLong(Long::longValue).toArray();
            long least = Long.MAX_VALUE;
            // Which thread takes a row is chance, so that a thread's arrays may grow later than in the first steps.
            for (int window = 0; window < WINDOWS && least > WINDOW * OBJECTS; window++) {
                long before = allocated(ids);
                long measuring = allocated(ids) - before;
                for (int i = 0; i < WINDOW; i++) {
                    trainer.step();
                }
                least = Math.min(least, allocated(ids) - before - 2 * measuring);
            }
            assertThat(least / WINDOW).as("bytes allocated by a step").isLessThanOrEqualTo(OBJECTS);
        }
    }
}
