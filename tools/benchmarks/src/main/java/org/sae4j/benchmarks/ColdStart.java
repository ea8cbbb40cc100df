package org.sae4j.benchmarks;

import java.nio.file.Path;
import java.util.Locale;
import java.util.SplittableRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.SparseAutoencoders;
import org.sae4j.core.Transformers;
import org.sae4j.engine.cpu.CpuEngineProvider;

/** What happens from the start of a JVM to the first feature activations of a text: to be timed from outside. */
public final class ColdStart {
    private static final int FEATURES = 4096;

    private ColdStart() {}

    /**
     * Opens a model, reads a text and encodes what its last MLP computes.
     *
     * @param args the model's folder, a text, and an autoencoder's folder; without the last one an autoencoder with random weights
     */
    public static void main(String[] args) {
        Path folder = Path.of(args[0]);
        try (Engine engine = new CpuEngineProvider().open(EngineOptions.DEFAULT); Transformer model = Transformers.open(folder, engine);
                SparseAutoencoder sae = args.length > 2 ? SparseAutoencoders.open(Path.of(args[2]), engine) : random(model, engine)) {
            HookPoint hook = sae.config().hook().orElseThrow();
            int[] tokens = model.tokenizer().orElseThrow().encode(args[1]).ids();
            Tensor values = model.forward(new int[][] {tokens}, ForwardPlan.capture(hook)).get(hook).slice(0);
            System.out.printf(Locale.ROOT, "%d tokens, %d active features%n", tokens.length, sae.encode(values).entries());
        }
    }

    private static SparseAutoencoder random(Transformer model, Engine engine) {
        SplittableRandom random = new SplittableRandom(1);
        int width = model.config().dMlp();
        HookPoint hook = HookPoint.mlpPost(model.config().nLayers() - 1);
        return SparseAutoencoders.of(SaeConfig.builder(SaeConfig.Architecture.RELU, width, FEATURES).hook(hook).build(), java.util.Map.of(
                "W_enc", RandomModel.uniform(random, 0.02, width, FEATURES), "b_enc", Tensor.zeros(FEATURES),
                "W_dec", RandomModel.uniform(random, 0.02, FEATURES, width), "b_dec", Tensor.zeros(width)), engine);
    }
}
