package org.sae4j.core.train;

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

    private static float[] times(float[] values, float factor) {
        if (factor != 1) {
            for (int i = 0; i < values.length; i++) {
                values[i] *= factor;
            }
        }
        return values;
    }
}
