package org.sae4j.core.internal;

import org.sae4j.api.sae.SaeConfig;

/**
 * What is done to the rows of an autoencoder's input before encoding, and undone on its output, in double precision. The formulas are those
 * of SAELens, {@code layer_norm} and {@code constant_norm_rescale}; a row of zeros stays zero under both.
 */
public final class Normalizer {
    private static final double EPS = 1e-5;

    private final SaeConfig.Normalization kind;
    private final int width;
    private final double[] shift;
    private final double[] scale;

    /**
     * For up to {@code rows} rows at once.
     *
     * @param config the autoencoder
     * @param rows the most rows
     */
    public Normalizer(SaeConfig config, int rows) {
        kind = config.normalization();
        width = config.dIn();
        shift = new double[rows];
        scale = new double[rows];
    }

    /**
     * Normalizes the first rows in place, and remembers what it did to each.
     *
     * @param x rows of d_in values
     * @param rows how many
     */
    public void apply(float[] x, int rows) {
        for (int row = 0; row < rows; row++) {
            switch (kind) {
                case NONE -> { }
                case LAYER_NORM -> {
                    shift[row] = mean(x, row);
                    scale[row] = standardDeviation(x, row, shift[row]);
                    normalize(x, row, shift[row], scale[row] + EPS);
                }
                case CONSTANT_NORM_RESCALE -> {
                    scale[row] = norm(x, row) / Math.sqrt(width);
                    normalize(x, row, 0, scale[row] == 0 ? 1 : scale[row]);
                }
            }
        }
    }

    /** Undoes on the first rows, in place, what the last {@link #apply} did to them. */
    void undo(float[] x, int rows) {
        if (kind == SaeConfig.Normalization.NONE) {
            return;
        }
        for (int row = 0; row < rows; row++) {
            for (int i = row * width; i < (row + 1) * width; i++) {
                x[i] = (float) (x[i] * scale[row] + shift[row]);
            }
        }
    }

    /**
     * The factor by which {@link #undo} multiplies a row of the last {@link #apply}.
     *
     * @param row the row
     * @return 1 if nothing is normalized
     */
    public double outputScale(int row) {
        return kind == SaeConfig.Normalization.NONE ? 1 : scale[row];
    }

    private void normalize(float[] x, int row, double mean, double divisor) {
        for (int i = row * width; i < (row + 1) * width; i++) {
            x[i] = (float) ((x[i] - mean) / divisor);
        }
    }

    private double mean(float[] x, int row) {
        double sum = 0;
        for (int i = row * width; i < (row + 1) * width; i++) {
            sum += x[i];
        }
        return sum / width;
    }

    private double standardDeviation(float[] x, int row, double mean) {
        double sum = 0;
        for (int i = row * width; i < (row + 1) * width; i++) {
            sum += (x[i] - mean) * (x[i] - mean);
        }
        return Math.sqrt(sum / (width - 1));
    }

    private double norm(float[] x, int row) {
        double sum = 0;
        for (int i = row * width; i < (row + 1) * width; i++) {
            sum += (double) x[i] * x[i];
        }
        return Math.sqrt(sum);
    }
}
