package org.sae4j.experiment.neighborhood.internal;

import tagbio.umap.Umap;
import tagbio.umap.metric.PrecomputedMetric;

/**
 * Uniform manifold approximation and projection (McInnes, Healy and Melville 2018), on one thread.
 *
 * @param neighbors points that are kept close; as many as there are in smaller sets
 * @param epochs rounds of optimisation
 */
public record UmapLayout(int neighbors, int epochs) implements Layout {
    @Override
    public double[][] layOut(float[][] distances, int dimensions, long seed) {
        int n = distances.length;
        float[][] embedding = new Umap().setMetric(PrecomputedMetric.SINGLETON).setNumberComponents(dimensions)
                .setNumberNearestNeighbours(Math.min(neighbors, n - 1)).setNumberEpochs(epochs).setSeed(seed).setThreads(1)
                .setVerbose(false).fitTransform(distances);
        double[][] coordinates = new double[dimensions][n];
        for (int i = 0; i < n; i++) {
            for (int axis = 0; axis < dimensions; axis++) {
                coordinates[axis][i] = embedding[i][axis];
            }
        }
        return coordinates;
    }
}
