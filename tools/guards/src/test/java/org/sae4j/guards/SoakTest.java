package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.experiment.DataFiles;
import org.sae4j.core.experiment.ExperimentRun;
import org.sae4j.core.experiment.Experiments;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.output.Existing;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.TrainedSae;
import org.sae4j.core.train.Trainer;

/**
 * Opens, uses and closes everything again and again, from several threads, and watches the memory of the process. On demand, for as long as
 * {@code -Dsoak.minutes=30} says.
 */
@EnabledIfSystemProperty(named = "soak.minutes", matches = "\\d+(\\.\\d+)?")
class SoakTest {
    private static final System.Logger LOG = System.getLogger(SoakTest.class.getName());
    private static final int THREADS = 4;
    private static final double MIB = 1 << 20;
    /** What may come and go between two looks: garbage of another age, a program more in a pool. */
    private static final double SLACK_MIB = 24;

    /** The process after a round, in MiB, and what it has open. */
    private record Footprint(double heap, double offHeap, double mapped, double resident, long files, int threads) {
        static Footprint now() throws IOException, InterruptedException {
            for (int i = 0; i < 3; i++) {
                System.gc();
                Thread.sleep(50);
            }
            Runtime runtime = Runtime.getRuntime();
            Path status = Path.of("/proc/self/status");
            double resident = Files.exists(status) ? Files.readAllLines(status).stream().filter(line -> line.startsWith("VmRSS"))
                    .mapToDouble(line -> Double.parseDouble(line.replaceAll("\\D", "")) / 1024).sum() : Double.NaN;
            return new Footprint((runtime.totalMemory() - runtime.freeMemory()) / MIB, pool("direct"), pool("mapped"), resident, openFiles(),
                    Thread.activeCount());
        }

        private static double pool(String name) {
            return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream().filter(p -> p.getName().equals(name))
                    .mapToLong(BufferPoolMXBean::getMemoryUsed).sum() / MIB;
        }

        private static long openFiles() {
            Path descriptors = Path.of("/proc/self/fd");
            if (!Files.exists(descriptors)) {
                return 0;
            }
            try (Stream<Path> files = Files.list(descriptors)) {
                return files.count();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Test
    void theProcessDoesNotGrow(@TempDir Path folder) throws Exception {
        Duration time = Duration.ofSeconds((long) (60 * Double.parseDouble(System.getProperty("soak.minutes"))));
        DemoFolders demo = DemoFolders.writeTo(folder);
        List<Document> texts = Stream.of(1, 2, 3).flatMap(i -> DataFiles.corpus(demo.texts()).stream()).toList();
        List<Footprint> seen = new ArrayList<>();
        long start = System.nanoTime();
        long rounds = 0;
        while (System.nanoTime() - start < time.toNanos()) {
            for (int i = 0; i < 3; i++, rounds++) {
                round(demo, texts, folder);
            }
            seen.add(Footprint.now());
            LOG.log(System.Logger.Level.INFO, "after {0} rounds, {1} s: {2}", rounds, (System.nanoTime() - start) / 1_000_000_000,
                    seen.getLast());
        }
        // The first third warms up: code is compiled, pools fill.
        int third = seen.size() / 3;
        assertThat(third).as("rounds in this time").isPositive();
        List<Footprint> before = seen.subList(third, 2 * third);
        List<Footprint> after = seen.subList(seen.size() - third, seen.size());
        assertThat(median(after, Footprint::heap)).as("heap, MiB").isLessThan(median(before, Footprint::heap) + SLACK_MIB);
        assertThat(median(after, Footprint::offHeap)).as("off-heap, MiB").isLessThan(median(before, Footprint::offHeap) + SLACK_MIB);
        assertThat(median(after, Footprint::mapped)).as("mapped, MiB").isLessThan(median(before, Footprint::mapped) + SLACK_MIB);
        assertThat(median(after, Footprint::resident)).as("resident, MiB")
                .isLessThan(1.1 * median(before, Footprint::resident) + SLACK_MIB);
        assertThat(median(after, Footprint::files)).as("open files").isLessThanOrEqualTo(median(before, Footprint::files));
        assertThat(median(after, Footprint::threads)).as("threads").isLessThanOrEqualTo(median(before, Footprint::threads));
    }

    private static double median(List<Footprint> footprints, java.util.function.ToDoubleFunction<Footprint> what) {
        return footprints.stream().mapToDouble(what).sorted().skip(footprints.size() / 2).findFirst().orElseThrow();
    }

    private static void round(DemoFolders demo, List<Document> texts, Path folder) throws InterruptedException, ExecutionException {
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                Transformer model = Transformers.open(demo.model(), engine);
                SparseAutoencoder sae = SparseAutoencoders.open(demo.autoencoder(), engine);
                ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            HookPoint hook = HookPoint.mlpPost(0);
            List<Future<Tensor>> results = new ArrayList<>();
            for (int i = 0; i < 2 * THREADS; i++) {
                results.add(threads.submit(() -> {
                    Tensor x = model.forward(new int[][] {{0, 17, 42, 99}}, ForwardPlan.capture(hook)).get(hook);
                    return sae.reconstruct(x.reshape(-1, sae.config().dIn()));
                }));
            }
            float[] first = results.getFirst().get().toArray();
            for (Future<Tensor> result : results) {
                assertThat(result.get().toArray()).isEqualTo(first);
            }
            ExperimentRun run = ExperimentRun.builder(model, engine).autoencoder(sae).corpus(texts).seed(1).build();
            for (String id : List.of("specificity", "neighborhood")) {
                runWithDefaults(run, Experiments.installed().get(id));
            }
            Tensor data = model.forward(new int[][] {{0, 17, 42, 99, 3, 5, 8, 13}}, ForwardPlan.capture(hook)).get(hook)
                    .reshape(-1, sae.config().dIn());
            try (Trainer trainer = Trainer.builder(engine, Recipes.OPENAI_TOPK.with(Map.of("d_sae", "256", "k", "8", "batch", "8", "steps",
                    "5")), ActivationSource.shuffled(data, 1)).build()) {
                trainer.run(Progress.NONE);
                TrainedSae trained = trainer.result();
                SaeFiles.write(folder.resolve("trained"), trained.config(), trained.parameters(), trained.metadata(), Existing.OVERWRITE);
            }
        }
    }

    private static <C extends Record, R extends Record> void runWithDefaults(ExperimentRun run, Experiment<C, R> experiment) {
        run.run(experiment, experiment.defaults());
    }
}
