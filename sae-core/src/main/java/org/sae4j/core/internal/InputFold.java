package org.sae4j.core.internal;

import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig.Architecture;

/** Makes the parameters of an autoencoder of x' = (x - mean) scale into those of one of x, with the same features. */
public final class InputFold {
    private InputFold() {}

    /**
     * Folds: W_enc, if there is one, grows by the scale, W_dec and b_dec shrink by it, the mean goes to b_dec, and, where b_dec is not subtracted from inputs,
     * to the encoder's biases.
     *
     * @param parameters by SAELens name; changed in place
     * @param mean [d_in]; empty for nothing
     * @param scale positive
     * @param architecture theirs
     * @param applyBDecToInput whether b_dec is subtracted from inputs
     */
    public static void fold(Map<String, Tensor> parameters, float[] mean, double scale, Architecture architecture,
            boolean applyBDecToInput) {
        float factor = (float) scale;
        if (parameters.containsKey("W_enc")) {
            replace(parameters, "W_enc", times(values(parameters, "W_enc"), factor));
        }
        replace(parameters, "W_dec", times(values(parameters, "W_dec"), 1 / factor));
        float[] bias = times(values(parameters, "b_dec"), 1 / factor);
        for (int c = 0; c < mean.length; c++) {
            bias[c] += mean[c];
        }
        replace(parameters, "b_dec", bias);
        if (mean.length > 0 && !applyBDecToInput) {
            moveIntoEncoder(parameters, mean, architecture.equals(Architecture.GATED));
        }
    }

    private static void moveIntoEncoder(Map<String, Tensor> parameters, float[] mean, boolean gated) {
        Tensor encoder = parameter(parameters, "W_enc");
        int n = encoder.dim(1);
        double[] shift = new double[n];
        for (int c = 0; c < mean.length; c++) {
            float[] row = encoder.row(c);
            for (int i = 0; i < n; i++) {
                shift[i] += (double) mean[c] * row[i];
            }
        }
        String name = gated ? "b_gate" : "b_enc";
        float[] bias = values(parameters, name);
        for (int i = 0; i < n; i++) {
            bias[i] -= (float) shift[i];
        }
        replace(parameters, name, bias);
        if (gated) {
            float[] magnitude = values(parameters, "b_mag");
            float[] rMag = values(parameters, "r_mag");
            for (int i = 0; i < n; i++) {
                magnitude[i] -= (float) (Math.exp(rMag[i]) * shift[i]);
            }
            replace(parameters, "b_mag", magnitude);
        }
    }

    private static Tensor parameter(Map<String, Tensor> parameters, String name) {
        return Objects.requireNonNull(parameters.get(name), name);
    }

    private static float[] values(Map<String, Tensor> parameters, String name) {
        return parameter(parameters, name).toArray();
    }

    private static void replace(Map<String, Tensor> parameters, String name, float[] values) {
        parameters.put(name, Tensor.of(values, parameter(parameters, name).shape()));
    }

    private static float[] times(float[] values, float factor) {
        if (factor != 1) {
            for (int i = 0; i < values.length; i++) {
                values[i] *= factor;
            }
        }
        return values;
    }
}
