package org.sae4j.core;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.sae.SaeConfig;

/** Small models with random parameters, the same for the same seed. */
public final class RandomModels {
    private RandomModels() {}

    /** The seed decides depth (0 to 3), heads, widths, activation, and whether the unembedding is tied. */
    public static TransformerConfig config(long seed) {
        CounterRandom random = new CounterRandom(seed).stream("config");
        TransformerConfig.Activation[] activations = TransformerConfig.Activation.values();
        return TransformerConfig.builder("random " + seed).layers((int) (seed % 4)).dModel(3 + random.nextInt(12))
                .heads(1 + random.nextInt(4)).dHead(1 + random.nextInt(6)).dMlp(1 + random.nextInt(20)).nCtx(3 + random.nextInt(8))
                .dVocab(2 + random.nextInt(20)).activation(activations[(int) (seed % activations.length)])
                .tiedUnembedding(seed % 2 == 0).build();
    }

    public static Map<String, Tensor> parameters(TransformerConfig config, long seed) {
        CounterRandom random = new CounterRandom(seed).stream("parameters");
        int d = config.dModel();
        int heads = config.nHeads();
        int dHead = config.dHead();
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        Tensor embedding = gaussian(random, 1, config.dVocab(), d);
        parameters.put("embed.W_E", embedding);
        parameters.put("pos_embed.W_pos", gaussian(random, 0.5, config.nCtx(), d));
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String name = "blocks." + layer + ".";
            for (String norm : new String[] {"ln1", "ln2"}) {
                parameters.put(name + norm + ".w", gaussian(random, 1, d));
                parameters.put(name + norm + ".b", gaussian(random, 0.3, d));
            }
            for (String letter : new String[] {"Q", "K", "V"}) {
                parameters.put(name + "attn.W_" + letter, gaussian(random, 0.6, heads, d, dHead));
                parameters.put(name + "attn.b_" + letter, gaussian(random, 0.3, heads, dHead));
            }
            parameters.put(name + "attn.W_O", gaussian(random, 0.4, heads, dHead, d));
            parameters.put(name + "attn.b_O", gaussian(random, 0.3, d));
            parameters.put(name + "mlp.W_in", gaussian(random, 0.5, d, config.dMlp()));
            parameters.put(name + "mlp.b_in", gaussian(random, 0.3, config.dMlp()));
            parameters.put(name + "mlp.W_out", gaussian(random, 0.4, config.dMlp(), d));
            parameters.put(name + "mlp.b_out", gaussian(random, 0.3, d));
        }
        parameters.put("ln_final.w", gaussian(random, 1, d));
        parameters.put("ln_final.b", gaussian(random, 0.3, d));
        parameters.put("unembed.W_U", config.tiedUnembedding() ? transposed(embedding) : gaussian(random, 0.5, d, config.dVocab()));
        parameters.put("unembed.b_U", config.tiedUnembedding() ? Tensor.zeros(config.dVocab()) : gaussian(random, 0.3, config.dVocab()));
        return parameters;
    }

    public static int[][] tokens(TransformerConfig config, int batch, int length, long seed) {
        CounterRandom random = new CounterRandom(seed).stream("tokens");
        int[][] tokens = new int[batch][length];
        for (int[] row : tokens) {
            for (int pos = 0; pos < length; pos++) {
                row[pos] = random.nextInt(config.dVocab());
            }
        }
        return tokens;
    }

    public static SaeConfig sae(SaeConfig.Architecture architecture, SaeConfig.Normalization normalization, boolean applyBDec, int dIn,
            int dSae) {
        int k = Math.min(3, dSae);
        while (architecture.equals(SaeConfig.Architecture.GROUP_MAX) && dSae % k != 0) {
            k--;
        }
        SaeConfig.Builder config = SaeConfig.builder(architecture, dIn, dSae).k(hasK(architecture) ? k : 0).applyBDecToInput(applyBDec)
                .normalization(normalization);
        if (architecture.equals(SaeConfig.Architecture.MATCHING_PURSUIT)) {
            config.setting("max_iterations", dIn).setting("residual_threshold", 0.0).setting("stop_on_duplicate_support", true);
        }
        return config.build();
    }

    public static boolean hasK(SaeConfig.Architecture architecture) {
        return List.of(SaeConfig.Architecture.TOPK, SaeConfig.Architecture.ABS_TOPK, SaeConfig.Architecture.GROUP_MAX).contains(architecture);
    }

    public static Map<String, Tensor> parameters(SaeConfig config, long seed) {
        CounterRandom random = new CounterRandom(seed).stream("sae");
        Map<String, Tensor> parameters = new LinkedHashMap<>();
        if (!config.architecture().equals(SaeConfig.Architecture.MATCHING_PURSUIT)) {
            parameters.put("W_enc", gaussian(random, 0.5, config.dIn(), config.dSae()));
        }
        parameters.put("W_dec", gaussian(random, 0.5, config.dSae(), config.dIn()));
        parameters.put("b_dec", gaussian(random, 0.3, config.dIn()));
        switch (config.architecture().name()) {
            case "matching_pursuit" -> { }
            case "relu", "topk", "abs_topk", "group_max" -> parameters.put("b_enc", gaussian(random, 0.3, config.dSae()));
            case "jump_relu" -> {
                parameters.put("b_enc", gaussian(random, 0.3, config.dSae()));
                parameters.put("threshold", gaussian(random, 0.5, config.dSae()));
            }
            case "gated" -> {
                parameters.put("b_gate", gaussian(random, 0.3, config.dSae()));
                parameters.put("b_mag", gaussian(random, 0.3, config.dSae()));
                parameters.put("r_mag", gaussian(random, 0.3, config.dSae()));
            }
        }
        return parameters;
    }

    public static Tensor gaussian(CounterRandom random, double scale, int... shape) {
        int size = 1;
        for (int length : shape) {
            size *= length;
        }
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) (scale * random.nextGaussian());
        }
        return Tensor.of(values, shape);
    }

    public static Tensor transposed(Tensor matrix) {
        float[] values = new float[Math.toIntExact(matrix.size())];
        for (int row = 0; row < matrix.dim(0); row++) {
            for (int column = 0; column < matrix.dim(1); column++) {
                values[column * matrix.dim(0) + row] = matrix.at(row, column);
            }
        }
        return Tensor.of(values, matrix.dim(1), matrix.dim(0));
    }
}
