package org.sae4j.guards;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.demoworld.DemoWorld;

/**
 * A model, an autoencoder of random weights and a few texts on disk.
 *
 * @param model the demo world's one-block model
 * @param autoencoder 256 features of its MLP, 16 active
 * @param texts labelled texts
 */
record DemoFolders(Path model, Path autoencoder, Path texts) {
    private static final int D_IN = 512;
    private static final int D_SAE = 256;

    /** Writes {@code model}, {@code sae} and {@code texts.tsv} into a folder. */
    static DemoFolders writeTo(Path folder) {
        try {
            Path model = DemoWorld.extractModel(DemoWorld.GELU_1L, folder.resolve("model"));
            Path autoencoder = folder.resolve("sae");
            SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, D_IN, D_SAE).k(16).hook(HookPoint.mlpPost(0))
                    .modelName(DemoWorld.GELU_1L).build();
            CounterRandom random = new CounterRandom(3);
            SaeFiles.write(autoencoder, config, Map.of("W_enc", gaussian(random, D_IN, D_SAE), "b_enc", Tensor.zeros(D_SAE), "W_dec",
                    gaussian(random, D_SAE, D_IN), "b_dec", Tensor.zeros(D_IN)), Map.of());
            Path texts = Files.writeString(folder.resolve("texts.tsv"), """
                    english\tThe cat slept under the tree today.
                    french\tLe chat dort sous l'arbre.
                    dna\tGATTACAGATTACA
                    code\tfor (int i = 0; i < n; i++)
                    """);
            return new DemoFolders(model, autoencoder, texts);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes {@code model.gguf} (make_gguf.py), a model of random weights with a tokenizer, and its autoencoder {@code sae}. */
    static void writeGguf(Path folder) {
        try (InputStream model = DemoFolders.class.getResourceAsStream("model.gguf")) {
            Files.copy(Objects.requireNonNull(model), folder.resolve("model.gguf"));
            int width = 32;
            int features = 64;
            SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.TOPK, width, features).k(8).hook(HookPoint.residPost(1)).build();
            CounterRandom random = new CounterRandom(5);
            SaeFiles.write(folder.resolve("sae"), config, Map.of("W_enc", gaussian(random, width, features), "b_enc", Tensor.zeros(features),
                    "W_dec", gaussian(random, features, width), "b_dec", Tensor.zeros(width)), Map.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Tensor gaussian(CounterRandom random, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Tensor.of(values, rows, columns);
    }
}
