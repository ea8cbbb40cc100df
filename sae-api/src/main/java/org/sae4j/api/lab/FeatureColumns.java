package org.sae4j.api.lab;

import java.util.Arrays;
import org.sae4j.api.sae.SparseRows;

/** Feature activations by feature: the rows (tokens) where each is active, ascending, with its activations there. Immutable. */
public final class FeatureColumns {
    private final int rows;
    private final int[] starts;
    private final int[] rowOf;
    private final float[] values;

    /**
     * Transposes.
     *
     * @param features one row for each token; entries that are not positive are left out
     */
    public FeatureColumns(SparseRows features) {
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

    /** {@return the number of features} */
    public int features() {
        return starts.length - 1;
    }

    /** {@return the number of rows} */
    public int rows() {
        return rows;
    }

    /**
     * The first entry of a feature; its entries end where the next feature's start.
     *
     * @param feature from 0 to the number of features
     * @return the entry
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public int start(int feature) {
        return starts[feature];
    }

    /**
     * How often a feature is active.
     *
     * @param feature the feature
     * @return number of rows
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public int active(int feature) {
        return starts[feature + 1] - starts[feature];
    }

    /**
     * The row of an entry.
     *
     * @param entry the entry
     * @return the row
     * @throws IndexOutOfBoundsException if there is no such entry
     */
    public int row(int entry) {
        return rowOf[entry];
    }

    /**
     * The activation of an entry.
     *
     * @param entry the entry
     * @return the activation, above 0
     * @throws IndexOutOfBoundsException if there is no such entry
     */
    public float value(int entry) {
        return values[entry];
    }

    /**
     * The activations of a feature where it is active.
     *
     * @param feature the feature
     * @return one for each of its entries
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public double[] values(int feature) {
        double[] active = new double[active(feature)];
        for (int i = 0; i < active.length; i++) {
            active[i] = values[starts[feature] + i];
        }
        return active;
    }

    /**
     * Pearson's correlation of two features over all rows.
     *
     * @param a a feature
     * @param b another
     * @return from -1 to 1; NaN if one of them does not vary
     * @throws IndexOutOfBoundsException if there is no such feature
     */
    public double correlation(int a, int b) {
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
