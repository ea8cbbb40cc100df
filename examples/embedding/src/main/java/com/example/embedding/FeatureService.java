package com.example.embedding;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.Engines;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;

/**
 * Says which features of a sparse autoencoder a text activates. Engine, model and autoencoder are opened once and shared: all methods but
 * {@link #close()} may be called by any number of threads.
 */
public final class FeatureService implements AutoCloseable {
    private final Engine engine;
    private final Transformer model;
    private final SparseAutoencoder autoencoder;

    private FeatureService(Engine engine, Transformer model, SparseAutoencoder autoencoder) {
        this.engine = engine;
        this.model = model;
        this.autoencoder = autoencoder;
    }

    /**
     * Opens model and autoencoder on the best engine that is installed.
     *
     * @param modelFolder a transformer's folder
     * @param autoencoderFolder the folder of an autoencoder that was trained on this transformer
     * @return the service, to be closed by the caller
     * @throws org.sae4j.api.Sae4jException if one of them cannot be read; the message says what to do
     */
    public static FeatureService open(Path modelFolder, Path autoencoderFolder) {
        Engine engine = Engines.open(Engines.AUTO, EngineOptions.DEFAULT);
        Transformer model = null;
        try {
            model = Transformers.open(modelFolder, engine);
            return new FeatureService(engine, model, SparseAutoencoders.open(autoencoderFolder, engine));
        } catch (RuntimeException e) {
            if (model != null) {
                model.close();
            }
            engine.close();
            throw e;
        }
    }

    /**
     * A feature that a text activates.
     *
     * @param feature its number
     * @param activation its largest activation over the text's tokens
     */
    public record Active(int feature, float activation) {}

    /**
     * The features that a text activates most.
     *
     * @param text any text
     * @param limit how many to give at most
     * @return by descending activation, then by number
     */
    public List<Active> strongest(String text, int limit) {
        SparseRows features = EncodedCorpus.encode(model, autoencoder, List.of(new Document("", text)), Progress.NONE).features();
        float[] largest = new float[features.columns()];
        for (int entry = 0; entry < features.entries(); entry++) {
            largest[features.index(entry)] = Math.max(largest[features.index(entry)], features.value(entry));
        }
        return IntStream.range(0, largest.length).filter(f -> largest[f] > 0).mapToObj(f -> new Active(f, largest[f]))
                .sorted(Comparator.comparing(Active::activation).reversed().thenComparing(Active::feature)).limit(limit).toList();
    }

    /** Closes autoencoder, model and engine, in this order. */
    @Override
    public void close() {
        autoencoder.close();
        model.close();
        engine.close();
    }
}
