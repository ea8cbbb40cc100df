package org.sae4j.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.engine.cpu.CpuEngineProvider;
import org.sae4j.experiment.causaltracing.CausalTracingConfig;
import org.sae4j.experiment.causaltracing.CausalTracingExperiment;

/**
 * Passes of whole models beside another implementation of the same cases, see {@link Peer}. Models have random weights. Times are medians on
 * the wall.
 */
public final class ModelComparison {
    private ModelComparison() {}

    /**
     * Prints one line for a case.
     *
     * @param args {@code forward} (GPT-2 small, 4 rows of 128 tokens, all logits), {@code trace} (causal trace of GPT-2 small, 12 tokens,
     *     10 noise rows); then the peer's command, or nothing to measure this library alone
     * @throws Exception if the peer cannot be run
     */
    public static void main(String[] args) throws Exception {
        List<String> peer = List.of(args).subList(Math.min(1, args.length), args.length);
        try (Engine engine = new CpuEngineProvider().open(EngineOptions.DEFAULT)) {
            switch (args.length == 0 ? "" : args[0]) {
                case "forward" -> forward(engine, peer);
                case "trace" -> trace(engine, peer);
                default -> throw new IllegalArgumentException("expected forward or trace, found " + List.of(args));
            }
        }
    }

    private static void forward(Engine engine, List<String> peer) throws Exception {
        TransformerConfig config = RandomModel.GPT2_SMALL;
        try (Transformer model = RandomModel.open(config, Optional.empty(), engine)) {
            SplittableRandom random = new SplittableRandom(2);
            int[][] tokens = new int[4][128];
            for (int[] row : tokens) {
                Arrays.setAll(row, i -> random.nextInt(config.dVocab()));
            }
            double own = median(9, () -> model.forward(tokens, ForwardPlan.logits()));
            print("forward, 4 x 128 tokens, all logits", own, 1, peer, "gpt2-forward", "4", "128");
        }
    }

    private static void trace(Engine engine, List<String> peer) throws Exception {
        TransformerConfig config = RandomModel.GPT2_SMALL;
        try (Transformer model = RandomModel.open(config, Optional.of(new Words(config.dVocab())), engine)) {
            CausalTracingConfig setting = new CausalTracingConfig("", List.of("11 12 13 14 15 16 17 18 19 20 21 22"), List.of("13 14 15"),
                    List.of(" 30"), 1, 0, 10, 3, 1, List.of(), 0, 0, 0, 1, 4096,
                    new CausalTracingConfig.Edit(0, 0, "", "", List.of(), List.of(), List.of(), 1, 0.01, 1, 0.2, 4, 0.2, 0.0625, 0));
            List<Double> blocks = new ArrayList<>();
            double all = median(3, () -> {
                long start = System.nanoTime();
                Progress progress = (stage, done, total) -> {
                    // Block outputs come first, then as many MLP and attention outputs.
                    if (stage.equals("tracing facts") && total > 1 && done * 3 == total) {
                        blocks.add((System.nanoTime() - start) / 1e9);
                    }
                };
                ExperimentRun.builder(model, engine).progress(progress).build().run(new CausalTracingExperiment(), setting);
            });
            print("trace of block outputs, 144 cells", blocks.stream().sorted().skip(blocks.size() / 2).findFirst().orElseThrow(), 1, peer, "trace", "0");
            print("the whole experiment, 432 cells", all, 1, List.of());
        }
    }

    /** The median of some runs after a warm-up of at least two runs and six seconds. */
    private static double median(int runs, Runnable run) {
        long start = System.nanoTime();
        for (int i = 0; i < 2 || System.nanoTime() - start < 6_000_000_000L; i++) {
            run.run();
        }
        double[] seconds = new double[runs];
        for (int i = 0; i < runs; i++) {
            long from = System.nanoTime();
            run.run();
            seconds[i] = (System.nanoTime() - from) / 1e9;
        }
        Arrays.sort(seconds);
        return seconds[runs / 2];
    }

    private static void print(String name, double own, double times, List<String> peer, String... arguments) throws Exception {
        OptionalDouble other = peer.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(times * Peer.median(peer, List.of(arguments)));
        System.out.printf(Locale.ROOT, "%-40s sae4j %9.2f ms%s%n", name, own * 1e3, other.isEmpty() ? ""
                : String.format(Locale.ROOT, "   peer %9.2f ms   peer / sae4j %.2f", other.getAsDouble() * 1e3, other.getAsDouble() / own));
    }
}
