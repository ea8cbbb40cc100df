package com.example.pursuit;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.coder.CoderArchitecture;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.HostChoice;
import org.sae4j.core.program.Value;

/**
 * Orthogonal matching pursuit (Pati et al. 1993) with features that are not negative: there is no encoder. The feature whose decoder row
 * points along the residual most is added, all chosen ones are fitted anew by least squares, and so on until {@code k} are active or none
 * points along the residual. A feature that a fit makes negative ends the pursuit before it.
 */
public final class OrthogonalMatchingPursuit extends CoderArchitecture {
    /** Made by the service loader. */
    public OrthogonalMatchingPursuit() {
        super("orthogonal_matching_pursuit");
    }

    @Override
    public Set<String> settings() {
        return Set.of("k");
    }

    @Override
    protected void checkSettings(SaeConfig config) {
        requireK(config);
        if (config.transcoder()) {
            throw new IllegalArgumentException(this + " reconstructs what it reads, so it is no transcoder");
        }
    }

    @Override
    public List<String> encoderBiases() {
        return List.of();
    }

    @Override
    public Value encode(FormBuilder b, SaeConfig config, Value x) {
        Value residual = b.copy("residual", x);
        Value products = b.inner("products", b.productByTransposed(residual, b.matrix("W_dec", config.dSae(), config.dOut())));
        return b.choose(steps -> pursue(config, steps), config.dSae(), products);
    }

    /** The engine computes all products of residuals and decoder rows; what is chosen is fitted here. */
    private static float[] pursue(SaeConfig config, HostChoice.Steps steps) {
        int d = config.dIn();
        int n = config.dSae();
        Tensor decoder = steps.parameter("W_dec");
        float[] residuals = steps.value("residual");
        float[] features = new float[Math.multiplyExact(steps.rows(), n)];
        Fit[] fits = new Fit[steps.rows()];
        for (int row = 0; row < fits.length; row++) {
            fits[row] = new Fit(Arrays.copyOfRange(residuals, row * d, (row + 1) * d), config.k());
        }
        for (int step = 0; step < config.k(); step++) {
            float[] products = steps.value("products", "residual", residuals, fits.length);
            boolean going = false;
            for (int row = 0; row < fits.length; row++) {
                Fit fit = fits[row];
                going |= fit.going && fit.add(products, row * n, n, decoder);
                fit.residual(residuals, row * d);
            }
            if (!going) {
                break;
            }
        }
        for (int row = 0; row < fits.length; row++) {
            fits[row].write(features, row * n);
        }
        return features;
    }

    /** The chosen features of one row. */
    private static final class Fit {
        private final float[] x;
        private final int[] chosen;
        private final float[][] directions;
        private double[] values = {};
        private boolean going = true;

        Fit(float[] x, int k) {
            this.x = x;
            chosen = new int[k];
            directions = new float[k][];
        }

        /** Adds a feature; {@return whether the pursuit goes on} */
        boolean add(float[] products, int from, int n, Tensor decoder) {
            int best = -1;
            for (int i = 0; i < n; i++) {
                if (products[from + i] > 0 && (best < 0 || products[from + i] > products[from + best]) && !isChosen(i)) {
                    best = i;
                }
            }
            if (best >= 0) {
                chosen[values.length] = best;
                directions[values.length] = decoder.row(best);
                double[] fitted = solve(values.length + 1);
                if (Arrays.stream(fitted).allMatch(value -> value > 0)) {
                    values = fitted;
                    return true;
                }
            }
            going = false;
            return false;
        }

        private boolean isChosen(int feature) {
            return Arrays.stream(chosen, 0, values.length).anyMatch(other -> other == feature);
        }

        /** Least squares by the normal equations and Cholesky's decomposition. */
        private double[] solve(int count) {
            double[][] lower = new double[count][count];
            double[] y = new double[count];
            for (int i = 0; i < count; i++) {
                y[i] = dot(directions[i], x);
                for (int j = 0; j <= i; j++) {
                    double sum = dot(directions[i], directions[j]);
                    for (int c = 0; c < j; c++) {
                        sum -= lower[i][c] * lower[j][c];
                    }
                    lower[i][j] = i == j ? Math.sqrt(sum) : sum / lower[j][j];
                }
                for (int c = 0; c < i; c++) {
                    y[i] -= lower[i][c] * y[c];
                }
                y[i] /= lower[i][i];
            }
            for (int i = count - 1; i >= 0; i--) {
                for (int c = i + 1; c < count; c++) {
                    y[i] -= lower[c][i] * y[c];
                }
                y[i] /= lower[i][i];
            }
            return y;
        }

        private static double dot(float[] a, float[] b) {
            double sum = 0;
            for (int i = 0; i < a.length; i++) {
                sum += (double) a[i] * b[i];
            }
            return sum;
        }

        void residual(float[] to, int at) {
            for (int i = 0; i < x.length; i++) {
                double value = x[i];
                for (int j = 0; j < values.length; j++) {
                    value -= values[j] * directions[j][i];
                }
                to[at + i] = (float) value;
            }
        }

        void write(float[] features, int at) {
            for (int j = 0; j < values.length; j++) {
                features[at + chosen[j]] = (float) values[j];
            }
        }
    }
}
