package org.sae4j.experiment.neighborhood.internal;

/**
 * Trustworthiness of a map (Venna and Kaski 2001): 1 if the k nearest points on it are the k most similar, less by how far down the ranking
 * of similarities the intruders are. Random positions give about one half.
 */
public final class Trustworthiness {
    private Trustworthiness() {}

    /**
     * The trustworthiness of every point's neighborhood; their mean is that of the map.
     *
     * @param distances of all pairs in the original space
     * @param coordinates on the map, by axis and point
     * @param k size of a neighborhood; half the number of points at most
     * @return one value for each point; empty below 5 points
     */
    public static double[] of(float[][] distances, double[][] coordinates, int k) {
        int n = distances.length;
        if (n < 5) {
            return new double[0];
        }
        int size = Math.min(k, (n - 1) / 2);
        double scale = 2.0 / (size * (2.0 * n - 3.0 * size - 1));
        double[] values = new double[n];
        for (int i = 0; i < n; i++) {
            double excess = 0;
            for (int j : nearest(coordinates, i, size)) {
                int rank = 1;
                for (int l = 0; l < n; l++) {
                    if (l != i && (distances[i][l] < distances[i][j] || distances[i][l] == distances[i][j] && l < j)) {
                        rank++;
                    }
                }
                excess += Math.max(0, rank - size);
            }
            values[i] = 1 - scale * excess;
        }
        return values;
    }

    private static int[] nearest(double[][] coordinates, int i, int k) {
        int n = coordinates[0].length;
        int[] best = new int[k];
        double[] squares = new double[k];
        int count = 0;
        for (int j = 0; j < n; j++) {
            double square = 0;
            for (double[] axis : coordinates) {
                square += (axis[i] - axis[j]) * (axis[i] - axis[j]);
            }
            if (j != i && (count < k || square < squares[k - 1])) {
                int at = count < k ? count++ : k - 1;
                while (at > 0 && squares[at - 1] > square) {
                    squares[at] = squares[at - 1];
                    best[at] = best[at - 1];
                    at--;
                }
                squares[at] = square;
                best[at] = j;
            }
        }
        return best;
    }
}
