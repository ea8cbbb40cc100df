package org.sae4j.core.internal;

import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Engine;
import org.sae4j.core.program.Parameter;
import org.sae4j.core.program.ProgramWriter.Binding;

/**
 * The matrices that programs use of a model's parameters.
 *
 * @param tensors the matrices by name
 * @param bindings which tensor each weight is, and whether transposed
 */
record ParameterMatrices(Map<String, Tensor> tensors, Map<String, Binding> bindings) {
    private static final int BLOCK = 64;
    private static final String REMEDY = "use a smaller model";
    private static final String W_E = "embed.W_E";
    private static final String W_U = "unembed.W_U";
    static final ParameterMatrices NONE = new ParameterMatrices(Map.of(), Map.of());

    /**
     * The matrices of all parameters.
     *
     * @param tied whether the unembedding is the transposed embedding, which then serves for both
     * @param described what the parameters are
     * @param parameters the parameters
     * @param engine for which weights are converted to float32 unless it reads their type
     * @param known parameters whose matrices are known already
     * @param matrices the matrices of {@code known}: they are shared, so that an engine sees the same tensors again
     * @throws org.sae4j.api.Sae4jException if there is too little heap for what must be rearranged or converted
     */
    static ParameterMatrices of(boolean tied, Map<String, Parameter> described, Map<String, Tensor> parameters,
            Engine engine, Map<String, Tensor> known, ParameterMatrices matrices) {
        long copied = 0;
        for (Map.Entry<String, Parameter> each : described.entrySet()) {
            Tensor tensor = Objects.requireNonNull(parameters.get(each.getKey()), each.getKey());
            boolean isKnown = known.get(each.getKey()) == tensor && matrices.tensors.containsKey(each.getKey());
            if (!isKnown && !(tied && each.getKey().equals(W_U))
                    && (each.getValue().isRearranged(tensor) || !engine.reads(tensor.type()))) {
                copied += Heap.floats(1, tensor.size(), "for parameter " + each.getKey(), engine.id(), REMEDY) * (long) Float.BYTES;
            }
        }
        Heap.require(copied, "for parameters that engine " + engine.id() + " reads in another order or type than they have",
                "parameters of the model", REMEDY);
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        Map<String, Binding> bindings = new HashMap<>();
        described.forEach((name, parameter) -> {
            if (tied && name.equals(W_U)) {
                bindings.put(W_U, new Binding(W_E, true));
                return;
            }
            Tensor tensor = Objects.requireNonNull(parameters.get(name), name);
            Tensor shared = known.get(name) == tensor ? matrices.tensors.get(name) : null;
            Binding binding = matrices.bindings.get(name);
            if (shared != null && binding != null) {
                tensors.put(name, shared);
                bindings.put(name, binding);
            } else {
                Parameter.Matrix matrix = parameter.matrix(tensor);
                tensors.put(name, readable(matrix.tensor(), engine));
                bindings.put(name, new Binding(name, matrix.transposed()));
            }
        });
        return new ParameterMatrices(Collections.unmodifiableMap(tensors), Collections.unmodifiableMap(bindings));
    }

    private static Tensor readable(Tensor matrix, Engine engine) {
        return engine.reads(matrix.type()) ? matrix : Tensor.of(matrix.toArray(), matrix.shape());
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
