package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.format.SaeWeights;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.format.SafetensorsWriter;
import org.sae4j.core.format.TokenizerFiles;
import org.sae4j.core.format.TransformerFiles;
import org.sae4j.core.format.TransformerWeights;
import org.sae4j.core.output.Existing;
import org.sae4j.core.train.ActivationSource;
import org.sae4j.core.train.MetricsFile;
import org.sae4j.core.train.Recipes;
import org.sae4j.core.train.Trainer;
import org.sae4j.core.train.TrainingMetrics;

/**
 * A thread that is interrupted while it reads or writes files gets its work done or an exception that names the file; the thread stays
 * interrupted, what lies on disk is the old file or the new one as a whole, and the next attempt works.
 */
class InterruptionTest {
    private static final int ATTEMPTS = 12;

    @TempDir
    private static Path folder;
    private static DemoFolders demo;
    private static Engine engine;

    @BeforeAll
    static void open() {
        demo = DemoFolders.writeTo(folder);
        engine = Engines.open("cpu", EngineOptions.DEFAULT);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    /** A work on files that gives what it read, or read back. */
    private interface Work {
        Object run() throws IOException;
    }

    @TestFactory
    Stream<DynamicTest> readingAndWriting() {
        Map<String, Work> works = new LinkedHashMap<>();
        works.put("read a model", () -> {
            try (TransformerWeights weights = TransformerFiles.read(demo.model())) {
                return weights.config();
            }
        });
        works.put("read a tokenizer", () -> TokenizerFiles.read(demo.model()).encode("The cat").ids().length);
        works.put("open an autoencoder", () -> {
            try (SparseAutoencoder sae = SparseAutoencoders.open(demo.autoencoder(), engine)) {
                return sae.fingerprint();
            }
        });
        works.put("write an autoencoder", () -> {
            try (SaeWeights weights = SaeFiles.read(demo.autoencoder())) {
                SaeFiles.write(folder.resolve("copy"), weights.config(), weights.parameters(), Map.of(), Existing.OVERWRITE);
                return weights.config();
            }
        });
        works.put("write tensors", () -> {
            SafetensorsWriter.write(folder.resolve("x.safetensors"), Map.of("x", Tensor.zeros(300, 1000)), Map.of());
            return "written";
        });
        works.put("write a checkpoint", () -> {
            try (Trainer trainer = trainer()) {
                trainer.checkpoint(folder.resolve("checkpoint.safetensors"));
                return trainer.steps();
            }
        });
        works.put("write metrics", () -> {
            try (MetricsFile file = new MetricsFile(folder.resolve("metrics.jsonl"), 0)) {
                file.accept(new TrainingMetrics(1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
                return "written";
            }
        });
        return works.entrySet().stream().map(work -> DynamicTest.dynamicTest(work.getKey(), () -> interrupt(work.getValue())));
    }

    private static Trainer trainer() {
        return Trainer.builder(engine, Recipes.OPENAI_TOPK.with(Map.of("d_sae", "64", "k", "2", "batch", "2", "steps", "2")),
                ActivationSource.shuffled(Tensor.of(new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 4, 2), 1)).build();
    }

    private static void interrupt(Work work) throws Exception {
        Object expected = work.run();
        CounterRandom random = new CounterRandom(5).stream("interruption");
        long start = System.nanoTime();
        work.run();
        long usual = System.nanoTime() - start;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            // The first one is interrupted before it starts, the others at a moment within the usual time.
            long delay = attempt == 0 ? 0 : (long) (random.nextDouble() * usual);
            AtomicReference<@Nullable Object> outcome = new AtomicReference<>();
            AtomicReference<Boolean> stillInterrupted = new AtomicReference<>(false);
            CountDownLatch started = new CountDownLatch(attempt == 0 ? 0 : 1);
            Thread thread = Thread.ofPlatform().unstarted(() -> {
                if (started.getCount() == 0) {
                    Thread.currentThread().interrupt();
                }
                started.countDown();
                try {
                    outcome.set(work.run());
                } catch (Exception e) {
                    outcome.set(e);
                }
                stillInterrupted.set(Thread.currentThread().isInterrupted());
            });
            thread.start();
            started.await();
            for (long end = System.nanoTime() + delay; System.nanoTime() < end;) {
                Thread.onSpinWait();
            }
            thread.interrupt();
            thread.join();
            if (outcome.get() instanceof CancellationException) {
                // Tokenizing a text is given up so, wherever it is done.
                assertThat(stillInterrupted.get()).isTrue();
            } else if (outcome.get() instanceof Exception e) {
                assertThat(e).isInstanceOf(Sae4jException.class);
                assertThat(e.getMessage()).contains(folder.toString());
                assertThat(stillInterrupted.get()).isTrue();
            } else {
                assertThat(outcome.get()).isEqualTo(expected);
            }
            assertFilesAreWhole();
            assertThat(work.run()).isEqualTo(expected);
        }
    }

    private static void assertFilesAreWhole() {
        try (Stream<Path> files = Files.walk(folder)) {
            List<Path> all = files.filter(Files::isRegularFile).toList();
            assertThat(all).noneMatch(f -> f.getFileName().toString().endsWith(".part"));
            for (Path file : all) {
                if (file.toString().endsWith(".safetensors")) {
                    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
                        assertThat(opened.names()).isNotEmpty();
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
