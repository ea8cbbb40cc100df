package com.example.embedding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.demoworld.DemoWorld;

class FeatureServiceTest {
    private static final List<String> TEXTS = List.of("The cat slept under the tree.", "GATTACAGATTACA", "for (int i = 0; i < n; i++)",
            "Le chat dort sous l'arbre.", "The capital of France is Paris.");
    private static final int THREADS = 6;

    @TempDir
    private static Path folder;
    private static Path model;
    private static Path autoencoder;

    @BeforeAll
    static void writeFolders() {
        model = DemoWorld.extractModel(DemoWorld.GELU_1L, folder.resolve("model"));
        autoencoder = folder.resolve("autoencoder");
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, 512, 256).k(16).hook(HookPoint.mlpPost(0))
                .modelName(DemoWorld.GELU_1L).build();
        CounterRandom random = new CounterRandom(3);
        SaeFiles.write(autoencoder, config, Map.of("W_enc", gaussian(random, 512, 256), "b_enc", Tensor.zeros(256), "W_dec",
                gaussian(random, 256, 512), "b_dec", Tensor.zeros(512)), Map.of());
    }

    private static Tensor gaussian(CounterRandom random, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, rows, columns);
    }

    @Test
    void manyThreadsGetWhatOneThreadGets() throws InterruptedException, ExecutionException {
        try (FeatureService service = FeatureService.open(model, autoencoder)) {
            Map<String, List<FeatureService.Active>> alone = new HashMap<>();
            TEXTS.forEach(text -> alone.put(text, service.strongest(text, 10)));
            alone.values().forEach(active -> assertFalse(active.isEmpty()));
            List<Future<?>> tasks = new ArrayList<>();
            try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
                for (int task = 0; task < 8 * THREADS; task++) {
                    String text = TEXTS.get(task % TEXTS.size());
                    tasks.add(threads.submit(() -> assertEquals(alone.get(text), service.strongest(text, 10), text)));
                }
            }
            for (Future<?> task : tasks) {
                task.get();
            }
        }
    }

    @Test
    void fiveLinesFromFoldersToFeatures() {
        try (Engine engine = Engines.open(Engines.AUTO, EngineOptions.DEFAULT);
                Transformer transformer = Transformers.open(model, engine);
                SparseAutoencoder sae = SparseAutoencoders.open(autoencoder, engine)) {
            EncodedCorpus corpus = EncodedCorpus.encode(transformer, sae, List.of(new Document("", TEXTS.getFirst())), Progress.NONE);
            assertEquals(16, corpus.features().count(0));
        }
    }
}
