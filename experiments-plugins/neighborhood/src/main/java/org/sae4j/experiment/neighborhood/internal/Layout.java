package org.sae4j.experiment.neighborhood.internal;

/** Lays out points in few dimensions so that near ones stay near: the seam that a library stands behind. */
@FunctionalInterface
public interface Layout {
    /**
     * Lays out points.
     *
     * @param distances of all pairs, square and symmetric, at least 5 points
     * @param dimensions 2 or 3
     * @param seed equal seeds give equal layouts
     * @return coordinates by axis and point
     */
    double[][] layOut(float[][] distances, int dimensions, long seed);
}
