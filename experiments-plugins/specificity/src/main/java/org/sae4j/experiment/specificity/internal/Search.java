package org.sae4j.experiment.specificity.internal;

import java.util.Arrays;
import org.sae4j.api.Progress;
import org.sae4j.api.stats.Statistics;

/**
 * Areas under the receiver operating characteristic of all features for all groups, each feature ranked once. A feature costs in its
 * active cases, not in all.
 */
public final class Search {
    private final Grouping grouping;
    private final double[][] auroc;
    private final double[] ties;

    private Search(Grouping grouping, int features) {
        this.grouping = grouping;
        auroc = new double[grouping.groups()][features];
        ties = new double[features];
    }

    /**
     * Searches.
     *
     * @param columns activations
     * @param grouping which cases are positive for what
     * @param stage what to report
     * @param progress told of every hundredth feature
     * @return the areas
     */
    public static Search run(FeatureColumns columns, Grouping grouping, String stage, Progress progress) {
        Search search = new Search(grouping, columns.features());
        for (int feature = 0; feature < columns.features(); feature++) {
            if (feature % 100 == 0) {
                progress.checkCancelled();
                progress.update(stage, feature, columns.features());
            }
            search.rank(columns, feature);
        }
        progress.update(stage, columns.features(), columns.features());
        return search;
    }

    private void rank(FeatureColumns columns, int feature) {
        int groups = grouping.groups();
        long[] sorted = new long[columns.start(feature + 1) - columns.start(feature)];
        int n = 0;
        int below = 0;
        for (int e = columns.start(feature); e < columns.start(feature + 1); e++) {
            int group = grouping.of(columns.caseOf(e));
            if (group != Grouping.EXCLUDED) {
                int bits = Float.floatToIntBits(columns.value(e));
                sorted[n++] = (long) (bits ^ bits >> 31 & Integer.MAX_VALUE) << 32 | group;
                below += columns.value(e) < 0 ? 1 : 0;
            }
        }
        Arrays.sort(sorted, 0, n);
        int zeros = grouping.cases() - n;
        double[] rankSum = new double[groups];
        int[] active = new int[groups];
        double tie = (double) zeros * zeros * zeros - zeros;
        for (int from = 0; from < n;) {
            int to = from + 1;
            while (to < n && sorted[to] >> 32 == sorted[from] >> 32) {
                to++;
            }
            double t = to - from;
            tie += t * t * t - t;
            double rank = (from + 1 + to) / 2.0 + (from < below ? 0 : zeros);
            for (int i = from; i < to; i++) {
                rankSum[(int) sorted[i]] += rank;
                active[(int) sorted[i]]++;
            }
            from = to;
        }
        double zeroRank = below + (zeros + 1) / 2.0;
        for (int group = 0; group < groups; group++) {
            double positives = grouping.size(group);
            double sum = rankSum[group] + (positives - active[group]) * zeroRank;
            auroc[group][feature] = (sum - positives * (positives + 1) / 2) / (positives * (grouping.cases() - positives));
        }
        ties[feature] = tie;
    }

    /**
     * One area.
     *
     * @param group the positives
     * @param feature the feature
     * @return from 0 to 1; NaN if there are no positives or no negatives
     */
    public double auroc(int group, int feature) {
        return auroc[group][feature];
    }

    /**
     * All areas of a group.
     *
     * @param group the positives
     * @return one area for each feature; a copy
     */
    public double[] auroc(int group) {
        return auroc[group].clone();
    }

    /**
     * The features with the largest areas.
     *
     * @param group the positives
     * @param count how many at most
     * @return features, the best first; of equal ones the lower first
     */
    public int[] best(int group, int count) {
        double[] areas = auroc[group];
        return java.util.stream.IntStream.range(0, areas.length).boxed()
                .sorted((a, b) -> Double.compare(areas[b], areas[a])).limit(count).mapToInt(Integer::intValue).toArray();
    }

    /**
     * The feature with the largest area.
     *
     * @param group the positives
     * @return the feature; the lowest of several
     */
    public int best(int group) {
        double[] areas = auroc[group];
        int best = 0;
        for (int feature = 1; feature < areas.length; feature++) {
            best = areas[feature] > areas[best] ? feature : best;
        }
        return best;
    }

    /**
     * Two-sided p-values of the Mann-Whitney test with correction for ties, as {@link Statistics#mannWhitneyP}.
     *
     * @param group the positives
     * @return one for each feature
     */
    public double[] pValues(int group) {
        double positives = grouping.size(group);
        double n = grouping.cases();
        double[] p = new double[ties.length];
        for (int feature = 0; feature < p.length; feature++) {
            // 0 for a feature that never varies and at least 3 for others, see Statistics.mannWhitneyP.
            double numerator = n + 1 - ties[feature] / (n * (n - 1));
            double variance = numerator / (12 * positives * (n - positives));
            p[feature] = numerator < 1 ? 1
                    : Math.min(1, 2 * Statistics.normalUpperTail(Math.abs(auroc[group][feature] - 0.5) / Math.sqrt(variance)));
        }
        return p;
    }
}
