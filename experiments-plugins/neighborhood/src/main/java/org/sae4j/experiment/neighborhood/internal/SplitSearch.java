package org.sae4j.experiment.neighborhood.internal;

import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.neighborhood.NeighborhoodConfig;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Family;
import org.sae4j.experiment.neighborhood.NeighborhoodResult.Splitting;

/** Matches the decoder rows of two autoencoders. */
final class SplitSearch {
    private SplitSearch() {}

    /**
     * Finds the parent of every feature of the larger autoencoder.
     *
     * @param config the settings
     * @param children decoder rows of the larger one against those of the smaller one
     * @param larger number of features of the larger one
     * @param studiedIsSmaller whether the autoencoder under study is the smaller one
     * @param focus features of the autoencoder under study
     * @param width width of the decoders
     * @return parents and families
     */
    static Splitting search(NeighborhoodConfig config, Similarities children, int larger, boolean studiedIsSmaller, List<Integer> focus,
            int width) {
        int smaller = children.features();
        int[] parents = new int[larger];
        double[] cosines = new double[larger];
        double[] best = new double[smaller];
        int[] match = new int[smaller];
        Arrays.fill(best, -1);
        children.forEach((child, row) -> {
            for (int p = 0; p < smaller; p++) {
                if (row[p] > row[parents[child]]) {
                    parents[child] = p;
                }
                if (row[p] > best[p]) {
                    best[p] = row[p];
                    match[p] = child;
                }
            }
            cosines[child] = row[parents[child]];
        });
        List<Integer> chosen = List.copyOf(new LinkedHashSet<>(focus.stream().map(f -> studiedIsSmaller ? f : parents[f]).toList()));
        List<Family> families = chosen.stream().map(parent -> {
            int[] members = IntStream.range(0, larger).filter(c -> parents[c] == parent && cosines[c] >= config.childCosine()).boxed()
                    .sorted(Comparator.comparingDouble(c -> -cosines[c])).mapToInt(Integer::intValue).toArray();
            return new Family(parent, members, IntStream.of(members).mapToDouble(c -> cosines[c]).toArray());
        }).toList();
        long same = IntStream.range(0, smaller).filter(p -> match[p] == p).count();
        return new Splitting(smaller, larger, studiedIsSmaller, parents, cosines, best, Statistics.shareEstimate(same, smaller,
                "features of the smaller autoencoder"), new NullCosine(width).medianOfLargest(smaller),
                families);
    }
}
