package org.sae4j.benchmarks;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.engine.cpu.CpuEngineProvider;

/**
 * Compares with another implementation of the same cases, run by a command that takes a case as arguments and prints JSON with
 * {@code median_s}. Both take the median of several runs after a warm-up. On a busy machine the time on the wall says little; so the
 * least processor time of a run on an engine with one thread is given too.
 */
public final class PeerComparison {
    private static final int WARMUP_SECONDS = 6;
    private static final int RUNS = 21;

    private PeerComparison() {}

    /** What both run. */
    private record Case(String name, List<String> arguments, Opener opener) {}

    /** Something to run again and again. */
    private record Subject(Runnable run, Runnable end) implements AutoCloseable {
        @Override
        public void close() {
            end.run();
        }
    }

    @FunctionalInterface
    private interface Opener {
        Subject open(Engine engine);
    }

    /**
     * Prints one line for each case.
     *
     * @param command the peer's command, such as an interpreter and a script; nothing to measure this library alone
     * @throws Exception if the peer cannot be run
     */
    public static void main(String[] command) throws Exception {
        List<Case> cases = List.of(
                new Case("sgemm 1024 512 4096", List.of("sgemm", "1024", "512", "4096"), engine -> {
                    Sgemm sgemm = new Sgemm(engine, 1024, 512, 4096);
                    return new Subject(sgemm::run, sgemm::close);
                }),
                new Case("sae-step relu", List.of("sae-step", "512", "4096", "1024", "relu"), engine -> {
                    SaeStep step = new SaeStep(engine, 512, 4096, 1024, 0);
                    return new Subject(step::run, step::close);
                }),
                new Case("sae-step topk 32", List.of("sae-step", "512", "4096", "1024", "topk", "32"), engine -> {
                    SaeStep step = new SaeStep(engine, 512, 4096, 1024, 32);
                    return new Subject(step::run, step::close);
                }));
        for (Case c : cases) {
            double own = run(c, 0, PeerComparison::median);
            double processor = run(c, 1, PeerComparison::leastProcessorTime);
            String line = String.format(Locale.ROOT, "%-20s sae4j %8.2f ms (%.2f ms of one processor)", c.name(), own * 1e3,
                    processor * 1e3);
            if (command.length > 0) {
                double peer = Peer.median(List.of(command), c.arguments());
                line += String.format(Locale.ROOT, "   peer %8.2f ms   peer / sae4j %.2f", peer * 1e3, peer / own);
            }
            System.out.println(line);
        }
    }

    private static double run(Case c, int threads, ToDoubleFunction<Runnable> measure) {
        try (Engine engine = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), threads, Map.of()));
                Subject subject = c.opener().open(engine)) {
            long end = System.nanoTime() + WARMUP_SECONDS * 1_000_000_000L;
            while (System.nanoTime() < end) {
                subject.run().run();
            }
            return measure.applyAsDouble(subject.run());
        }
    }

    private static double median(Runnable run) {
        double[] seconds = new double[RUNS];
        for (int i = 0; i < RUNS; i++) {
            long start = System.nanoTime();
            run.run();
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        Arrays.sort(seconds);
        return seconds[RUNS / 2];
    }

    private static double leastProcessorTime(Runnable run) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        double least = Double.MAX_VALUE;
        for (int i = 0; i < RUNS; i++) {
            long start = threads.getCurrentThreadCpuTime();
            run.run();
            least = Math.min(least, (threads.getCurrentThreadCpuTime() - start) / 1e9);
        }
        return least;
    }
}
