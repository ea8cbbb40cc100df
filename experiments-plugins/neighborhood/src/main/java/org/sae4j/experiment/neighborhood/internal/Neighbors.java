package org.sae4j.experiment.neighborhood.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What one pass over all pairs of features finds: nearest neighbors, the distribution of similarities, and clusters. */
public final class Neighbors {
    /** Bins of the histogram of similarities, from -1 to 1. */
    public static final int BINS = 200;

    private final boolean[] defined;
    private final int[][] nearest;
    private final double[] largest;
    private final long[] histogram = new long[BINS];
    private final int[] parent;
    private double sum;
    private double squares;
    private long pairs;

    private Neighbors(int n) {
        defined = new boolean[n];
        nearest = new int[n][0];
        largest = new double[n];
        Arrays.fill(largest, Double.NaN);
        parent = new int[n];
        Arrays.setAll(parent, i -> i);
    }

    /**
     * Passes over all pairs.
     *
     * @param similarities of features with features
     * @param k neighbors to keep
     * @param joined least similarity that joins two features into a cluster
     * @return what was found
     */
    public static Neighbors of(Similarities similarities, int k, double joined) {
        Neighbors found = new Neighbors(similarities.features());
        for (int i = 0; i < found.defined.length; i++) {
            found.defined[i] = similarities.defined(i);
        }
        similarities.forEach((item, row) -> found.take(item, row, k, joined));
        return found;
    }

    private void take(int item, float[] row, int k, double joined) {
        if (!defined[item]) {
            return;
        }
        int[] best = new int[Math.min(k, row.length - 1)];
        int count = 0;
        for (int j = 0; j < row.length; j++) {
            if (j == item || !defined[j]) {
                continue;
            }
            float s = row[j];
            if (j > item) {
                sum += s;
                squares += (double) s * s;
                pairs++;
                histogram[bin(s)]++;
                if (s >= joined) {
                    join(item, j);
                }
            }
            if (count < best.length || s > row[best[count - 1]]) {
                int at = count < best.length ? count++ : count - 1;
                while (at > 0 && row[best[at - 1]] < s) {
                    best[at] = best[at - 1];
                    at--;
                }
                best[at] = j;
            }
        }
        nearest[item] = Arrays.copyOf(best, count);
        largest[item] = count == 0 ? Double.NaN : row[best[0]];
    }

    private static int bin(double similarity) {
        return Math.clamp((long) Math.floor((similarity + 1) / 2 * BINS), 0, BINS - 1);
    }

    private int root(int i) {
        int root = i;
        while (parent[root] != root) {
            parent[root] = parent[parent[root]];
            root = parent[root];
        }
        return root;
    }

    private void join(int i, int j) {
        int a = root(i);
        int b = root(j);
        parent[Math.max(a, b)] = Math.min(a, b);
    }

    /** {@return the number of features} */
    public int features() {
        return defined.length;
    }

    /**
     * Whether a feature has similarities.
     *
     * @param feature the feature
     * @return whether it was compared
     */
    public boolean defined(int feature) {
        return defined[feature];
    }

    /**
     * The nearest neighbors.
     *
     * @param feature the feature
     * @return the nearest first, of equal ones the lower first; fewer than k if there are no more, none if the feature is not defined
     */
    public int[] nearest(int feature) {
        return nearest[feature];
    }

    /**
     * The similarity to the nearest neighbor.
     *
     * @param feature the feature
     * @return the similarity; NaN if there is none
     */
    public double largest(int feature) {
        return largest[feature];
    }

    /** {@return pairs by similarity, each pair once} */
    public long[] histogram() {
        return histogram;
    }

    /** {@return the number of pairs} */
    public long pairs() {
        return pairs;
    }

    /** {@return the mean over pairs} */
    public double mean() {
        return sum / pairs;
    }

    /** {@return the standard deviation over pairs} */
    public double standardDeviation() {
        return Math.sqrt(Math.max(0, squares / pairs - mean() * mean()));
    }

    /** {@return groups of at least 2 features that are joined by pairs, the largest first, of equal ones that with the lowest member} */
    public List<int[]> clusters() {
        Map<Integer, List<Integer>> members = new TreeMap<>();
        for (int i = 0; i < parent.length; i++) {
            members.computeIfAbsent(root(i), r -> new ArrayList<>()).add(i);
        }
        return members.values().stream().filter(m -> m.size() > 1).sorted(Comparator.comparingInt(m -> -m.size()))
                .map(m -> m.stream().mapToInt(Integer::intValue).toArray()).toList();
    }
}
