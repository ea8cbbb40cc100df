package org.sae4j.core.evaluate;

import java.util.Arrays;
import java.util.Optional;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SparseRows;

/** Sums over tokens in their order, in double precision, so that the cut into batches does not matter. */
final class Accumulator {
    private final int d;
    private final long[] fired;
    private final double[] sum;
    private final double[] squares;
    private final float[] x;
    private final float[] estimate;
    /** The first token: sums are of differences to it, which keeps variances exact when the mean is far from 0. */
    private float[] origin = new float[0];
    private long tokens;
    private long entries;
    private double activations;
    private double error;
    private double cosines;

    Accumulator(int d, int features) {
        this.d = d;
        fired = new long[features];
        sum = new double[d];
        squares = new double[d];
        x = new float[d];
        estimate = new float[d];
    }

    /** Takes in some tokens: inputs and reconstructions [rows, d], features [rows, n]. */
    void add(Tensor inputs, Tensor reconstructions, SparseRows features) {
        for (int row = 0; row < features.rows(); row++) {
            inputs.copyTo((long) row * d, x, 0, d);
            reconstructions.copyTo((long) row * d, estimate, 0, d);
            if (tokens == 0) {
                origin = x.clone();
            }
            double dot = 0;
            double xx = 0;
            double yy = 0;
            double ee = 0;
            for (int c = 0; c < d; c++) {
                double a = x[c];
                double b = estimate[c];
                double shifted = a - origin[c];
                sum[c] += shifted;
                squares[c] += shifted * shifted;
                dot += a * b;
                xx += a * a;
                yy += b * b;
                ee += (a - b) * (a - b);
            }
            if (!Double.isFinite(xx + yy)) {
                throw new Sae4jException("an input or its reconstruction is not finite", "token " + tokens,
                        "check the activations and the autoencoder's weights");
            }
            error += ee;
            cosines += xx == 0 || yy == 0 ? 0 : dot / Math.sqrt(xx * yy);
            for (int entry = features.start(row); entry < features.start(row + 1); entry++) {
                if (features.value(entry) != 0) {
                    fired[features.index(entry)]++;
                    entries++;
                    activations += Math.abs(features.value(entry));
                }
            }
            tokens++;
        }
    }

    Evaluation result(Optional<Evaluation.Recovered> recovered) {
        double n = tokens;
        double variance = 0;
        double mean = 0;
        for (int c = 0; c < d; c++) {
            double shift = sum[c] / n;
            variance += Math.max(0, squares[c] / n - shift * shift);
            mean += (origin[c] + shift) * (origin[c] + shift);
        }
        return new Evaluation(tokens, entries / n, activations / n, error / n / d, cosines / n,
                variance == 0 ? Double.NaN : 1 - error / n / variance, Math.sqrt(mean) / Math.sqrt(variance),
                Arrays.stream(fired).mapToDouble(count -> count / n).toArray(), recovered);
    }
}
