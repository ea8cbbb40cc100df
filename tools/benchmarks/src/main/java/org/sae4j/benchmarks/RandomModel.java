package org.sae4j.benchmarks;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.core.Transformers;

/** Transformers with random weights: how long they take does not depend on what they know. */
final class RandomModel {
    /** GPT-2 small. */
    static final TransformerConfig GPT2_SMALL = TransformerConfig.builder("gpt2-small").layers(12).dModel(768).heads(12).dHead(64)
            .dMlp(3072).nCtx(1024).dVocab(50257).activation(TransformerConfig.Activation.GELU_TANH).tiedUnembedding(true).build();
    /** Neel Nanda's gelu-1l. */
    static final TransformerConfig GELU_1L = TransformerConfig.builder("gelu-1l").layers(1).dModel(512).heads(8).dHead(64).dMlp(2048)
                .nCtx(1024).dVocab(48262).activation(TransformerConfig.Activation.GELU).build();

    private final SplittableRandom random = new SplittableRandom(1);
    private final Map<String, Tensor> parameters = new HashMap<>();

    private RandomModel() {}

    /** Opens a model whose weights are uniform around zero with GPT-2's standard deviation of 0.02. */
    static Transformer open(TransformerConfig c, Optional<Tokenizer> tokenizer, Engine engine) {
        return Transformers.of(c, new RandomModel().parameters(c), tokenizer, engine);
    }

    private Map<String, Tensor> parameters(TransformerConfig c) {
        int d = c.dModel();
        draw("embed.W_E", c.dVocab(), d);
        draw("pos_embed.W_pos", c.nCtx(), d);
        for (int layer = 0; layer < c.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            norm(block + "ln1", d);
            for (String letter : new String[] {"Q", "K", "V"}) {
                draw(block + "attn.W_" + letter, c.nHeads(), d, c.dHead());
                draw(block + "attn.b_" + letter, c.nHeads(), c.dHead());
            }
            draw(block + "attn.W_O", c.nHeads(), c.dHead(), d);
            draw(block + "attn.b_O", d);
            norm(block + "ln2", d);
            draw(block + "mlp.W_in", d, c.dMlp());
            draw(block + "mlp.b_in", c.dMlp());
            draw(block + "mlp.W_out", c.dMlp(), d);
            draw(block + "mlp.b_out", d);
        }
        norm("ln_final", d);
        if (c.tiedUnembedding()) {
            parameters.put("unembed.W_U", transposed(Objects.requireNonNull(parameters.get("embed.W_E"))));
        } else {
            draw("unembed.W_U", d, c.dVocab());
        }
        parameters.put("unembed.b_U", Tensor.zeros(c.dVocab()));
        return parameters;
    }

    private void norm(String name, int width) {
        float[] ones = new float[width];
        java.util.Arrays.fill(ones, 1);
        parameters.put(name + ".w", Tensor.of(ones, width));
        parameters.put(name + ".b", Tensor.zeros(width));
    }

    private void draw(String name, int... shape) {
        parameters.put(name, uniform(random, 0.02, shape));
    }

    /** Draws uniform numbers around zero. */
    static Tensor uniform(SplittableRandom random, double deviation, int... shape) {
        int size = 1;
        for (int length : shape) {
            size *= length;
        }
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) ((random.nextDouble() - 0.5) * Math.sqrt(12) * deviation);
        }
        return Tensor.of(values, shape);
    }

    private static Tensor transposed(Tensor matrix) {
        int rows = matrix.dim(0);
        int columns = matrix.dim(1);
        float[] from = matrix.toArray();
        float[] to = new float[from.length];
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                to[column * rows + row] = from[row * columns + column];
            }
        }
        return Tensor.of(to, columns, rows);
    }
}
