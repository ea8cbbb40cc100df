package org.sae4j.experiment.causaltracing.internal;

import org.sae4j.api.Tensor;

/** A float matrix with products in double precision. */
final class Matrix {
    final int rows;
    final int columns;
    private final float[] values;

    /** Reads a tensor as a matrix of a number of columns. */
    Matrix(Tensor tensor, int columns) {
        this.columns = columns;
        values = tensor.toArray();
        rows = values.length / columns;
    }

    /** x M + b. */
    double[] forward(double[] x, double[] bias) {
        double[] y = bias.clone();
        for (int i = 0; i < rows; i++) {
            double factor = x[i];
            int at = i * columns;
            for (int j = 0; j < columns; j++) {
                y[j] += factor * values[at + j];
            }
        }
        return y;
    }

    /** The gradient of x for a gradient of x M: dy M^T. */
    double[] backward(double[] dy) {
        double[] dx = new double[rows];
        for (int i = 0; i < rows; i++) {
            int at = i * columns;
            double a = 0;
            double b = 0;
            int j = 0;
            for (; j + 1 < columns; j += 2) {
                a += dy[j] * values[at + j];
                b += dy[j + 1] * values[at + j + 1];
            }
            if (j < columns) {
                a += dy[j] * values[at + j];
            }
            dx[i] = a + b;
        }
        return dx;
    }
}
