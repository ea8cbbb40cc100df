package org.sae4j.experiment.neighborhood.internal;

import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;

/**
 * Vectors of length 1, or 0 where they had no length, as rows.
 *
 * @param data row-major
 * @param count number of rows
 * @param width number of columns
 */
public record UnitRows(float[] data, int count, int width) {
    /**
     * The rows of a matrix, each divided by its norm.
     *
     * @param matrix shape [count, width]
     * @return unit rows
     */
    public static UnitRows ofRows(Tensor matrix) {
        return new UnitRows(matrix.toArray(), matrix.dim(0), matrix.dim(1)).normalized();
    }

    /**
     * The columns of a matrix, each divided by its norm.
     *
     * @param matrix shape [width, count]
     * @return unit rows
     */
    public static UnitRows ofColumns(Tensor matrix) {
        int width = matrix.dim(0);
        int count = matrix.dim(1);
        float[] data = new float[count * width];
        for (int j = 0; j < width; j++) {
            float[] row = matrix.row(j);
            for (int i = 0; i < count; i++) {
                data[i * width + j] = row[i];
            }
        }
        return new UnitRows(data, count, width).normalized();
    }

    /**
     * Random directions.
     *
     * @param count number of rows
     * @param width number of columns
     * @param random where they come from
     * @return unit rows
     */
    public static UnitRows random(int count, int width, CounterRandom random) {
        float[] data = new float[count * width];
        for (int i = 0; i < data.length; i++) {
            data[i] = (float) random.nextGaussian();
        }
        return new UnitRows(data, count, width).normalized();
    }

    private UnitRows normalized() {
        for (int i = 0; i < count; i++) {
            double norm = 0;
            for (int j = i * width; j < (i + 1) * width; j++) {
                norm += (double) data[j] * data[j];
            }
            norm = Math.sqrt(norm);
            for (int j = i * width; j < (i + 1) * width && norm > 0; j++) {
                data[j] = (float) (data[j] / norm);
            }
        }
        return this;
    }

    /**
     * Some of the rows.
     *
     * @param rows their numbers
     * @return a copy
     */
    public UnitRows pick(int[] rows) {
        float[] picked = new float[rows.length * width];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(data, rows[i] * width, picked, i * width, width);
        }
        return new UnitRows(picked, rows.length, width);
    }

    /**
     * Whether a row has length 1.
     *
     * @param row the row
     * @return false if all its elements are 0
     */
    public boolean hasLength(int row) {
        for (int j = row * width; j < (row + 1) * width; j++) {
            if (data[j] != 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * The cosine of a row with a row of the same width.
     *
     * @param row a row of this
     * @param other the other rows
     * @param otherRow a row of them
     * @return from -1 to 1
     */
    public double cosine(int row, UnitRows other, int otherRow) {
        double sum = 0;
        for (int j = 0; j < width; j++) {
            sum += (double) data[row * width + j] * other.data[otherRow * width + j];
        }
        return Math.clamp(sum, -1.0, 1.0);
    }
}
