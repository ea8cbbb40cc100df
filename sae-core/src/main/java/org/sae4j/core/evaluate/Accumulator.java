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
    private final double limit;
    private final double[] sumBeyond;
    private final double[] squaresBeyond;
    private final float[] x;
    private final float[] estimate;
    /** The first token: sums are of differences to it, which keeps variances exact when the mean is far from 0. */
    private float[] origin = new float[0];
    private long tokens;
    private long entries;
    private double activations;
    private double error;
    private double cosines;
    private long tokensBeyond;
    private double errorBeyond;

    /** For targets of width d; rows whose input's norm exceeds the limit count apart. */
    Accumulator(int d, int features, double limit) {
        this.d = d;
        this.limit = limit;
        fired = new long[features];
        sum = new double[d];
        squares = new double[d];
        sumBeyond = new double[d];
        squaresBeyond = new double[d];
        x = new float[d];
        estimate = new float[d];
    }

    /** Takes in some tokens: inputs [rows, d_in], targets (for autoencoders the inputs) and outputs [rows, d], features [rows, n]. */
    void add(Tensor inputs, Tensor targets, Tensor reconstructions, SparseRows features) {
        for (int row = 0; row < features.rows(); row++) {
            targets.copyTo((long) row * d, x, 0, d);
            reconstructions.copyTo((long) row * d, estimate, 0, d);
            if (tokens + tokensBeyond == 0) {
                origin = x.clone();
            }
            double dot = 0;
            double xx = 0;
            double yy = 0;
            double ee = 0;
            for (int c = 0; c < d; c++) {
                double a = x[c];
                double b = estimate[c];
                dot += a * b;
                xx += a * a;
                yy += b * b;
                ee += (a - b) * (a - b);
            }
            if (!Double.isFinite(xx + yy)) {
                throw new Sae4jException("an input or its reconstruction is not finite", "token " + (tokens + tokensBeyond),
                        "check the activations and the autoencoder's weights");
            }
            boolean beyond = (float) Math.sqrt(inputs == targets ? xx : squares(inputs.row(row))) > limit;
            addMoments(beyond ? sumBeyond : sum, beyond ? squaresBeyond : squares);
            if (beyond) {
                errorBeyond += ee;
                tokensBeyond++;
                continue;
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

    private static double squares(float[] row) {
        double sum = 0;
        for (float value : row) {
            sum += (double) value * value;
        }
        return sum;
    }

    private void addMoments(double[] sums, double[] squaresOf) {
        for (int c = 0; c < d; c++) {
            double shifted = (double) x[c] - origin[c];
            sums[c] += shifted;
            squaresOf[c] += shifted * shifted;
        }
    }

    Evaluation result(Optional<Evaluation.Recovered> recovered) {
        if (tokens == 0) {
            throw new Sae4jException("no activation has a norm of at most " + limit, "evaluation", "allow larger norms");
        }
        double n = tokens;
        double all = n + tokensBeyond;
        double variance = 0;
        double varianceOfAll = 0;
        double mean = 0;
        for (int c = 0; c < d; c++) {
            double shift = sum[c] / n;
            variance += Math.max(0, squares[c] / n - shift * shift);
            mean += (origin[c] + shift) * (origin[c] + shift);
            double shiftOfAll = (sum[c] + sumBeyond[c]) / all;
            varianceOfAll += Math.max(0, (squares[c] + squaresBeyond[c]) / all - shiftOfAll * shiftOfAll);
        }
        Optional<Evaluation.LargeRows> large = limit == Double.POSITIVE_INFINITY ? Optional.empty()
                : Optional.of(new Evaluation.LargeRows(limit, tokensBeyond, explained((error + errorBeyond) / all, varianceOfAll)));
        return new Evaluation(tokens, entries / n, activations / n, error / n / d, cosines / n, explained(error / n, variance),
                Math.sqrt(mean) / Math.sqrt(variance), Arrays.stream(fired).mapToDouble(count -> count / n).toArray(), large, recovered);
    }

    private static double explained(double errorOfRow, double variance) {
        return variance == 0 ? Double.NaN : 1 - errorOfRow / variance;
    }
}
