package com.example.pursuit;

import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.format.SaeFiles;
import org.sae4j.core.format.SaeWeights;

/** Keeps the decoder of a trained autoencoder and puts the pursuit in the place of its encoder: {@code Refit SAE OUTPUT K}. */
public final class Refit {
    private Refit() {}

    /**
     * Writes an autoencoder with the decoder of another.
     *
     * @param args the folder of an autoencoder, the folder to write, and the number of active features
     */
    public static void main(String[] args) {
        try (SaeWeights trained = SaeFiles.read(Path.of(args[0]))) {
            SaeConfig was = trained.config();
            SaeConfig config = SaeConfig.builder(new OrthogonalMatchingPursuit().architecture(), was.dIn(), was.dSae())
                    .k(Integer.parseInt(args[2])).hook(was.hook()).modelName(was.modelName()).build();
            Map<String, Tensor> parameters = trained.parameters();
            SaeFiles.write(Path.of(args[1]), config, Map.of("W_dec", Objects.requireNonNull(parameters.get("W_dec")), "b_dec",
                    Objects.requireNonNull(parameters.get("b_dec"))), Map.of());
        }
    }
}
