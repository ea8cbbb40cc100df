package org.sae4j.experiment.specificity.internal;

import java.util.Arrays;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.specificity.SpecificityResult.Decision;

/** Deciding for a concept where a score exceeds a threshold. */
public final class Decisions {
    private Decisions() {}

    /**
     * Decides by one threshold.
     *
     * @param scores one score for each case
     * @param positive whether each case is of the concept
     * @param threshold scores above it decide for the concept
     * @return precision, recall and true negative rate
     */
    public static Decision at(double[] scores, boolean[] positive, double threshold) {
        long decided = 0;
        long hits = 0;
        long positives = 0;
        for (int i = 0; i < scores.length; i++) {
            if (scores[i] > threshold) {
                decided++;
                hits += positive[i] ? 1 : 0;
            }
            positives += positive[i] ? 1 : 0;
        }
        return decision(threshold, decided, hits, positives, scores.length);
    }

    /**
     * The threshold with the highest F1 among 0 and all scores; the highest of several.
     *
     * @param scores one score of at least 0 for each case
     * @param positive whether each case is of the concept
     * @return the best decision
     */
    public static Decision best(double[] scores, boolean[] positive) {
        double[] sorted = Arrays.stream(scores).filter(s -> s > 0).sorted().toArray();
        double[] hitScores = java.util.stream.IntStream.range(0, scores.length).filter(i -> positive[i] && scores[i] > 0)
                .mapToDouble(i -> scores[i]).sorted().toArray();
        long positives = java.util.stream.IntStream.range(0, scores.length).filter(i -> positive[i]).count();
        Decision best = decision(0, sorted.length, hitScores.length, positives, scores.length);
        int hitsAtMost = 0;
        for (int i = 0; i < sorted.length; i++) {
            if (i + 1 < sorted.length && sorted[i + 1] == sorted[i]) {
                continue;
            }
            while (hitsAtMost < hitScores.length && hitScores[hitsAtMost] <= sorted[i]) {
                hitsAtMost++;
            }
            int decided = sorted.length - i - 1;
            Decision candidate = decision(sorted[i], decided, hitScores.length - hitsAtMost, positives, scores.length);
            if (candidate.f1() >= best.f1()) {
                best = candidate;
            }
        }
        return best;
    }

    private static Decision decision(double threshold, double decided, double hits, double positives, double cases) {
        double misses = decided - hits;
        return new Decision(threshold, decided == 0 ? Double.NaN : hits / decided, positives == 0 ? Double.NaN : hits / positives,
                decided + positives == 0 ? Double.NaN : 2 * hits / (decided + positives),
                cases == positives ? Double.NaN : (cases - positives - misses) / (cases - positives));
    }

    /**
     * A bootstrap interval of an area under the receiver operating characteristic. Scores are ranked once, so a resample costs in the
     * number of cases.
     *
     * @param scores one score for each case
     * @param positive whether each case is positive
     * @param resamples number of resamples
     * @param over what a case is
     * @param random where draws come from
     * @return the interval
     */
    public static Interval aurocInterval(double[] scores, boolean[] positive, int resamples, String over, CounterRandom random) {
        double[] distinct = Arrays.stream(scores).sorted().distinct().toArray();
        int[] level = new int[scores.length];
        Arrays.setAll(level, i -> Arrays.binarySearch(distinct, scores[i]));
        int[][] counts = new int[2][distinct.length];
        return Statistics.bootstrap(scores.length, drawn -> {
            Arrays.fill(counts[0], 0);
            Arrays.fill(counts[1], 0);
            for (int i : drawn) {
                counts[positive[i] ? 1 : 0][level[i]]++;
            }
            double wins = 0;
            double below = 0;
            double positives = 0;
            for (int l = 0; l < distinct.length; l++) {
                wins += counts[1][l] * (below + counts[0][l] / 2.0);
                below += counts[0][l];
                positives += counts[1][l];
            }
            return wins / (below * positives);
        }, resamples, 0.95, over, random);
    }
}
