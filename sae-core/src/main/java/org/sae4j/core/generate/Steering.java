package org.sae4j.core.generate;

import java.util.Map;
import java.util.TreeMap;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/**
 * Features of an autoencoder that are moved while a model runs, at every position, those of the prompt included. Only the difference that
 * the features make is added at the autoencoder's hook point: what the autoencoder does not reconstruct stays.
 *
 * @param sae the autoencoder; it must be open while the steering is used
 * @param mode what the numbers mean
 * @param features a number for each feature
 */
public record Steering(SparseAutoencoder sae, Mode mode, Map<Integer, Double> features) {
    /** What a feature's number means. */
    public enum Mode {
        /** The number times the feature's decoder direction is added (Templeton et al. 2024, Neuronpedia). */
        ADD,
        /** The feature's activation becomes the number, whatever it was. */
        CLAMP
    }

    /**
     * Checks and copies.
     *
     * @throws IllegalArgumentException if there is no such feature, a number is not finite, or the autoencoder does not say its hook point
     */
    public Steering {
        features = java.util.Collections.unmodifiableMap(new TreeMap<>(features));
        features.forEach((feature, value) -> {
            if (feature < 0 || feature >= sae.config().dSae()) {
                throw new IllegalArgumentException("features are from 0 to " + (sae.config().dSae() - 1) + ", found " + feature);
            }
            if (!Float.isFinite(value.floatValue())) {
                throw new IllegalArgumentException("feature " + feature + " cannot be moved to " + value);
            }
        });
        if (sae.config().hook().isEmpty()) {
            throw new IllegalArgumentException("the autoencoder does not say its hook point: set hook_name in cfg.json");
        }
    }

    /** {@return where the features are moved} */
    public HookPoint hook() {
        return sae.config().hook().orElseThrow();
    }

    /**
     * What is added to rows.
     *
     * @param x rows at the hook point [rows, d_in]; its values matter for {@link Mode#CLAMP} alone
     * @return what is added [rows, d_in]
     */
    Tensor change(Tensor x) {
        SparseRows without = mode == Mode.ADD ? SparseRows.ofDense(Tensor.zeros(1, sae.config().dSae())) : sae.encode(x);
        float[] dense = without.toDense().toArray();
        int rows = without.rows();
        for (int row = 0; row < rows; row++) {
            for (Map.Entry<Integer, Double> entry : features.entrySet()) {
                dense[row * sae.config().dSae() + entry.getKey()] = entry.getValue().floatValue();
            }
        }
        float[] before = sae.decode(without).toArray();
        float[] after = sae.decode(SparseRows.ofDense(Tensor.of(dense, rows, sae.config().dSae()))).toArray();
        int d = after.length / rows;
        float[] change = new float[x.dim(0) * d];
        for (int i = 0; i < change.length; i++) {
            int from = rows == 1 ? i % d : i;
            change[i] = after[from] - before[from];
        }
        return Tensor.of(change, x.dim(0), d);
    }
}
