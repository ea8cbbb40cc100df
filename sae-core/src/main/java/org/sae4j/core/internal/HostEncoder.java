package org.sae4j.core.internal;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SparseRows;

/**
 * Feature activations of architectures whose choice no engine has an operation for: the engine computes the products, the host chooses.
 * The same values for any number of threads.
 */
final class HostEncoder {
    /** Products of rows on the engine. */
    interface Products {
        /**
         * Runs a program.
         *
         * @param task {@link SaeProgram.Task#PRE} or {@link SaeProgram.Task#PROJECT}
         * @param rows rows of d_in values
         * @param count how many
         * @return at least {@code count} rows of d_sae products
         */
        float[] of(SaeProgram.Task task, float[] rows, int count);
    }

    private final SaeConfig config;
    private final Map<String, Tensor> parameters;
    private final Products products;

    HostEncoder(SaeConfig config, Map<String, Tensor> parameters, Products products) {
        this.config = config;
        this.parameters = parameters;
        this.products = products;
    }

    /** {@return whether an architecture's features are chosen here} */
    static boolean encodes(Architecture architecture) {
        return switch (architecture) {
            case RELU, TOPK, JUMP_RELU, GATED -> false;
            case ABS_TOPK, GROUP_MAX, MATCHING_PURSUIT -> true;
        };
    }

    /**
     * Encodes.
     *
     * @param rows normalized rows of d_in values
     * @param count how many
     * @return their feature activations
     */
    SparseRows encode(float[] rows, int count) {
        int n = config.dSae();
        float[] values = config.architecture() == Architecture.MATCHING_PURSUIT ? pursue(rows, count)
                : products.of(SaeProgram.Task.PRE, rows, count);
        for (int row = 0; row < count; row++) {
            switch (config.architecture()) {
                case ABS_TOPK -> keepLargest(values, row * n, n, config.k());
                case GROUP_MAX -> keepGroupMaxima(values, row * n, n, n / config.k());
                default -> { }
            }
        }
        return SparseRows.ofDense(Tensor.of(values.length == count * n ? values : Arrays.copyOf(values, count * n), count, n));
    }

    /** Sets all but the k largest magnitudes to zero. */
    private static void keepLargest(float[] values, int from, int n, int k) {
        float[] magnitudes = new float[n];
        for (int i = 0; i < n; i++) {
            magnitudes[i] = Math.abs(values[from + i]);
        }
        float cut = smallestOfLargest(magnitudes, k);
        int ties = k;
        for (int i = 0; i < n; i++) {
            if (Math.abs(values[from + i]) > cut) {
                ties--;
            }
        }
        for (int i = 0; i < n; i++) {
            float magnitude = Math.abs(values[from + i]);
            if (magnitude < cut || magnitude == cut && ties-- <= 0) {
                values[from + i] = 0;
            }
        }
    }

    /** The k-th largest value, by Hoare's selection; reorders. */
    private static float smallestOfLargest(float[] values, int k) {
        int low = 0;
        int high = values.length - 1;
        int wanted = values.length - k;
        while (low < high) {
            float pivot = values[(low + high) >>> 1];
            int i = low;
            int j = high;
            while (i <= j) {
                while (values[i] < pivot) {
                    i++;
                }
                while (values[j] > pivot) {
                    j--;
                }
                if (i <= j) {
                    float swap = values[i];
                    values[i++] = values[j];
                    values[j--] = swap;
                }
            }
            if (wanted <= j) {
                high = j;
            } else if (wanted >= i) {
                low = i;
            } else {
                break;
            }
        }
        return values[wanted];
    }

    /** Of each run of features keeps the first largest one, where positive. */
    private static void keepGroupMaxima(float[] values, int from, int n, int length) {
        for (int start = from; start < from + n; start += length) {
            int best = start;
            for (int i = start + 1; i < start + length; i++) {
                if (values[i] > values[best]) {
                    best = i;
                }
            }
            float kept = Math.max(0, values[best]);
            Arrays.fill(values, start, start + length, 0);
            values[best] = kept;
        }
    }

    /** Matching pursuit as SAELens 6.54 has it; rows that are done leave the products. */
    private float[] pursue(float[] rows, int count) {
        SaeConfig.Pursuit pursuit = config.pursuit().orElseThrow();
        int d = config.dIn();
        int n = config.dSae();
        Tensor decoder = Objects.requireNonNull(parameters.get("W_dec"));
        float[] residuals = Arrays.copyOf(rows, count * d);
        if (config.applyBDecToInput()) {
            Tensor bias = Objects.requireNonNull(parameters.get("b_dec"));
            for (int i = 0; i < residuals.length; i++) {
                residuals[i] -= bias.get(i % d);
            }
        }
        float[] features = new float[Math.multiplyExact(count, n)];
        int[] going = new int[count];
        Arrays.setAll(going, i -> i);
        int left = count;
        for (int step = 0; step < pursuit.maxIterations() && left > 0; step++) {
            float[] projections = products.of(SaeProgram.Task.PROJECT, residuals, left);
            int kept = 0;
            for (int slot = 0; slot < left; slot++) {
                if (step(projections, slot, residuals, decoder, features, going[slot] * n, pursuit)) {
                    System.arraycopy(residuals, slot * d, residuals, kept * d, d);
                    going[kept++] = going[slot];
                }
            }
            left = kept;
        }
        return features;
    }

    /** One step of a row; {@return whether it goes on} */
    private boolean step(float[] projections, int slot, float[] residuals, Tensor decoder, float[] features, int featuresFrom,
            SaeConfig.Pursuit pursuit) {
        int n = config.dSae();
        int d = config.dIn();
        int best = 0;
        for (int i = 1; i < n; i++) {
            if (projections[slot * n + i] > projections[slot * n + best]) {
                best = i;
            }
        }
        float[] direction = decoder.row(best);
        double projection = 0;
        for (int i = 0; i < d; i++) {
            projection += (double) residuals[slot * d + i] * direction[i];
        }
        float value = (float) projection;
        if (!(value > 0)) {
            return false;
        }
        boolean isNew = features[featuresFrom + best] == 0;
        features[featuresFrom + best] += value;
        double squares = 0;
        for (int i = 0; i < d; i++) {
            residuals[slot * d + i] -= value * direction[i];
            squares += (double) residuals[slot * d + i] * residuals[slot * d + i];
        }
        return (isNew || !pursuit.stopOnDuplicateSupport()) && Math.sqrt(squares) >= pursuit.residualThreshold();
    }
}
