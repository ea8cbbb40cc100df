package org.sae4j.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.HookPoint.Site;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.engine.cpu.CpuEngineProvider;
import org.sae4j.experiment.causaltracing.CausalTracingConfig;
import org.sae4j.experiment.causaltracing.CausalTracingExperiment;

/**
 * Passes of whole models beside another implementation of the same cases, see {@link Peer}. Models have random weights. Times are medians
 * on the wall.
 */
public final class ModelComparison {
    private ModelComparison() {}

    /**
     * Prints one line for a case.
     *
     * @param args {@code forward} (GPT-2 small, 4 rows of 128 tokens, all logits), {@code trace} (causal trace of GPT-2 small, 12 tokens,
     *     10 noise rows) or {@code ablation} (every active feature of an autoencoder of gelu-1l's MLP at one position of 64); then the
     *     peer's command, or nothing to measure this library alone. Or {@code open} and a model's folder
     * @throws Exception if the peer cannot be run
     */
    public static void main(String[] args) throws Exception {
        List<String> peer = List.of(args).subList(Math.min(1, args.length), args.length);
        try (Engine engine = new CpuEngineProvider().open(EngineOptions.DEFAULT)) {
            switch (args.length == 0 ? "" : args[0]) {
                case "forward" -> forward(engine, peer);
                case "trace" -> trace(engine, peer);
                case "ablation" -> ablation(engine, peer);
                case "open" -> open(engine, Path.of(args[1]));
                default -> throw new IllegalArgumentException("expected forward, trace, ablation or open, found " + List.of(args));
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
                    List.of(" 30"), 1, 0, 10, 3, List.of(), 1, List.of(), 0, 0, 0, 1, 4096,
                    new CausalTracingConfig.Edit(0, 0, "", "", List.of(), List.of(), List.of(), 1, 0.01, 1, 0.2, 4, 0.2, 0.0625, 0, 0,
                            List.of(), 0));
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
            double own = blocks.stream().sorted().skip(blocks.size() / 2).findFirst().orElseThrow();
            print("trace of block outputs, 144 cells", own, 1, peer, "trace", "0");
            print("the whole experiment, 432 cells", all, 1, List.of());
        }
    }

    /** Sets each feature that is active at one position to zero, and asks for the predictions there. */
    private static void ablation(Engine engine, List<String> peer) throws Exception {
        TransformerConfig config = RandomModel.GELU_1L;
        HookPoint hook = HookPoint.mlpPost(0);
        SplittableRandom random = new SplittableRandom(3);
        int position = 40;
        int width = config.dMlp();
        try (Transformer model = RandomModel.open(config, Optional.empty(), engine);
                SparseAutoencoder sae = SparseAutoencoders.of(SaeConfig.builder(SaeConfig.Architecture.TOPK, width, 16384).k(64)
                        .hook(hook).modelName(config.name()).build(), Map.of(
                        "W_enc", RandomModel.uniform(random, 0.02, width, 16384), "b_enc", Tensor.zeros(16384),
                        "W_dec", RandomModel.uniform(random, 0.02, 16384, width), "b_dec", Tensor.zeros(width)), engine)) {
            int[][] tokens = {random.ints(64, 0, config.dVocab()).toArray()};
            Activations clean = model.forward(tokens, ForwardPlan.capture(hook, HookPoint.residPre(0), new HookPoint(Site.K, 0),
                    new HookPoint(Site.V, 0)));
            SparseRows active = sae.encode(clean.get(hook).slice(0)).rows(position, position + 1);
            int count = active.start(1);
            float[] vectors = new float[count * width];
            for (int e = 0; e < count; e++) {
                float[] direction = Objects.requireNonNull(sae.parameters().get("W_dec")).row(active.index(e));
                for (int i = 0; i < width; i++) {
                    vectors[e * width + i] = -active.value(e) * direction[i];
                }
            }
            Tensor added = Tensor.of(vectors, count, width);
            int[] rows = IntStream.range(0, count).toArray();
            float[] residual = clean.get(HookPoint.residPre(0)).slice(0).row(position);
            // The last block: positions behind the changed one do not see it.
            int[][] token = new int[count][];
            float[] residuals = new float[count * config.dModel()];
            for (int e = 0; e < count; e++) {
                token[e] = new int[] {tokens[0][position]};
                System.arraycopy(residual, 0, residuals, e * residual.length, residual.length);
            }
            double own = median(21, () -> model.forward(token, ForwardPlan.builder().capture(HookPoint.LOGITS)
                    .startAt(0, Tensor.of(residuals, count, 1, config.dModel())).after(clean, position).add(hook, rows, added).build()));
            double whole = median(5, () -> {
                for (int e = 0; e < count; e++) {
                    model.forward(tokens, ForwardPlan.builder().capture(HookPoint.LOGITS).add(hook, new int[] {position},
                            added.slice(e).reshape(1, width)).build());
                }
            });
            print("ablation of " + count + " features at a position", own, 1, peer, "ablation", "" + count, "" + position);
            print("the same by one whole pass for each", whole, 1, List.of());
        }
    }

    /** Opens a folder several times; the first pass packs the weights. */
    private static void open(Engine engine, Path folder) throws Exception {
        for (int i = 0; i < 3; i++) {
            long start = System.nanoTime();
            try (Transformer model = Transformers.open(folder, engine)) {
                double opened = (System.nanoTime() - start) / 1e9;
                int[][] tokens = {{1, 2, 3, 4, 5, 6, 7, 8}};
                model.forward(tokens, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1).build());
                double first = (System.nanoTime() - start) / 1e9 - opened;
                print("open, time " + (i + 1), opened, 1, List.of());
                print("first pass", first, 1, List.of());
            }
        }
    }

    private static double median(int runs, Runnable run) {
        return Timing.median(runs, 2, 6, run);
    }

    private static void print(String name, double own, double times, List<String> peer, String... arguments) throws Exception {
        OptionalDouble other = peer.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(times * Peer.median(peer, List.of(arguments)));
        System.out.printf(Locale.ROOT, "%-40s sae4j %9.2f ms%s%n", name, own * 1e3, other.isEmpty() ? ""
                : String.format(Locale.ROOT, "   peer %9.2f ms   peer / sae4j %.2f", other.getAsDouble() * 1e3, other.getAsDouble() / own));
    }
}
