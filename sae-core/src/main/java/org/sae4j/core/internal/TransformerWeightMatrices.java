package org.sae4j.core.internal;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.TransformerConfig;

/** The parameters of a transformer in TransformerLens's layouts, and the same as the matrices that programs use. */
final class TransformerWeightMatrices {
    private static final int BLOCK = 64;

    private TransformerWeightMatrices() {}

    /** The shape of every parameter, in the order of the computation. */
    static Map<String, int[]> shapes(TransformerConfig config) {
        int d = config.dModel();
        int heads = config.nHeads();
        int dHead = config.dHead();
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("embed.W_E", new int[] {config.dVocab(), d});
        shapes.put("pos_embed.W_pos", new int[] {config.nCtx(), d});
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String name = "blocks." + layer + ".";
            layerNorm(shapes, name + "ln1", d);
            for (String letter : new String[] {"Q", "K", "V"}) {
                shapes.put(name + "attn.W_" + letter, new int[] {heads, d, dHead});
                shapes.put(name + "attn.b_" + letter, new int[] {heads, dHead});
            }
            shapes.put(name + "attn.W_O", new int[] {heads, dHead, d});
            shapes.put(name + "attn.b_O", new int[] {d});
            layerNorm(shapes, name + "ln2", d);
            shapes.put(name + "mlp.W_in", new int[] {d, config.dMlp()});
            shapes.put(name + "mlp.b_in", new int[] {config.dMlp()});
            shapes.put(name + "mlp.W_out", new int[] {config.dMlp(), d});
            shapes.put(name + "mlp.b_out", new int[] {d});
        }
        layerNorm(shapes, "ln_final", d);
        shapes.put("unembed.W_U", new int[] {d, config.dVocab()});
        shapes.put("unembed.b_U", new int[] {config.dVocab()});
        return shapes;
    }

    private static void layerNorm(Map<String, int[]> shapes, String name, int width) {
        shapes.put(name + ".w", new int[] {width});
        shapes.put(name + ".b", new int[] {width});
    }

    /**
     * The matrices of all parameters.
     *
     * @param tied whether the unembedding is the transposed embedding, which then serves for both
     * @param parameters the parameters
     * @param known parameters whose matrices are known already
     * @param matrices the matrices of {@code known}: they are shared, so that an engine sees the same tensors again
     */
    static Map<String, Tensor> matrices(boolean tied, Map<String, Tensor> parameters, Map<String, Tensor> known,
            Map<String, Tensor> matrices) {
        Map<String, Tensor> result = new LinkedHashMap<>();
        parameters.forEach((name, tensor) -> {
            if (tied && name.equals("unembed.W_U")) {
                return;
            }
            Tensor shared = known.get(name) == tensor ? matrices.get(name) : null;
            result.put(name, shared == null ? matrix(name, tensor) : shared);
        });
        return Collections.unmodifiableMap(result);
    }

    private static Tensor matrix(String name, Tensor tensor) {
        return switch (name.substring(name.lastIndexOf('.') + 1)) {
            case "W_Q", "W_K", "W_V" -> headsAsColumns(tensor);
            case "W_O" -> tensor.reshape(-1, tensor.dim(-1));
            default -> tensor.rank() == 2 && name.indexOf(".b_") < 0 ? tensor : tensor.reshape(1, Math.toIntExact(tensor.size()));
        };
    }

    /** [heads, d, d_head] to [d, heads * d_head]: one product then gives the rows of all heads side by side. */
    private static Tensor headsAsColumns(Tensor tensor) {
        int heads = tensor.dim(0);
        int rows = tensor.dim(1);
        int width = tensor.dim(2);
        float[] values = new float[Math.toIntExact(tensor.size())];
        for (int head = 0; head < heads; head++) {
            for (int row = 0; row < rows; row++) {
                tensor.copyTo(((long) head * rows + row) * width, values, (row * heads + head) * width, width);
            }
        }
        return Tensor.of(values, rows, heads * width);
    }

    /** Whether the unembedding [d, V] is to the bit the transposed embedding [V, d]. */
    static boolean isTransposed(Tensor embedding, Tensor unembedding) {
        int vocabulary = embedding.dim(0);
        int d = embedding.dim(1);
        float[] rows = new float[BLOCK * d];
        float[] columns = new float[BLOCK];
        for (int from = 0; from < vocabulary; from += BLOCK) {
            int count = Math.min(BLOCK, vocabulary - from);
            embedding.copyTo((long) from * d, rows, 0, count * d);
            for (int j = 0; j < d; j++) {
                unembedding.copyTo((long) j * vocabulary + from, columns, 0, count);
                for (int i = 0; i < count; i++) {
                    if (Float.floatToRawIntBits(columns[i]) != Float.floatToRawIntBits(rows[i * d + j])) {
                        return false;
                    }
                }
            }
        }
        return true;
    }
}
