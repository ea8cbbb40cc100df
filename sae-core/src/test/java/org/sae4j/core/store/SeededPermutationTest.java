package org.sae4j.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.CounterRandom;

class SeededPermutationTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 16, 17, 255, 256, 257, 1000, 65_537, 300_000})
    void everyNumberHasOnePlace(int n) {
        SeededPermutation order = new SeededPermutation(n, new CounterRandom(n));
        BitSet seen = new BitSet(n);
        for (int place = 0; place < n; place++) {
            long number = order.at(place);
            assertThat(number).isBetween(0L, n - 1L);
            assertThat(order.placeOf(number)).isEqualTo(place);
            seen.set((int) number);
        }
        assertThat(seen.cardinality()).isEqualTo(n);
    }

    @Test
    void numbersBeyondAnyTableComeBack() {
        for (long n : new long[] {(1L << 32) + 5, 1_000_000_000_007L, 1L << 62}) {
            SeededPermutation order = new SeededPermutation(n, new CounterRandom(3));
            for (long place = n - 1; place > 0; place /= 3) {
                assertThat(order.at(place)).isBetween(0L, n - 1);
                assertThat(order.placeOf(order.at(place))).isEqualTo(place);
            }
        }
    }

    /** Over many seeds every number is as often at every place, and every pair of neighbours in every pair of places. */
    @ParameterizedTest
    @ValueSource(ints = {5, 16, 23})
    void anyNumberMayBeAnywhere(int n) {
        int seeds = 40_000;
        long[][] counts = new long[n][n];
        long[][] pairs = new long[n][n];
        for (int seed = 0; seed < seeds; seed++) {
            SeededPermutation order = new SeededPermutation(n, new CounterRandom(seed));
            for (int place = 0; place < n; place++) {
                counts[place][(int) order.at(place)]++;
            }
            pairs[(int) order.placeOf(0)][(int) order.placeOf(1)]++;
        }
        double expected = (double) seeds / n;
        double chi = 0;
        for (long[] row : counts) {
            for (long count : row) {
                chi += (count - expected) * (count - expected) / expected;
            }
        }
        // (n - 1)^2 degrees of freedom; six standard deviations above their mean.
        assertThat(chi).isLessThan((n - 1) * (n - 1) + 6 * Math.sqrt(2.0 * (n - 1) * (n - 1)));
        double expectedPair = (double) seeds / (n * (n - 1));
        double chiPairs = 0;
        for (int a = 0; a < n; a++) {
            for (int b = 0; b < n; b++) {
                if (a != b) {
                    chiPairs += (pairs[a][b] - expectedPair) * (pairs[a][b] - expectedPair) / expectedPair;
                }
            }
        }
        int freedom = n * (n - 1) - 1;
        assertThat(chiPairs).isLessThan(freedom + 6 * Math.sqrt(2.0 * freedom));
    }
}
