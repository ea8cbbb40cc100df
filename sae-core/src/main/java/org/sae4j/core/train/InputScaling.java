package org.sae4j.core.train;

import java.util.Map;
import java.util.Objects;
import org.sae4j.api.Tensor;

/**
 * What is done to inputs before the autoencoder sees them: x' = (x - mean) scale. The result of training takes it into its weights.
 *
 * @param mean subtracted; empty for nothing
 * @param scale factor, positive
 */
record InputScaling(float[] mean, double scale) {
    static final InputScaling NONE = new InputScaling(new float[0], 1);

    /** Measures rows of width d as a recipe asks. */
    static InputScaling of(Recipe recipe, float[] rows, int d) {
        float[] mean = recipe.centres() ? Initializer.centre(rows, d, Recipe.BiasInitialisation.MEAN) : new float[0];
        InputScaling centred = new InputScaling(mean, 1);
        if (!recipe.normalizes()) {
            return centred;
        }
        float[] copy = rows.clone();
        centred.apply(copy);
        return new InputScaling(mean, Initializer.scaleToRootOfWidth(copy, d));
    }

    /** Changes rows in place. */
    void apply(float[] rows) {
        if (mean.length > 0) {
            for (int at = 0; at < rows.length; at += mean.length) {
                for (int c = 0; c < mean.length; c++) {
                    rows[at + c] -= mean[c];
                }
            }
        }
        times(rows, (float) scale);
    }

    /**
     * Makes parameters for x' into parameters for x: W_enc grows by the scale, W_dec and b_dec shrink by it, the mean goes to b_dec, and,
     * where b_dec is not subtracted from inputs, to the encoder's biases.
     *
     * @param parameters by SAELens name; changed in place
     * @param recipe theirs
     */
    void fold(Map<String, Tensor> parameters, Recipe recipe) {
        float factor = (float) scale;
        replace(parameters, "W_enc", times(parameter(parameters, "W_enc").toArray(), factor));
        replace(parameters, "W_dec", times(parameter(parameters, "W_dec").toArray(), 1 / factor));
        float[] bias = times(parameter(parameters, "b_dec").toArray(), 1 / factor);
        for (int c = 0; c < mean.length; c++) {
            bias[c] += mean[c];
        }
        replace(parameters, "b_dec", bias);
        if (mean.length > 0 && !recipe.applyBDec()) {
            moveIntoEncoder(parameters, recipe);
        }
    }

    private void moveIntoEncoder(Map<String, Tensor> parameters, Recipe recipe) {
        Tensor encoder = parameter(parameters, "W_enc");
        int n = encoder.dim(1);
        double[] shift = new double[n];
        for (int c = 0; c < mean.length; c++) {
            float[] row = encoder.row(c);
            for (int i = 0; i < n; i++) {
                shift[i] += (double) mean[c] * row[i];
            }
        }
        String name = StepProgram.encoderBias(recipe);
        float[] bias = parameter(parameters, name).toArray();
        for (int i = 0; i < n; i++) {
            bias[i] -= (float) shift[i];
        }
        replace(parameters, name, bias);
        if (recipe.activation() == Recipe.Activation.GATED) {
            float[] magnitude = parameter(parameters, "b_mag").toArray();
            float[] rMag = parameter(parameters, "r_mag").toArray();
            for (int i = 0; i < n; i++) {
                magnitude[i] -= (float) (Math.exp(rMag[i]) * shift[i]);
            }
            replace(parameters, "b_mag", magnitude);
        }
    }

    private static Tensor parameter(Map<String, Tensor> parameters, String name) {
        return Objects.requireNonNull(parameters.get(name), name);
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
