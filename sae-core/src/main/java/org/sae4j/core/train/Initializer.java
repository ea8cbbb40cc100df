package org.sae4j.core.train;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.core.program.Parameter;

/**
 * Where parameters start. Everything drawn depends on the seed, the recipe's name, the number of features and the purpose alone: two widths
 * or two recipes share no rows, so that features that two autoencoders have in common come from the data.
 */
final class Initializer {
    private final Recipe recipe;
    private final int d;
    private final int n;

    Initializer(Recipe recipe, int dIn) {
        this.recipe = recipe;
        d = dIn;
        n = recipe.dSae();
    }

    /** Given starts by the recipe's names: a ReLU autoencoder's b_enc is the start of those of a gate's two biases that are not given. */
    Map<String, Tensor> named(Map<String, Tensor> init) {
        Tensor bias = init.get("b_enc");
        if (recipe.activation() != Recipe.Activation.GATED || bias == null || init.containsKey("b_gate") && init.containsKey("b_mag")) {
            return init;
        }
        Map<String, Tensor> named = new LinkedHashMap<>(init);
        named.remove("b_enc");
        named.putIfAbsent("b_gate", bias);
        named.putIfAbsent("b_mag", bias);
        return named;
    }

    /** Checks names and shapes of given starts, in SAELens names and layouts. */
    void check(Map<String, Tensor> init) {
        Map<String, int[]> shapes = TrainingStep.coder(recipe, d).shapes();
        Set<String> unknown = new TreeSet<>(init.keySet());
        unknown.removeAll(shapes.keySet());
        if (!unknown.isEmpty()) {
            throw new Sae4jException("initial tensors " + unknown + " are not parameters", "recipe " + recipe.name(),
                    "give some of " + shapes.keySet());
        }
        init.forEach((name, tensor) -> {
            if (!Arrays.equals(tensor.shape(), shapes.get(name))) {
                throw new Sae4jException("initial " + name + " has shape " + Arrays.toString(tensor.shape()) + ", expected "
                        + Arrays.toString(shapes.get(name)), "recipe " + recipe.name() + " with d_in " + d + " and d_sae " + n,
                        "set d_sae to the size of the initial tensors");
            }
            for (long i = 0; i < tensor.size(); i++) {
                if (!Float.isFinite(tensor.get(i)) || name.equals("threshold") && !(tensor.get(i) > 0)) {
                    throw new Sae4jException("initial " + name + " holds " + tensor.get(i), "element " + i,
                            name.equals("threshold") ? "give positive thresholds" : "give finite values");
                }
            }
        });
    }

    /** The decoder [n, d]. */
    float[] decoder(@Nullable Tensor given) {
        return given != null ? given.toArray() : drawDecoder(random("W_dec"));
    }

    /** The encoder as the program stores it [n, d], for a decoder. */
    float[] encoder(@Nullable Tensor given, float[] decoder) {
        return given != null ? transpose(given.toArray(), d, n) : drawEncoder(random("W_enc"), decoder);
    }

    /** The logarithms of JumpReLU's thresholds. */
    float[] logThresholds(@Nullable Tensor given) {
        float[] logarithms = new float[n];
        for (int i = 0; i < n; i++) {
            logarithms[i] = (float) Math.log(given == null ? recipe.number(Setting.THRESHOLD_INIT) : given.get(i));
        }
        return logarithms;
    }

    static float[] exponentials(float[] values) {
        float[] result = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = (float) Math.exp(values[i]);
        }
        return result;
    }

    /** Where a parameter starts that no architecture of this library has: vectors at 0, matrices like PyTorch's Kaiming uniform. */
    float[] other(Parameter parameter, @Nullable Tensor given) {
        if (given != null || parameter.layout() != Parameter.Layout.MATRIX) {
            return vector(given, Math.multiplyExact(parameter.rows(), parameter.cols()));
        }
        return uniform(random(parameter.name()), Math.multiplyExact(parameter.rows(), parameter.cols()), Math.sqrt(6.0 / parameter.rows()));
    }

    /** A vector that starts at 0 if it is not given. */
    float[] vector(@Nullable Tensor given, int size) {
        return given != null ? given.toArray() : new float[size];
    }

    float[] drawDecoder(CounterRandom random) {
        float[] w = switch (recipe.initialisation()) {
            case KAIMING -> uniform(random, Math.sqrt(6.0 / d));
            case KAIMING_FAN_IN, TIED, TIED_SMALL -> normal(random);
        };
        double length = recipe.initialisation() == Recipe.Initialisation.TIED_SMALL ? 0.1 : 1;
        for (int row = 0; row < n; row++) {
            double sum = 0;
            for (int i = row * d; i < (row + 1) * d; i++) {
                sum += (double) w[i] * w[i];
            }
            for (int i = row * d; i < (row + 1) * d; i++) {
                w[i] = (float) (w[i] * length / Math.sqrt(sum));
            }
        }
        return w;
    }

    float[] drawEncoder(CounterRandom random, float[] decoder) {
        return switch (recipe.initialisation()) {
            case KAIMING -> uniform(random, Math.sqrt(6.0 / n));
            case KAIMING_FAN_IN -> uniform(random, Math.sqrt(6.0 / d));
            case TIED, TIED_SMALL -> decoder.clone();
        };
    }

    CounterRandom random(String purpose) {
        return new CounterRandom(recipe.seed()).stream(purpose).stream(recipe.name()).stream(n);
    }

    private float[] uniform(CounterRandom random, double bound) {
        return uniform(random, Math.multiplyExact(n, d), bound);
    }

    private static float[] uniform(CounterRandom random, int size, double bound) {
        float[] w = new float[size];
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) ((2 * random.nextDouble() - 1) * bound);
        }
        return w;
    }

    private float[] normal(CounterRandom random) {
        float[] w = new float[Math.multiplyExact(n, d)];
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) random.nextGaussian();
        }
        return w;
    }

    /** [rows, cols] to [cols, rows]. */
    static float[] transpose(float[] values, int rows, int cols) {
        float[] out = new float[values.length];
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < cols; c++) {
                out[c * rows + r] = values[r * cols + c];
            }
        }
        return out;
    }

    /** The mean of rows of width d, or their geometric median. */
    static float[] centre(float[] rows, int d, Recipe.BiasInitialisation kind) {
        int count = rows.length / d;
        double[] centre = weightedMean(rows, d, new double[count], true);
        if (kind == Recipe.BiasInitialisation.GEOMETRIC_MEDIAN) {
            double[] weights = new double[count];
            double change = Double.POSITIVE_INFINITY;
            for (int iteration = 0; iteration < 100 && change > 1e-6; iteration++) {
                for (int r = 0; r < count; r++) {
                    double sum = 0;
                    for (int c = 0; c < d; c++) {
                        double difference = rows[r * d + c] - centre[c];
                        sum += difference * difference;
                    }
                    weights[r] = 1 / Math.max(Math.sqrt(sum), 1e-9);
                }
                double[] next = weightedMean(rows, d, weights, false);
                change = distance(next, centre) / Math.max(1e-9, distance(next, new double[d]));
                centre = next;
            }
        }
        float[] result = new float[d];
        for (int c = 0; c < d; c++) {
            result[c] = (float) centre[c];
        }
        return result;
    }

    private static double[] weightedMean(float[] rows, int d, double[] weights, boolean equal) {
        double[] mean = new double[d];
        double total = 0;
        for (int r = 0; r < weights.length; r++) {
            double weight = equal ? 1 : weights[r];
            total += weight;
            for (int c = 0; c < d; c++) {
                mean[c] += weight * rows[r * d + c];
            }
        }
        for (int c = 0; c < d; c++) {
            mean[c] /= total;
        }
        return mean;
    }

    private static double distance(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }
        return Math.sqrt(sum);
    }

    /** The factor that scales rows of width d to a mean norm of sqrt(d). */
    static double scaleToRootOfWidth(float[] rows, int d) {
        double sum = 0;
        for (int at = 0; at < rows.length; at += d) {
            double squares = 0;
            for (int c = 0; c < d; c++) {
                squares += (double) rows[at + c] * rows[at + c];
            }
            sum += Math.sqrt(squares);
        }
        int count = rows.length / d;
        double mean = sum / count;
        if (!(mean > 0 && Double.isFinite(mean))) {
            throw new Sae4jException("the mean norm of the first activations is " + mean, "activation source",
                    "give activations that are finite and not all 0");
        }
        return Math.sqrt(d) / mean;
    }
}
