package org.sae4j.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.core.train.PositionedSource;
import org.sae4j.core.train.Recipe;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.Trainer;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** How the time and memory of training grow: with sizes beside the {@link Roofline}, threads, density and the number of tokens. */
public final class SaeScaling {
    private static final int WARMUP_SECONDS = 1;
    private static final int ROUNDS = 15;

    private SaeScaling() {}

    /**
     * Prints a table.
     *
     * @param args {@code sizes}, {@code threads}, {@code density}, {@code tokens} or {@code memory}; after {@code density}, d, F and
     *     densities may follow
     * @throws InterruptedException if interrupted
     */
    public static void main(String[] args) throws InterruptedException {
        switch (args.length == 0 ? "" : args[0]) {
            case "sizes" -> sizes();
            case "threads" -> threads();
            case "density" -> density(List.of(args).subList(1, args.length));
            case "tokens" -> tokens();
            case "memory" -> memory();
            default -> throw new IllegalArgumentException("expected sizes, threads, density, tokens or memory");
        }
    }

    private static Engine open(int threads, Map<String, String> settings) {
        return new CpuEngineProvider().open(new EngineOptions(Optional.empty(), threads, settings));
    }

    private static double step(Engine engine, int d, int n, int batch, double l0) {
        try (SaeStep step = new SaeStep(engine, d, n, batch, 0, l0)) {
            return PeerComparison.median(step);
        }
    }

    /** Seconds of the dense encoder product at the roofline. */
    private static double dense(Roofline roofline, int d, int n, int batch) {
        return 2.0 * batch * d * n / roofline.flops();
    }

    /** Seconds of one pass over parameters, moments and gradients at the roofline. */
    private static double update(Roofline roofline, int d, int n) {
        return 28.0 * (2.0 * d * n + d + n) / roofline.bandwidth();
    }

    private static void sizes() throws InterruptedException {
        Roofline roofline = Roofline.measure(Runtime.getRuntime().availableProcessors());
        System.out.println(roofline);
        int[][] cases = {{512, 4096, 1024, 40}, {256, 4096, 1024, 40}, {1024, 4096, 1024, 40}, {512, 1024, 1024, 40},
            {512, 16384, 1024, 40}, {512, 4096, 256, 40}, {512, 4096, 4096, 40}, {512, 4096, 1024, 10}, {512, 4096, 1024, 160},
            {512, 4096, 1024, 640}};
        try (Engine engine = open(0, Map.of())) {
            for (int[] c : cases) {
                double seconds = step(engine, c[0], c[1], c[2], c[3]);
                double dense = dense(roofline, c[0], c[1], c[2]);
                double update = update(roofline, c[0], c[1]);
                System.out.printf(Locale.ROOT, "d %4d, F %5d, B %4d, L0 %3d: %7.2f ms, floor %6.2f + %6.2f ms (%.2f of it), "
                        + "%.0f tokens/s%n", c[0], c[1], c[2], c[3], seconds * 1e3, dense * 1e3, update * 1e3,
                        seconds / (dense + update), c[2] / seconds);
            }
        }
    }

    /**
     * Seconds of steps taken by turns, so that what else the machine does falls on all alike: after a warm-up, each of the steps once in
     * every round.
     */
    private static double[][] turns(List<SaeStep> steps) {
        long end = System.nanoTime() + (long) steps.size() * WARMUP_SECONDS * 1_000_000_000;
        double[][] seconds = new double[steps.size()][ROUNDS];
        for (int round = 0; round < 3 || System.nanoTime() < end; round++) {
            steps.forEach(SaeStep::run);
        }
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < steps.size(); i++) {
                int turn = (i + round) % steps.size();
                long start = System.nanoTime();
                steps.get(turn).run();
                seconds[turn][round] = (System.nanoTime() - start) / 1e9;
            }
        }
        return seconds;
    }

    /** The median over rounds of what one step takes in units of another. */
    private static double ratio(double[] seconds, double[] unit) {
        double[] ratios = new double[seconds.length];
        Arrays.setAll(ratios, round -> seconds[round] / unit[round]);
        return Timing.median(ratios);
    }

    private static void threads() throws InterruptedException {
        Roofline lineOfOne = Roofline.measure(1);
        Roofline lineOfTwo = Roofline.measure(2);
        System.out.printf("%s%n%s%n", lineOfOne, lineOfTwo);
        int[][] cases = {{512, 4096, 40}, {768, 24576, 60}};
        for (int[] c : cases) {
            try (Engine one = open(1, Map.of()); Engine two = open(2, Map.of());
                    SaeStep alone = new SaeStep(one, c[0], c[1], 1024, 0, c[2]);
                    SaeStep together = new SaeStep(two, c[0], c[1], 1024, 0, c[2])) {
                double[][] seconds = turns(List.of(alone, together));
                double floors = (dense(lineOfOne, c[0], c[1], 1024) + update(lineOfOne, c[0], c[1]))
                        / (dense(lineOfTwo, c[0], c[1], 1024) + update(lineOfTwo, c[0], c[1]));
                System.out.printf(Locale.ROOT, "d %d, F %d, L0 %d: 1 thread %.2f ms, 2 threads %.2f ms, %.2f times as fast, its floor %.2f "
                        + "times%n", c[0], c[1], c[2], Timing.median(seconds[0]) * 1e3, Timing.median(seconds[1]) * 1e3, ratio(seconds[0], seconds[1]),
                        floors);
            }
        }
    }

    private static void density(List<String> given) {
        int d = given.isEmpty() ? 512 : Integer.parseInt(given.get(0));
        int n = given.isEmpty() ? 4096 : Integer.parseInt(given.get(1));
        List<String> shares = given.size() < 3 ? List.of("0.01", "0.05", "0.10", "0.12", "0.15", "0.2", "0.3", "0.5")
                : given.subList(2, given.size());
        for (String share : shares) {
            double active = Double.parseDouble(share) * n;
            try (Engine decides = open(0, Map.of()); Engine dense = open(0, Map.of("dense-from", "0"));
                    Engine sparse = open(0, Map.of("dense-from", "1"));
                    SaeStep own = new SaeStep(decides, d, n, 1024, 0, active);
                    SaeStep always = new SaeStep(dense, d, n, 1024, 0, active);
                    SaeStep never = new SaeStep(sparse, d, n, 1024, 0, active)) {
                double[][] seconds = turns(List.of(own, always, never));
                System.out.printf(Locale.ROOT, "density %s: as the engine decides %.1f ms, always dense %.1f ms, always sparse %.1f ms, "
                        + "decides / dense %.2f, decides / sparse %.2f   %s%n", share, Timing.median(seconds[0]) * 1e3, Timing.median(seconds[1]) * 1e3,
                        Timing.median(seconds[2]) * 1e3, ratio(seconds[0], seconds[1]), ratio(seconds[0], seconds[2]), own.state());
            }
        }
    }

    /** Rows that are made as they are asked for: nothing is kept, however many there are. */
    private static final class Made extends PositionedSource {
        private final float[] values;

        Made(int width) {
            super(width);
            values = RandomValues.uniform(new CounterRandom(1), (1 << 20) + width, Math.sqrt(3));
        }

        @Override
        protected void rows(long first, float[] target) {
            for (int at = 0; at < target.length; at += width()) {
                System.arraycopy(values, (int) ((first + at / width()) * 7919 & (1 << 20) - 1), target, at, width());
            }
        }
    }

    private static void tokens() {
        Recipe recipe = Recipes.OPENAI_TOPK.with(Map.of("d_sae", "512", "k", "8", "batch", "1000", "steps", "20000"));
        try (Engine engine = open(0, Map.of()); Trainer trainer = Trainer.builder(engine, recipe, new Made(64)).build()) {
            for (int i = 0; i < 1000; i++) {
                trainer.step();
            }
            long done = 0;
            for (long until : new long[] {10_000, 100_000, 1_000_000, 10_000_000}) {
                long from = done;
                long start = System.nanoTime();
                for (; done < until; done += 1000) {
                    trainer.step();
                }
                System.out.printf(Locale.ROOT, "%,d to %,d tokens: %.0f ns a token, %d MiB of heap in use%n", from, until,
                        (System.nanoTime() - start) / (double) (until - from), used() >> 20);
            }
        }
    }

    private static long used() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    private static void memory() {
        for (int[] c : new int[][] {{512, 4096, 40}, {768, 24576, 60}}) {
            long before = used();
            try (Engine engine = open(0, Map.of()); SaeStep step = new SaeStep(engine, c[0], c[1], 1024, 0, c[2])) {
                for (int i = 0; i < 60; i++) {
                    step.run();
                }
                long held = used() - before;
                ManagementFactory.getMemoryPoolMXBeans().forEach(MemoryPoolMXBean::resetPeakUsage);
                ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
                long allocated = threads.getTotalThreadAllocatedBytes();
                for (int i = 0; i < 20; i++) {
                    step.run();
                }
                allocated = (threads.getTotalThreadAllocatedBytes() - allocated) / 20;
                long peak = ManagementFactory.getMemoryPoolMXBeans().stream().filter(pool -> pool.getType() == MemoryType.HEAP)
                        .mapToLong(pool -> pool.getPeakUsage().getUsed()).sum() - before;
                long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                        .mapToLong(BufferPoolMXBean::getMemoryUsed).sum();
                double parameters = 4.0 * Float.BYTES * (2.0 * c[0] * c[1] + c[0] + c[1]);
                double batch = 1024.0 * c[0] * Float.BYTES;
                System.out.printf(Locale.ROOT, "d %d, F %d: 4 floats a parameter and a batch %.0f MiB, held %d MiB, peak %d MiB, "
                        + "off heap %d MiB, allocated %d bytes a step%n", c[0], c[1], (parameters + batch) / (1 << 20), held >> 20,
                        peak >> 20, direct >> 20, allocated);
            }
        }
    }
}
