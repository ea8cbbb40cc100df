package org.sae4j.serve;

import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Tensor;
import tagbio.umap.Umap;

/**
 * Features as points of a plane, near each other where their decoder directions are alike (UMAP with the cosine). Wide directions are first
 * projected at random, which changes cosines by a few hundredths (Johnson and Lindenstrauss 1984).
 *
 * @param features numbers of the features that were active
 * @param x by point
 * @param y by point
 */
record FeatureMap(int[] features, float[] x, float[] y) {
    /** The layout takes time that grows faster than the points; beyond so many there is no map. */
    static final int MOST = 40_000;
    private static final int LEAST = 8;
    private static final int WIDTH = 128;
    private static final int NEIGHBORS = 15;
    private static final int EPOCHS = 200;

    static boolean possible(int features) {
        return features >= LEAST && features <= MOST;
    }

    static FeatureMap of(Tensor decoder, int[] features, long seed, Progress progress) {
        int d = decoder.dim(1);
        int width = Math.min(d, WIDTH);
        float[][] projection = d > WIDTH ? projection(d, new CounterRandom(seed).stream("feature map")) : new float[0][];
        float[][] rows = new float[features.length][];
        for (int p = 0; p < rows.length; p++) {
            progress.checkCancelled();
            float[] direction = decoder.row(features[p]);
            rows[p] = d > WIDTH ? project(direction, projection) : direction;
            unit(rows[p], p % width);
        }
        float[][] points = new Umap().setMetric("euclidean").setNumberComponents(2).setSeed(Long.hashCode(seed)).setThreads(1).setVerbose(false)
                .setNumberNearestNeighbours(Math.min(NEIGHBORS, features.length - 1)).setNumberEpochs(EPOCHS).fitTransform(rows);
        float[] x = new float[points.length];
        float[] y = new float[points.length];
        for (int p = 0; p < points.length; p++) {
            x[p] = points[p][0];
            y[p] = points[p][1];
        }
        return new FeatureMap(features, x, y);
    }

    private static float[][] projection(int d, CounterRandom random) {
        float[][] projection = new float[d][WIDTH];
        for (float[] row : projection) {
            for (int i = 0; i < WIDTH; i++) {
                row[i] = (float) random.nextGaussian();
            }
        }
        return projection;
    }

    private static float[] project(float[] direction, float[][] projection) {
        float[] projected = new float[WIDTH];
        for (int j = 0; j < direction.length; j++) {
            for (int i = 0; i < WIDTH; i++) {
                projected[i] += direction[j] * projection[j][i];
            }
        }
        return projected;
    }

    /** A direction of zeros has none; any will do, but not all the same. */
    private static void unit(float[] row, int otherwise) {
        double square = 0;
        for (float value : row) {
            square += (double) value * value;
        }
        if (square == 0) {
            row[otherwise] = 1;
            return;
        }
        for (int i = 0; i < row.length; i++) {
            row[i] /= (float) Math.sqrt(square);
        }
    }
}
