package org.sae4j.core.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;

/**
 * How the loss falls with compute when it is spent well, as in Scaling Monosemanticity (Templeton et al. 2024): autoencoders of several
 * numbers of features are trained for several numbers of steps; those that no cheaper one matches form the frontier; along it the loss, the
 * best number of features and the best number of steps are power laws of the compute, from which a budget's best pair follows.
 *
 * @param frontier points that no other point with as little compute beats, by ascending compute
 * @param loss the loss along the frontier by compute; empty if it has fewer than two points
 * @param features the number of features along it by compute; empty if it has fewer than two points
 * @param steps the number of steps along it by compute; empty if it has fewer than two points
 */
public record ScalingLaw(List<Point> frontier, Optional<LossLaw> loss, Optional<PowerLaw> features, Optional<PowerLaw> steps) {
    /** Floating point operations of a token and a parameter of encoder or decoder: a product and a sum, forward once and backward twice. */
    private static final double FLOP_PER_WEIGHT = 6;

    /**
     * One trained autoencoder.
     *
     * @param dSae number of features
     * @param steps trained
     * @param compute in floating point operations, see {@link ScalingLaw#compute}
     * @param loss on held-out inputs, see {@link ScalingLaw#loss}
     */
    public record Point(int dSae, long steps, double compute, double loss) {}

    /**
     * {@code y = coefficient x^exponent}.
     *
     * @param coefficient y at x = 1, positive
     * @param exponent the slope of log y by log x
     * @param r2 the share of the variance of log y that it explains; 1 if log y does not vary
     */
    public record PowerLaw(double coefficient, double exponent, double r2) {
        /**
         * The value at a place.
         *
         * @param x positive
         * @return y
         */
        public double at(double x) {
            return coefficient * Math.pow(x, exponent);
        }

        /**
         * The least squares fit in logarithms.
         *
         * @param x positive, at least two different ones
         * @param y positive, as many
         * @return the fit
         * @throws IllegalArgumentException if lengths differ, a number is not positive, or x has fewer than two different numbers
         */
        public static PowerLaw fit(double[] x, double[] y) {
            if (x.length != y.length || Arrays.stream(x).distinct().count() < 2
                    || !Arrays.stream(x).allMatch(v -> v > 0) || !Arrays.stream(y).allMatch(v -> v > 0)) {
                throw new IllegalArgumentException("a power law needs positive numbers at two places or more, found x " + Arrays.toString(x)
                        + ", y " + Arrays.toString(y));
            }
            double meanX = Arrays.stream(x).map(Math::log).average().orElseThrow();
            double meanY = Arrays.stream(y).map(Math::log).average().orElseThrow();
            double xx = 0;
            double xy = 0;
            double yy = 0;
            for (int i = 0; i < x.length; i++) {
                double dx = Math.log(x[i]) - meanX;
                double dy = Math.log(y[i]) - meanY;
                xx += dx * dx;
                xy += dx * dy;
                yy += dy * dy;
            }
            double slope = xy / xx;
            return new PowerLaw(Math.exp(meanY - slope * meanX), slope, yy == 0 ? 1 : xy * xy / xx / yy);
        }
    }

    /**
     * A pair for a budget.
     *
     * @param dSae number of features
     * @param steps of training that the budget then allows
     */
    public record Pair(int dSae, long steps) {}

    /**
     * Finds the frontier and fits the laws.
     *
     * @param points measured, in any order
     * @return the laws
     * @throws IllegalArgumentException if there is no point, or a compute or loss is not positive
     */
    public static ScalingLaw of(List<Point> points) {
        if (points.isEmpty() || points.stream().anyMatch(p -> !(p.compute() > 0) || !(p.loss() > 0))) {
            throw new IllegalArgumentException("a scaling law needs points of positive compute and loss, found " + points);
        }
        List<Point> frontier = new ArrayList<>();
        double best = Double.POSITIVE_INFINITY;
        for (Point point : points.stream().sorted(Comparator.comparingDouble(Point::compute).thenComparingDouble(Point::loss)).toList()) {
            if (point.loss() < best) {
                frontier.add(point);
                best = point.loss();
            }
        }
        double[] compute = frontier.stream().mapToDouble(Point::compute).toArray();
        boolean enough = frontier.size() > 1;
        return new ScalingLaw(List.copyOf(frontier),
                enough ? Optional.of(LossLaw.fit(compute, frontier.stream().mapToDouble(Point::loss).toArray())) : Optional.empty(),
                enough ? Optional.of(PowerLaw.fit(compute, frontier.stream().mapToDouble(Point::dSae).toArray())) : Optional.empty(),
                enough ? Optional.of(PowerLaw.fit(compute, frontier.stream().mapToDouble(Point::steps).toArray())) : Optional.empty());
    }

    /**
     * Whether a budget lies outside what was tried, so that what the laws say of it is a guess.
     *
     * @param budget in floating point operations
     * @return whether it exceeds the dearest point of the frontier, or falls short of the cheapest
     */
    public boolean isExtrapolated(double budget) {
        return budget > frontier.getLast().compute() || budget < frontier.getFirst().compute();
    }

    /**
     * The pair that the laws recommend: the number of features on the fitted line, within what was tried, and the steps that spend the
     * budget. Without a fit, or where no step is left, it is the last point of the frontier within the budget, or the first.
     *
     * @param budget in floating point operations, positive
     * @param dIn width of the input
     * @param batch tokens of a step
     * @param smallest number of features that was tried
     * @param largest number of features that was tried
     * @return the pair
     */
    public Pair recommend(double budget, int dIn, int batch, int smallest, int largest) {
        if (features.isPresent()) {
            int dSae = Math.clamp(Math.round(features.get().at(budget)), smallest, largest);
            long steps = (long) Math.floor(budget / compute(dIn, dSae, batch, 1));
            if (steps > 0) {
                return new Pair(dSae, steps);
            }
        }
        Point best = frontier.stream().filter(p -> p.compute() <= budget).reduce((a, b) -> b).orElse(frontier.getFirst());
        return new Pair(best.dSae(), best.steps());
    }

    /**
     * The compute of training: 6 floating point operations for every token and weight of W_enc and W_dec, as if all were dense.
     *
     * @param dIn width of the input
     * @param dSae number of features
     * @param batch tokens of a step
     * @param steps number of steps
     * @return floating point operations
     */
    public static double compute(int dIn, int dSae, long batch, long steps) {
        return FLOP_PER_WEIGHT * 2 * dIn * dSae * batch * steps;
    }

    /**
     * The loss by which autoencoders of any size are compared: the mean over rows of the squared error summed over d, plus the recipe's
     * {@linkplain Recipe#effectiveLambda effective lambda} times what it penalises, summed over features. With {@link Setting#TARGET_L0}
     * it is the error alone, as all sizes are then as sparse.
     *
     * @param recipe how the autoencoder was trained
     * @param sae the autoencoder
     * @param rows held-out inputs [rows, d_in]
     * @return the loss, in double precision
     * @throws Sae4jException if the recipe divides its error by the number of features, so that sizes cannot be compared
     */
    public static double loss(Recipe recipe, SparseAutoencoder sae, Tensor rows) {
        checkComparable(recipe);
        int d = rows.dim(-1);
        int count = rows.dim(0);
        double[] norms = decoderNorms(Objects.requireNonNull(sae.parameters().get("W_dec")));
        double[] mean = new double[d];
        double error = 0;
        double penalty = 0;
        double norm = 0;
        double squares = 0;
        int chunk = 1024;
        for (int from = 0; from < count; from += chunk) {
            int size = Math.min(chunk, count - from);
            float[] x = new float[size * d];
            rows.copyTo((long) from * d, x, 0, x.length);
            SparseRows features = sae.encode(Tensor.of(x, size, d));
            float[] y = sae.decode(features).toArray();
            for (int row = 0; row < size; row++) {
                double length = 0;
                for (int c = 0; c < d; c++) {
                    double value = x[row * d + c];
                    error += (value - y[row * d + c]) * (value - y[row * d + c]);
                    length += value * value;
                    mean[c] += value / count;
                }
                norm += Math.sqrt(length) / count;
                squares += length / count;
            }
            for (int entry = 0; entry < features.entries(); entry++) {
                penalty += switch (recipe.penalty()) {
                    case NONE -> 0;
                    case L0 -> 1;
                    case L1, L1_SUM -> features.value(entry);
                    case L1_DECODER_NORM -> features.value(entry) * norms[features.index(entry)];
                };
            }
        }
        double weight = recipe.hasTarget() ? 0 : recipe.effectiveLambda(d) * switch (recipe.error()) {
            case MEAN_OVER_NORM -> norm;
            case NORMALIZED -> squares - Arrays.stream(mean).map(m -> m * m).sum();
            case SUM, MEAN, SUM_OVER_FEATURES -> 1;
        };
        return (error + weight * penalty) / count;
    }

    /**
     * Checks that losses of different numbers of features can be compared.
     *
     * @param recipe the recipe
     * @throws Sae4jException if its error is divided by the number of features while it has a penalty
     */
    public static void checkComparable(Recipe recipe) {
        if (recipe.error() == Recipe.ErrorReduction.SUM_OVER_FEATURES && recipe.hasPenalty() && !recipe.hasTarget()) {
            throw new Sae4jException("the error is divided by the number of features, so the penalty weighs more the more there "
                    + "are, and sizes cannot be compared", "recipe " + recipe.name(),
                    "set target_l0, or error=sum and l1 to its effective lambda");
        }
    }

    private static double[] decoderNorms(Tensor decoder) {
        double[] norms = new double[decoder.dim(0)];
        for (int row = 0; row < norms.length; row++) {
            for (float value : decoder.row(row)) {
                norms[row] += (double) value * value;
            }
            norms[row] = Math.sqrt(norms[row]);
        }
        return norms;
    }
}
