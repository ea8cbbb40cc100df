package org.sae4j.experiment.neighborhood.internal;

import org.sae4j.api.Progress;
import org.sae4j.api.experiment.EncodedCorpus;
import org.sae4j.api.sae.SparseRows;

/**
 * Pearson correlations of feature activations over tokens. The cost is the sum of squared L0 over tokens; beyond a limit, evenly spaced
 * documents stand for all.
 */
public final class Correlations implements Similarities {
    /** Features active on fewer tokens have no correlations. */
    public static final int LEAST_ACTIVE = 10;

    private static final long LARGEST_COST = 1_000_000_000;

    private final SparseRows rows;
    private final int[] tokens;
    private final int[] starts;
    private final int[] tokenOf;
    private final float[] values;
    private final double[] means;
    private final double[] deviations;
    private final int stride;
    private final Progress progress;

    /**
     * Prepares sums.
     *
     * @param corpus the corpus
     * @param progress told of every hundredth feature
     */
    public Correlations(EncodedCorpus corpus, Progress progress) {
        this.progress = progress;
        rows = corpus.features();
        long cost = 0;
        for (int row = 0; row < rows.rows(); row++) {
            cost += (long) rows.count(row) * rows.count(row);
        }
        stride = (int) (1 + cost / LARGEST_COST);
        tokens = java.util.stream.IntStream.range(0, corpus.documents().size()).filter(d -> d % stride == 0)
                .flatMap(d -> java.util.stream.IntStream.range(corpus.start(d), corpus.start(d + 1))).toArray();
        int n = rows.columns();
        starts = new int[n + 1];
        for (int row : tokens) {
            for (int e = rows.start(row); e < rows.start(row + 1); e++) {
                starts[rows.index(e) + 1]++;
            }
        }
        java.util.Arrays.parallelPrefix(starts, Integer::sum);
        tokenOf = new int[starts[n]];
        values = new float[starts[n]];
        int[] next = starts.clone();
        for (int row : tokens) {
            for (int e = rows.start(row); e < rows.start(row + 1); e++) {
                int at = next[rows.index(e)]++;
                tokenOf[at] = row;
                values[at] = rows.value(e);
            }
        }
        means = new double[n];
        deviations = new double[n];
        for (int f = 0; f < n; f++) {
            double sum = 0;
            double squares = 0;
            for (int e = starts[f]; e < starts[f + 1]; e++) {
                sum += values[e];
                squares += (double) values[e] * values[e];
            }
            means[f] = sum / tokens.length;
            deviations[f] = Math.sqrt(Math.max(0, squares / tokens.length - means[f] * means[f]));
        }
    }

    /** {@return one document in how many was used} */
    public int stride() {
        return stride;
    }

    @Override
    public int features() {
        return rows.columns();
    }

    @Override
    public boolean defined(int feature) {
        return starts[feature + 1] - starts[feature] >= LEAST_ACTIVE && deviations[feature] > 0;
    }

    @Override
    public void forEach(Taker taker) {
        float[] row = new float[features()];
        for (int f = 0; f < features(); f++) {
            if (f % 100 == 0) {
                progress.checkCancelled();
                progress.update("correlating activations", f, features());
            }
            row(f, row);
            taker.take(f, row);
        }
        progress.update("correlating activations", features(), features());
    }

    private void row(int f, float[] into) {
        double[] products = new double[features()];
        for (int i = starts[f]; i < starts[f + 1]; i++) {
            for (int e = rows.start(tokenOf[i]); e < rows.start(tokenOf[i] + 1); e++) {
                products[rows.index(e)] += (double) values[i] * rows.value(e);
            }
        }
        for (int g = 0; g < into.length; g++) {
            into[g] = defined(f) && defined(g) ? (float) Math.clamp((products[g] / tokens.length - means[f] * means[g])
                    / (deviations[f] * deviations[g]), -1.0, 1.0) : 0;
        }
    }

    /**
     * One correlation.
     *
     * @param f a feature
     * @param g a feature
     * @return from -1 to 1; NaN if one of the two is not defined
     */
    public double correlation(int f, int g) {
        if (!defined(f) || !defined(g)) {
            return Double.NaN;
        }
        double products = 0;
        for (int i = starts[f]; i < starts[f + 1]; i++) {
            products += (double) values[i] * rows.get(tokenOf[i], g);
        }
        return Math.clamp((products / tokens.length - means[f] * means[g]) / (deviations[f] * deviations[g]), -1.0, 1.0);
    }
}
