package org.sae4j.core.generate;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/**
 * Features of an autoencoder that are moved while a model runs, at every position, those of the prompt included, or at all but the first of a
 * context, which many models make an attention sink. Only the difference that
 * the features make is added at the autoencoder's hook point: what the autoencoder does not reconstruct stays. A transcoder's features are read
 * at one hook point, and what they make is added at the other.
 *
 * @param sae the autoencoder; it must be open while the steering is used
 * @param moves what becomes of each feature
 * @param notFirst whether position 0 stays as it is
 */
public record Steering(SparseAutoencoder sae, Map<Integer, Move> moves, boolean notFirst) {
    /** How a feature is moved. */
    public enum Mode {
        /** The number times the feature's decoder direction is added (Templeton et al. 2024, Neuronpedia). */
        ADD,
        /** The feature's activation becomes the number, whatever it was; 0 ablates the feature. */
        CLAMP,
        /** The feature's activation is multiplied by the number; where it is not active, nothing changes. */
        SCALE
    }

    /**
     * What becomes of a feature.
     *
     * @param mode how it is moved
     * @param value the number that the mode speaks of
     */
    public record Move(Mode mode, double value) {}

    /**
     * Checks and copies.
     *
     * @throws IllegalArgumentException if there is no such feature, a number is not finite, or the autoencoder does not say its hook
     *     points
     */
    public Steering {
        moves = Collections.unmodifiableMap(new TreeMap<>(moves));
        moves.forEach((feature, move) -> {
            if (feature < 0 || feature >= sae.config().dSae()) {
                throw new IllegalArgumentException("features are from 0 to " + (sae.config().dSae() - 1) + ", found " + feature);
            }
            if (!Float.isFinite((float) move.value())) {
                throw new IllegalArgumentException("feature " + feature + " cannot be moved to " + move.value());
            }
        });
        if (sae.config().hook().isEmpty() || sae.config().hookOut().isEmpty()) {
            throw new IllegalArgumentException("the autoencoder does not say its hook point: set hook_name"
                    + (sae.config().transcoder() ? " and hook_name_out" : "") + " in cfg.json");
        }
    }

    /**
     * Moves features at every position.
     *
     * @param sae the autoencoder; it must be open while the steering is used
     * @param moves what becomes of each feature
     * @throws IllegalArgumentException if there is no such feature, a number is not finite, or the autoencoder does not say its hook point
     */
    public Steering(SparseAutoencoder sae, Map<Integer, Move> moves) {
        this(sae, moves, false);
    }

    /**
     * Moves all features in one way, at every position.
     *
     * @param sae the autoencoder; it must be open while the steering is used
     * @param mode what the numbers mean
     * @param features a number for each feature
     * @throws IllegalArgumentException if there is no such feature, a number is not finite, or the autoencoder does not say its hook point
     */
    public Steering(SparseAutoencoder sae, Mode mode, Map<Integer, Double> features) {
        this(sae, features.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> new Move(mode, e.getValue()))));
    }

    /** {@return the same with position 0 of every context as it is} */
    public Steering exceptFirst() {
        return new Steering(sae, moves, true);
    }

    /** {@return where what the features make is changed} */
    public HookPoint hook() {
        return sae.config().hookOut().orElseThrow();
    }

    /** {@return where the features are read} */
    HookPoint input() {
        return sae.config().hook().orElseThrow();
    }

    /** {@return whether what is added depends on what the features are} */
    boolean reads() {
        return moves.values().stream().anyMatch(move -> move.mode() != Mode.ADD);
    }

    /**
     * Adds what the features make to the rows of a pass.
     *
     * @param plan takes the addition
     * @param x rows of the input [contexts * length, d_in]; its values matter if the steering {@link #reads} alone
     * @param length positions of each context
     * @param first whether the contexts' first row is position 0
     */
    void addTo(ForwardPlan.Builder plan, Tensor x, int length, boolean first) {
        int[] rows = IntStream.range(0, x.dim(0)).filter(row -> !(notFirst && first && row % length == 0)).toArray();
        if (rows.length == 0) {
            return;
        }
        Tensor change = change(x);
        float[] kept = new float[rows.length * change.dim(1)];
        for (int i = 0; i < rows.length; i++) {
            change.copyTo((long) rows[i] * change.dim(1), kept, i * change.dim(1), change.dim(1));
        }
        plan.add(hook(), rows, Tensor.of(kept, rows.length, change.dim(1)));
    }

    /**
     * What is added to rows.
     *
     * @param x rows of the input [rows, d_in]; its values matter if the steering {@link #reads} alone
     * @return what is added [rows, d_out]
     */
    Tensor change(Tensor x) {
        SparseRows without = reads() ? sae.encode(x) : SparseRows.ofDense(Tensor.zeros(1, sae.config().dSae()));
        float[] dense = without.toDense().toArray();
        int rows = without.rows();
        for (int row = 0; row < rows; row++) {
            for (Map.Entry<Integer, Move> entry : moves.entrySet()) {
                int at = row * sae.config().dSae() + entry.getKey();
                float value = (float) entry.getValue().value();
                dense[at] = switch (entry.getValue().mode()) {
                    case ADD -> dense[at] + value;
                    case CLAMP -> value;
                    case SCALE -> dense[at] * value;
                };
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
