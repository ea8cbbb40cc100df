package org.sae4j.core.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SamplingTest {
    /** The definition: a stable sort of all ids, cut behind the last and its equals. */
    private static int[] defined(double[] scores, int count) {
        int[] order = IntStream.range(0, scores.length).boxed().sorted(Comparator.comparingDouble((Integer id) -> scores[id] + 0.0).reversed())
                .mapToInt(Integer::intValue).toArray();
        int kept = Math.min(count, order.length);
        while (kept < order.length && scores[order[kept]] == scores[order[kept - 1]]) {
            kept++;
        }
        return Arrays.copyOf(order, kept);
    }

    @Test
    void theLikeliestAreThoseOfAStableSort() {
        SplittableRandom random = new SplittableRandom(4);
        for (int n : new int[] {1, 2, 7, 1000}) {
            for (int count : new int[] {1, 2, 5, 50, 999, 1000}) {
                double[][] kinds = {
                    // Many equals, and zeros of both signs.
                    random.doubles(n).map(x -> Math.rint(x * 6 - 3)).toArray(),
                    random.doubles(n).map(x -> (float) (x - 0.5)).toArray(),
                    // Different in double precision alone.
                    random.doubles(n).map(x -> 1 + Math.rint(x * 8) * 0x1p-40).toArray(),
                    random.doubles(n).map(x -> x < 0.3 ? Double.NEGATIVE_INFINITY : -x * 1e30).toArray()};
                for (double[] scores : kinds) {
                    assertThat(Sampling.likeliest(scores, count)).as("%d of %d", count, n).containsExactly(defined(scores, count));
                }
            }
        }
    }
}
