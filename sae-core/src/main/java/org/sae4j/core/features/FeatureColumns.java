package org.sae4j.core.features;

import java.util.Arrays;
import org.sae4j.api.sae.SparseRows;

/** Feature activations by feature: the rows (tokens) where each is active, ascending, with its activations there. */
final class FeatureColumns {
    private final int rows;
    private final int[] starts;
    private final int[] rowOf;
    private final float[] values;

    /** Transposes; entries that are not positive are left out. */
    FeatureColumns(SparseRows features) {
        rows = features.rows();
        starts = new int[features.columns() + 1];
        for (int e = 0; e < features.entries(); e++) {
            if (features.value(e) > 0) {
                starts[features.index(e) + 1]++;
            }
        }
        Arrays.parallelPrefix(starts, Integer::sum);
        int[] next = starts.clone();
        rowOf = new int[starts[features.columns()]];
        values = new float[rowOf.length];
        for (int row = 0; row < rows; row++) {
            for (int e = features.start(row); e < features.start(row + 1); e++) {
                if (features.value(e) > 0) {
                    int at = next[features.index(e)]++;
                    rowOf[at] = row;
                    values[at] = features.value(e);
                }
            }
        }
    }

    int features() {
        return starts.length - 1;
    }

    int rows() {
        return rows;
    }

    /** {@return the first entry of a feature; its entries end where the next feature's start} */
    int start(int feature) {
        return starts[feature];
    }

    int active(int feature) {
        return starts[feature + 1] - starts[feature];
    }

    int row(int entry) {
        return rowOf[entry];
    }

    float value(int entry) {
        return values[entry];
    }

    /** {@return the activations of a feature where it is active} */
    double[] values(int feature) {
        double[] active = new double[active(feature)];
        for (int i = 0; i < active.length; i++) {
            active[i] = values[starts[feature] + i];
        }
        return active;
    }

    /** {@return Pearson's correlation of two features over all rows; NaN if one of them does not vary} */
    double correlation(int a, int b) {
        double cross = 0;
        int j = starts[b];
        for (int i = starts[a]; i < starts[a + 1]; i++) {
            while (j < starts[b + 1] && rowOf[j] < rowOf[i]) {
                j++;
            }
            if (j < starts[b + 1] && rowOf[j] == rowOf[i]) {
                cross += (double) values[i] * values[j];
            }
        }
        double covariance = cross - sum(a) * sum(b) / rows;
        double variances = variation(a) * variation(b);
        return variances <= 0 ? Double.NaN : Math.clamp(covariance / Math.sqrt(variances), -1.0, 1.0);
    }

    private double sum(int feature) {
        return Arrays.stream(values(feature)).sum();
    }

    private double variation(int feature) {
        double[] active = values(feature);
        double mean = Arrays.stream(active).sum() / rows;
        return Arrays.stream(active).map(v -> (v - mean) * (v - mean)).sum() + (rows - active.length) * mean * mean;
    }
}
