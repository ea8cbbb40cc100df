package org.sae4j.core.internal.format;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import org.sae4j.api.Tensor;
import org.sae4j.core.coder.CoderArchitectures;
import org.sae4j.core.format.FormatException;

/** Folds into an autoencoder's parameters what its configuration cannot express. */
final class SaeFolds {
    private final SaeBuilder sae;

    SaeFolds(SaeBuilder sae) {
        this.sae = sae;
    }

    private int dIn() {
        return sae.dIn();
    }

    private int dSae() {
        return sae.dSae();
    }

    private void put(String name, String how, float[] values, int... shape) {
        sae.put(name, sae.table().path() + ": " + name + ", " + how, Tensor.of(values, shape));
    }

    /** Multiplies a parameter. */
    void scale(String name, double factor) {
        float[] values = sae.parameter(name).toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (values[i] * factor);
        }
        put(name, "rescaled", values, sae.parameter(name).shape());
    }

    private static void requirePositive(String what, double factor, String where) {
        if (!(factor > 0) || Double.isInfinite(factor)) {
            throw new FormatException(what + " must be positive, found " + factor, where, "use the final checkpoint");
        }
    }

    /** Features in units of their decoder's norms: encoder and biases times the norms, the decoder divided by them. */
    void decoderNorms() {
        double[] norms = DecoderNorms.of(sae.parameter("W_dec"));
        scaleFeatures(norms);
        scaleDecoder(Arrays.stream(norms).map(norm -> norm == 0 ? 0 : 1 / norm).toArray());
    }

    private void scaleFeatures(double[] factors) {
        float[] encoder = sae.parameter("W_enc").toArray();
        for (int i = 0; i < encoder.length; i++) {
            encoder[i] = (float) (encoder[i] * factors[i % dSae()]);
        }
        put("W_enc", "rescaled", encoder, dIn(), dSae());
        float[] bias = sae.parameter("b_enc").toArray();
        for (int i = 0; i < bias.length; i++) {
            bias[i] = (float) (bias[i] * factors[i]);
        }
        put("b_enc", "rescaled", bias, dSae());
    }

    /** Multiplies each feature's row of the decoder. */
    void scaleDecoder(double[] factors) {
        float[] decoder = sae.parameter("W_dec").toArray();
        for (int i = 0; i < decoder.length; i++) {
            decoder[i] = (float) (decoder[i] * factors[i / sae.dOut()]);
        }
        put("W_dec", "rescaled", decoder, dSae(), sae.dOut());
    }

    /**
     * From an autoencoder of x / factor to one of x: with biases and thresholds times the factor, features and reconstruction are that much
     * larger. It is what dictionary_learning does to its final file.
     */
    void largerFeatures(double factor) {
        requirePositive("norm_factor", factor, sae.table().path().toString());
        for (String name : List.of("b_enc", "b_dec", "b_gate", "b_mag", "threshold")) {
            if (sae.parameters().containsKey(name)) {
                scale(name, factor);
            }
        }
        sae.note("the weights are for activations divided by norm_factor " + factor + ": it is folded into the biases");
    }

    /**
     * From an autoencoder of x times factor to one of x, with the same features, as SAELens folds expected_average_only_in:
     * {@code W_enc s}, {@code W_dec / s}, {@code b_dec / s}.
     *
     * @param in the factor of the input
     * @param out the factor of the output
     * @param where the file that says it, for messages
     */
    void inputScale(double in, double out, String where) {
        requirePositive("the factor of the activations", in, where);
        requirePositive("the factor of the output", out, where);
        if (sae.parameters().containsKey("W_enc")) {
            scale("W_enc", in);
        }
        scale("W_dec", 1 / out);
        scale("b_dec", 1 / out);
        if (sae.skip) {
            scale("W_skip", in / out);
        }
    }

    /**
     * From an autoencoder of z = (x - mean) M to one of x, whose reconstruction is z^ M^-1 + mean, with the same features.
     *
     * @param mean [d_in]
     * @param matrix M [d_in, d_in]
     * @param inverse M^-1 [d_in, d_in]
     */
    void whitening(double[] mean, double[] matrix, double[] inverse) {
        int d = dIn();
        float[] encoder = sae.parameter("W_enc").toArray();
        double[] folded = product(matrix, d, doubles(encoder), dSae());
        put("W_enc", "with whitening", floats(folded), d, dSae());
        if (!sae.applyBDecToInput) {
            double[] shift = product(mean, 1, folded, dSae());
            for (String bias : biases()) {
                subtract(bias, i -> shift[i]);
            }
        }
        put("W_dec", "with whitening", floats(product(doubles(sae.parameter("W_dec").toArray()), dSae(), inverse, d)), dSae(), d);
        double[] bias = product(doubles(sae.parameter("b_dec").toArray()), 1, inverse, d);
        Arrays.setAll(bias, i -> bias[i] + mean[i]);
        put("b_dec", "with whitening", floats(bias), d);
    }

    /**
     * Makes the encoder subtract the mean of each input over d_in: with the mean of each feature's column taken out of {@code W_enc} the
     * encoder is blind to it, and {@code (x - mean - b_dec) W_enc} differs from what it computes then by the sum of {@code b_dec} times the
     * columns' means.
     */
    void centerInput() {
        float[] encoder = sae.parameter("W_enc").toArray();
        double[] means = new double[dSae()];
        for (int i = 0; i < encoder.length; i++) {
            means[i % dSae()] += encoder[i] / (double) dIn();
        }
        for (int i = 0; i < encoder.length; i++) {
            encoder[i] = (float) (encoder[i] - means[i % dSae()]);
        }
        put("W_enc", "centred", encoder, dIn(), dSae());
        if (!sae.applyBDecToInput) {
            return;
        }
        double sum = 0;
        for (float value : sae.parameter("b_dec").toArray()) {
            sum += value;
        }
        double total = sum;
        for (String bias : biases()) {
            subtract(bias, i -> total * means[i]);
        }
    }

    private List<String> biases() {
        return CoderArchitectures.of(sae.architecture).encoderBiases();
    }

    /** Subtracts from a bias of the encoder what its product gained; that of b_mag is multiplied by e^r_mag. */
    private void subtract(String bias, IntToDoubleFunction shift) {
        float[] values = sae.parameter(bias).toArray();
        for (int i = 0; i < values.length; i++) {
            double factor = bias.equals("b_mag") ? Math.exp(sae.parameter("r_mag").get(i)) : 1;
            values[i] = (float) (values[i] - factor * shift.applyAsDouble(i));
        }
        put(bias, "shifted", values, values.length);
    }

    private static double[] product(double[] left, int rows, double[] right, int columns) {
        int inner = left.length / rows;
        double[] result = new double[Math.multiplyExact(rows, columns)];
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < inner; i++) {
                double factor = left[row * inner + i];
                for (int column = 0; column < columns; column++) {
                    result[row * columns + column] += factor * right[i * columns + column];
                }
            }
        }
        return result;
    }

    private static double[] doubles(float[] values) {
        double[] result = new double[values.length];
        Arrays.setAll(result, i -> values[i]);
        return result;
    }

    private static float[] floats(double[] values) {
        float[] result = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = (float) values[i];
        }
        return result;
    }
}
