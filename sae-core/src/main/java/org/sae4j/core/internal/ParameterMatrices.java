package org.sae4j.core.internal;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.core.program.Parameter;
import org.sae4j.core.program.ProgramWriter.Binding;

/** The matrices that programs use of a model's parameters. */
final class ParameterMatrices {
    private static final int BLOCK = 64;
    private static final String W_E = "embed.W_E";
    private static final String W_U = "unembed.W_U";

    private ParameterMatrices() {}

    /** What weights are in memory: of a tied model, the unembedding is the transposed embedding. */
    static Map<String, Binding> bindings(boolean tied) {
        return tied ? Map.of(W_U, new Binding(W_E, true)) : Map.of();
    }

    /**
     * The matrices of all parameters.
     *
     * @param tied whether the unembedding is the transposed embedding, which then serves for both
     * @param described what the parameters are
     * @param parameters the parameters
     * @param known parameters whose matrices are known already
     * @param matrices the matrices of {@code known}: they are shared, so that an engine sees the same tensors again
     */
    static Map<String, Tensor> of(boolean tied, Map<String, Parameter> described, Map<String, Tensor> parameters,
            Map<String, Tensor> known, Map<String, Tensor> matrices) {
        Map<String, Tensor> result = new LinkedHashMap<>();
        described.forEach((name, parameter) -> {
            if (tied && name.equals(W_U)) {
                return;
            }
            Tensor tensor = Objects.requireNonNull(parameters.get(name), name);
            Tensor shared = known.get(name) == tensor ? matrices.get(name) : null;
            result.put(name, shared == null ? parameter.matrix(tensor) : shared);
        });
        return Collections.unmodifiableMap(result);
    }

    /** Whether a tied model's unembedding is to the bit the transposed embedding. */
    static boolean areTied(Map<String, Tensor> parameters) {
        return isTransposed(Objects.requireNonNull(parameters.get(W_E)), Objects.requireNonNull(parameters.get(W_U)));
    }

    /** Whether parameters leave embedding and unembedding as they are. */
    static boolean leavesTied(Map<String, Tensor> changed) {
        return !changed.containsKey(W_E) && !changed.containsKey(W_U);
    }

    /** Whether the unembedding [d, V] is to the bit the transposed embedding [V, d]. */
    private static boolean isTransposed(Tensor embedding, Tensor unembedding) {
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
