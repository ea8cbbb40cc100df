package org.sae4j.benchmarks;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.core.SparseAutoencoders;

/** Encoding and decoding of a batch through the library's face: checks, copies and sparse rows included. */
final class SaeInference implements Subject {
    private final SparseAutoencoder sae;
    private final Tensor x;
    private double l0;

    /**
     * Makes a random ReLU autoencoder.
     *
     * @param engine the engine
     * @param d width of the activations
     * @param n number of features
     * @param batch rows of the batch
     * @param l0 features of a row that are active, about
     */
    SaeInference(Engine engine, int d, int n, int batch, double l0) {
        CounterRandom random = new CounterRandom(1);
        SaeConfig config = SaeConfig.builder(SaeConfig.Architecture.RELU, d, n).build();
        sae = SparseAutoencoders.of(config, Map.of("W_enc", Tensor.of(RandomValues.uniform(random, d * n, Math.sqrt(3.0 / d)), d, n),
                "b_enc", Tensor.of(RandomValues.constant(n, -RandomValues.normalQuantile(1 - l0 / n)), n),
                "W_dec", Tensor.of(RandomValues.uniform(random, n * d, Math.sqrt(3.0 / d)), n, d), "b_dec", Tensor.of(new float[d], d)),
                engine);
        x = Tensor.of(RandomValues.uniform(random, batch * d, Math.sqrt(3)), batch, d);
    }

    @Override
    public void run() {
        SparseRows features = sae.encode(x);
        l0 = features.entries() / (double) features.rows();
        sae.decode(features);
    }

    @Override
    public String state() {
        return String.format(Locale.ROOT, "L0 %.1f", l0);
    }

    @Override
    public void close() {
        sae.close();
    }
}
