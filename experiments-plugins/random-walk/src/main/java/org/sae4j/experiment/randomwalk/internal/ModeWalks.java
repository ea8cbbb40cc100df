package org.sae4j.experiment.randomwalk.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.randomwalk.RandomWalkResult.Curves;
import org.sae4j.experiment.randomwalk.RandomWalkResult.FixedProjection;
import org.sae4j.experiment.randomwalk.RandomWalkResult.ModeResult;
import org.sae4j.experiment.randomwalk.RandomWalkResult.OwnPca;
import org.sae4j.experiment.randomwalk.WalkMode;

/** Walks one kind of walk and measures it. One walk's points are held at a time; what the model needs of them is kept. */
final class ModeWalks {
    private final SparseAutoencoder sae;
    private final Origin origin;
    private final Paths paths;
    private final PatchedModel model;
    private final float[][] axes;
    private final double[] basisMean;
    private final double[][] nullScores;
    private final int target;
    private final int walks;
    private final int steps;
    private final Progress progress;

    ModeWalks(SparseAutoencoder sae, Origin origin, Paths paths, PatchedModel model, float[][] axes, double[] basisMean,
            double[][] nullScores,
            int target, int walks, int steps, Progress progress) {
        this.sae = sae;
        this.origin = origin;
        this.paths = paths;
        this.model = model;
        this.axes = axes;
        this.basisMean = basisMean;
        this.nullScores = nullScores;
        this.target = target;
        this.walks = walks;
        this.steps = steps;
        this.progress = progress;
    }

    /**
     * One kind of walk.
     *
     * @param result what was measured
     * @param firstWalk the displacements of the first walk, by point
     */
    record Walked(ModeResult result, float[][] firstWalk) {}

    /** {@return the measures, or empty if a walk cannot take a step of the length} */
    Optional<Walked> walk(WalkMode mode) {
        Curves curves = new Curves(lines(), lines(), lines(), lines(), lines(), new int[walks][steps + 1], lines(), lines(), lines(),
                new int[walks][]);
        OwnPca pca = new OwnPca(new double[walks][], new double[walks][][], new double[walks]);
        FixedProjection fixed = new FixedProjection(new double[walks][][], new double[walks]);
        double[] lengths = new double[walks];
        double[] squaredCosines = new double[walks];
        int[] firstChange = new int[walks];
        List<double[]> ends = new ArrayList<>();
        float[][] firstWalk = {};
        for (int w = 0; w < walks; w++) {
            progress.checkCancelled();
            progress.update("walking, " + mode.label(), w, walks);
            Optional<double[][]> made = paths.points(mode, w);
            if (made.isEmpty()) {
                return Optional.empty();
            }
            double[][] points = made.get();
            Geometry geometry = Geometry.of(points);
            lengths[w] = Statistics.mean(geometry.stepLengths());
            squaredCosines[w] = geometry.squaredCosine();
            curves.distance()[w] = geometry.distances();
            for (int t = 0; t <= steps; t++) {
                curves.cosine()[w][t] = Vectors.dot(points[0], points[t]) / (Vectors.norm(points[0]) * Vectors.norm(points[t]));
            }
            pca.shares()[w] = geometry.shares();
            pca.scores()[w] = geometry.scores();
            pca.cosineCorrelation()[w] = Statistics.pearson(geometry.scores()[0], nullScores[0]);
            ends.add(IntStream.range(0, points[0].length).mapToDouble(i -> points[steps][i] - points[0][i]).toArray());

            float[][] moved = displacements(mode, points);
            if (w == 0) {
                firstWalk = moved;
            }
            measureActivations(mode, points, moved, w, curves);
            project(moved, w, fixed);
            PatchedModel.Effects effects = model.effects(moved, target);
            curves.kl()[w] = effects.kl();
            curves.loss()[w] = effects.loss();
            curves.cleanTopProbability()[w] = effects.cleanTopProbability();
            curves.topToken()[w] = effects.top();
            firstChange[w] = firstChange(moved, effects.top());
        }
        return Optional.of(new Walked(new ModeResult(mode, paths.dimension(mode), lengths, 1 / Statistics.mean(squaredCosines),
                endpointCosine(ends), curves, firstChange, pca, fixed), firstWalk));
    }

    private double[][] lines() {
        return new double[walks][steps + 1];
    }

    /** What each point adds to the model's activation: decoding is linear, so the displacement of features is decoded without the bias. */
    private float[][] displacements(WalkMode mode, double[][] points) {
        int d = origin.activation().length;
        float[][] moved = new float[points.length][d];
        if (mode.inActivationSpace()) {
            for (int t = 0; t < points.length; t++) {
                for (int i = 0; i < d; i++) {
                    moved[t][i] = (float) (points[t][i] - points[0][i]);
                }
            }
            return moved;
        }
        Tensor decoded = sae.decode(differences(points));
        float[] bias = decoded.row(0);
        for (int t = 0; t < points.length; t++) {
            float[] row = decoded.row(t);
            for (int i = 0; i < d; i++) {
                moved[t][i] = (float) (origin.scale() * ((double) row[i] - bias[i]));
            }
        }
        return moved;
    }

    private static SparseRows differences(double[][] points) {
        int[] offsets = new int[points.length + 1];
        int capacity = Arrays.stream(points).mapToInt(p -> (int) IntStream.range(0, p.length).filter(i -> p[i] != points[0][i]).count())
                .sum();
        int[] indices = new int[capacity];
        float[] values = new float[capacity];
        int n = 0;
        for (int t = 0; t < points.length; t++) {
            for (int i = 0; i < points[t].length; i++) {
                if (points[t][i] != points[0][i]) {
                    indices[n] = i;
                    values[n++] = (float) (points[t][i] - points[0][i]);
                }
            }
            offsets[t + 1] = n;
        }
        return new SparseRows(points[0].length, offsets, indices, values);
    }

    private void measureActivations(WalkMode mode, double[][] points, float[][] moved, int w, Curves curves) {
        float[] x = origin.activation();
        int d = x.length;
        float[][] patched = new float[moved.length][d];
        for (int t = 0; t < moved.length; t++) {
            for (int i = 0; i < d; i++) {
                patched[t][i] = x[i] + moved[t][i];
            }
        }
        Tensor there = Reference.matrix(patched, d);
        Tensor reconstructed = sae.reconstruct(there);
        SparseRows encoded = mode.inActivationSpace() ? sae.encode(there) : null;
        for (int t = 0; t < moved.length; t++) {
            float[] image = reconstructed.row(t);
            float[] decoded = image;
            if (!mode.inActivationSpace()) {
                decoded = new float[d];
                for (int i = 0; i < d; i++) {
                    decoded[i] = origin.reconstruction()[i] + moved[t][i];
                }
            }
            curves.activationDistance()[w][t] = Vectors.norm(moved[t]);
            curves.reconstructionLoss()[w][t] = Vectors.squaredDistance(x, decoded) / d;
            curves.unexplained()[w][t] = Vectors.squaredDistance(patched[t], image) / Vectors.dot(patched[t], patched[t]);
            curves.activeFeatures()[w][t] = encoded != null ? encoded.count(t)
                    : (int) Arrays.stream(points[t]).filter(value -> value != 0).count();
        }
    }

    private void project(float[][] moved, int w, FixedProjection fixed) {
        double[][] coordinates = new double[axes.length][moved.length];
        double along = 0;
        for (int k = 0; k < axes.length; k++) {
            double offset = 0;
            for (int i = 0; i < axes[k].length; i++) {
                offset += axes[k][i] * (origin.activation()[i] - basisMean[i]);
            }
            for (int t = 0; t < moved.length; t++) {
                coordinates[k][t] = offset + Vectors.dot(axes[k], moved[t]);
            }
            along += variance(coordinates[k]);
        }
        double total = 0;
        double[] column = new double[moved.length];
        for (int i = 0; i < moved[0].length; i++) {
            int at = i;
            Arrays.setAll(column, t -> moved[t][at]);
            total += variance(column);
        }
        fixed.coordinates()[w] = coordinates;
        fixed.varianceShare()[w] = total > 0 ? along / total : Double.NaN;
    }

    private static double variance(double[] values) {
        double mean = Statistics.mean(values);
        return Arrays.stream(values).map(v -> (v - mean) * (v - mean)).sum();
    }

    /** Steps whose first token changed are known; of those before the first of them, the whole continuation is checked. */
    private int firstChange(float[][] moved, int[] top) {
        int clean = model.continuation()[0];
        int known = IntStream.range(0, moved.length).filter(t -> top[t] != clean).findFirst().orElse(moved.length);
        for (int from = 0; from < known; from += PatchedModel.CHECKED) {
            boolean[] keeps = model.keepsContinuation(Arrays.copyOfRange(moved, from, Math.min(from + PatchedModel.CHECKED, known)));
            for (int i = 0; i < keeps.length; i++) {
                if (!keeps[i]) {
                    return from + i;
                }
            }
        }
        return known == moved.length ? -1 : known;
    }

    private static double endpointCosine(List<double[]> ends) {
        double sum = 0;
        int pairs = 0;
        for (int a = 0; a < ends.size(); a++) {
            for (int b = 0; b < a; b++) {
                double scale = Vectors.norm(ends.get(a)) * Vectors.norm(ends.get(b));
                if (scale > 0) {
                    sum += Math.abs(Vectors.dot(ends.get(a), ends.get(b))) / scale;
                    pairs++;
                }
            }
        }
        return sum / pairs;
    }
}
