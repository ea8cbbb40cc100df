package org.sae4j.experiment.causaltracing.internal;

import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;

/** LayerNorm in double precision, forward and backward. */
final class LayerNorm {
    private final double[] weight;
    private final double[] bias;
    private final double eps;

    LayerNorm(Map<String, Tensor> parameters, String name, double eps) {
        weight = wide(Objects.requireNonNull(parameters.get(name + ".w")));
        bias = wide(Objects.requireNonNull(parameters.get(name + ".b")));
        this.eps = eps;
    }

    /**
     * A normalized row.
     *
     * @param unit before weight and bias
     * @param scale what the centred input was divided by
     * @param output after weight and bias
     */
    record Normalized(double[] unit, double scale, double[] output) {}

    Normalized forward(double[] x) {
        int n = x.length;
        double mean = 0;
        for (double value : x) {
            mean += value / n;
        }
        double variance = 0;
        for (double value : x) {
            variance += (value - mean) * (value - mean) / n;
        }
        double scale = Math.sqrt(variance + eps);
        double[] unit = new double[n];
        double[] output = new double[n];
        for (int i = 0; i < n; i++) {
            unit[i] = (x[i] - mean) / scale;
            output[i] = unit[i] * weight[i] + bias[i];
        }
        return new Normalized(unit, scale, output);
    }

    double[] backward(Normalized normalized, double[] dOutput) {
        int n = dOutput.length;
        double mean = 0;
        double product = 0;
        double[] dx = new double[n];
        for (int i = 0; i < n; i++) {
            dx[i] = dOutput[i] * weight[i];
            mean += dx[i] / n;
            product += dx[i] * normalized.unit()[i] / n;
        }
        for (int i = 0; i < n; i++) {
            dx[i] = (dx[i] - mean - normalized.unit()[i] * product) / normalized.scale();
        }
        return dx;
    }

    static double[] wide(Tensor tensor) {
        float[] values = tensor.toArray();
        double[] wide = new double[values.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = values[i];
        }
        return wide;
    }
}
