package org.sae4j.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.engine.cpu.CpuEngineProvider;

/**
 * Products, training steps and inference of autoencoders beside another implementation of the same cases, see {@link Peer}. Times are
 * medians on the wall after a warm-up. Beside a training step stands its floor: the dense encoder product at the rate and one pass over
 * parameters, moments and gradients (28 bytes for each parameter) at the bandwidth that {@link Roofline} measures on the same threads.
 */
public final class PeerComparison {
    private static final int WARMUP_SECONDS = 4;
    private static final int RUNS = 11;

    private PeerComparison() {}

    /**
     * What both run.
     *
     * @param name for people; its start is what the command line selects by
     * @param arguments the peer's
     * @param flops dense multiplications and additions that cannot be avoided
     * @param bytes memory traffic that cannot be avoided, 0 where it does not bound
     * @param opener prepares a run
     */
    private record Case(String name, List<String> arguments, double flops, double bytes, Opener opener) {}

    @FunctionalInterface
    private interface Opener {
        Subject open(Engine engine);
    }

    private static Case sgemm(int m, int k, int n) {
        return new Case("sgemm " + m + " " + k + " " + n, List.of("sgemm", "" + m, "" + k, "" + n), 2.0 * m * k * n, 0,
                engine -> new Sgemm(engine, m, k, n));
    }

    private static Case step(String name, int d, int n, int k, double l0) {
        List<String> kind = k == 0 ? List.of("relu") : List.of("topk", "" + k);
        List<String> arguments = new ArrayList<>(List.of("sae-step", "" + d, "" + n, "1024"));
        arguments.addAll(kind);
        return new Case("step " + d + " " + n + " " + name, arguments, 2.0 * 1024 * d * n, 28.0 * (2.0 * d * n + d + n),
                engine -> new SaeStep(engine, d, n, 1024, k, l0));
    }

    private static List<Case> cases() {
        return List.of(sgemm(1024, 512, 4096), sgemm(2048, 2048, 2048), sgemm(4096, 512, 16384),
                step("relu L0 40", 512, 4096, 0, 40), step("topk 32", 512, 4096, 32, 0), step("relu start", 512, 4096, 0, 0),
                new Case("infer 512 4096 L0 40", List.of("sae-infer", "512", "4096", "1024"), 2.0 * 1024 * 512 * 4096, 0,
                        engine -> new SaeInference(engine, 512, 4096, 1024, 40)),
                step("relu L0 60", 768, 24576, 0, 60), step("topk 32", 768, 24576, 32, 0));
    }

    /**
     * Prints one line for each case.
     *
     * @param args {@code --only TEXT} for the cases whose name starts with a text, {@code --threads N} for another number of threads than
     *     one for each processor; then the peer's command, such as an interpreter and a script, or nothing to measure this library alone
     * @throws Exception if the peer cannot be run
     */
    public static void main(String[] args) throws Exception {
        String only = "";
        int threads = Runtime.getRuntime().availableProcessors();
        int next = 0;
        for (; next + 1 < args.length && args[next].startsWith("--"); next += 2) {
            switch (args[next]) {
                case "--only" -> only = args[next + 1];
                case "--threads" -> threads = Integer.parseInt(args[next + 1]);
                default -> throw new IllegalArgumentException("expected --only or --threads, found " + args[next]);
            }
        }
        List<String> command = Arrays.asList(args).subList(next, args.length);
        Roofline roofline = Roofline.measure(threads);
        System.out.println(roofline);
        for (Case c : cases()) {
            if (c.name().startsWith(only)) {
                compare(c, threads, roofline, command);
            }
        }
    }

    private static void compare(Case c, int threads, Roofline roofline, List<String> command) throws Exception {
        try (Engine engine = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), threads, Map.of()));
                Subject subject = c.opener().open(engine)) {
            double own = median(subject);
            double floor = c.flops() / roofline.flops() + c.bytes() / roofline.bandwidth();
            StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-26s sae4j %8.2f ms, floor %7.2f ms (%.2f of it)", c.name(),
                    own * 1e3, floor * 1e3, own / floor));
            if (!command.isEmpty()) {
                double peer = Peer.median(command, c.arguments());
                line.append(String.format(Locale.ROOT, "   peer %8.2f ms   peer / sae4j %5.2f", peer * 1e3, peer / own));
            }
            System.out.println(line.append("   ").append(subject.state()));
        }
    }

    /** The median of some runs after a warm-up. */
    static double median(Subject subject) {
        return Timing.median(RUNS, 3, WARMUP_SECONDS, subject::run);
    }
}
