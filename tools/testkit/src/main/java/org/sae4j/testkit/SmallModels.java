package org.sae4j.testkit;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;

/** Small models with random parameters and a tokenizer of single characters, for tests of experiments. Equal seeds give equal values. */
public final class SmallModels {
    private SmallModels() {}

    /**
     * A model with the vocabulary of {@link #characters()}, two heads, a hidden layer of 24 and a context of 32.
     *
     * @param layers number of blocks
     * @param activation the MLP's activation function
     * @return its configuration
     */
    public static TransformerConfig config(int layers, TransformerConfig.Activation activation) {
        return TransformerConfig.builder("small " + layers).layers(layers).dModel(12).heads(2).dHead(6).dMlp(24)
                .nCtx(32).dVocab(characters().vocabularySize()).activation(activation).build();
    }

    /**
     * Random parameters of a model, by their TransformerLens names.
     *
     * @param config the model
     * @param seed any number
     * @return all parameters
     */
    public static Map<String, Tensor> parameters(TransformerConfig config, long seed) {
        CounterRandom random = new CounterRandom(seed).stream("small model");
        int d = config.dModel();
        int heads = config.nHeads();
        int dHead = config.dHead();
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        parameters.put("embed.W_E", gaussian(random, 1, config.dVocab(), d));
        parameters.put("pos_embed.W_pos", gaussian(random, 0.5, config.nCtx(), d));
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String block = "blocks." + layer + ".";
            for (String norm : new String[] {"ln1", "ln2"}) {
                parameters.put(block + norm + ".w", gaussian(random, 1, d));
                parameters.put(block + norm + ".b", gaussian(random, 0.3, d));
            }
            for (String letter : new String[] {"Q", "K", "V"}) {
                parameters.put(block + "attn.W_" + letter, gaussian(random, 0.5, heads, d, dHead));
                parameters.put(block + "attn.b_" + letter, gaussian(random, 0.3, heads, dHead));
            }
            parameters.put(block + "attn.W_O", gaussian(random, 0.4, heads, dHead, d));
            parameters.put(block + "attn.b_O", gaussian(random, 0.3, d));
            parameters.put(block + "mlp.W_in", gaussian(random, 0.5, d, config.dMlp()));
            parameters.put(block + "mlp.b_in", gaussian(random, 0.3, config.dMlp()));
            parameters.put(block + "mlp.W_out", gaussian(random, 0.4, config.dMlp(), d));
            parameters.put(block + "mlp.b_out", gaussian(random, 0.3, d));
        }
        parameters.put("ln_final.w", gaussian(random, 1, d));
        parameters.put("ln_final.b", gaussian(random, 0.3, d));
        parameters.put("unembed.W_U", gaussian(random, 0.5, d, config.dVocab()));
        parameters.put("unembed.b_U", gaussian(random, 0.3, config.dVocab()));
        return parameters;
    }

    /**
     * Random parameters of an autoencoder, by their SAELens names, with unit decoder rows.
     *
     * @param config the autoencoder
     * @param seed any number
     * @return all parameters
     */
    public static Map<String, Tensor> parameters(SaeConfig config, long seed) {
        CounterRandom random = new CounterRandom(seed).stream("small autoencoder");
        int d = config.dIn();
        float[] decoder = gaussian(random, 1, config.dSae(), d).toArray();
        for (int row = 0; row < config.dSae(); row++) {
            double norm = 0;
            for (int i = 0; i < d; i++) {
                norm += (double) decoder[row * d + i] * decoder[row * d + i];
            }
            for (int i = 0; i < d; i++) {
                decoder[row * d + i] /= (float) Math.sqrt(norm);
            }
        }
        int n = config.dSae();
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        parameters.put("W_enc", gaussian(random, 0.5, d, n));
        parameters.put(config.architecture().equals(SaeConfig.Architecture.GATED) ? "b_mag" : "b_enc", gaussian(random, 0.2, n));
        parameters.put("W_dec", Tensor.of(decoder, n, d));
        parameters.put("b_dec", gaussian(random, 0.2, d));
        switch (config.architecture().name()) {
            case "matching_pursuit" -> parameters.keySet().removeAll(List.of("W_enc", "b_enc"));
            case "jump_relu" -> parameters.put("threshold", positive(random, n));
            case "gated" -> {
                parameters.put("b_gate", gaussian(random, 0.2, n));
                parameters.put("r_mag", gaussian(random, 0.2, n));
            }
            default -> { }
        }
        return parameters;
    }

    private static Tensor positive(CounterRandom random, int n) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (0.5 * random.nextDouble());
        }
        return Tensor.of(values, n);
    }

    /**
     * A tensor of normal numbers.
     *
     * @param random where they come from
     * @param scale their standard deviation
     * @param shape the shape
     * @return the tensor
     */
    public static Tensor gaussian(CounterRandom random, double scale, int... shape) {
        float[] values = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return Tensor.of(values, shape);
    }

    /** {@return a tokenizer with a token for each of the printable ASCII characters, after the beginning-of-sequence token 0} */
    public static Tokenizer characters() {
        return new Characters();
    }

    private static final class Characters implements Tokenizer {
        private static final int FIRST = ' ';
        private static final int COUNT = '~' - FIRST + 1;

        @Override
        public Encoding encode(String text) {
            int n = text.length();
            int[] starts = new int[n];
            int[] ends = new int[n];
            int[] ids = text.chars().map(c -> Math.clamp(c - FIRST, 0, COUNT - 1) + 1).toArray();
            Arrays.setAll(starts, i -> i);
            Arrays.setAll(ends, i -> i + 1);
            return new Encoding(ids, starts, ends);
        }

        @Override
        public String decode(int... ids) {
            StringBuilder text = new StringBuilder();
            for (int id : ids) {
                text.append(token(id));
            }
            return text.toString();
        }

        @Override
        public String token(int id) {
            return java.util.Objects.checkIndex(id, vocabularySize()) == 0 ? "<bos>" : String.valueOf((char) (FIRST + id - 1));
        }

        @Override
        public int vocabularySize() {
            return COUNT + 1;
        }

        @Override
        public OptionalInt bos() {
            return OptionalInt.of(0);
        }
    }
}
