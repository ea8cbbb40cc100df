package org.sae4j.core.train;

import java.util.Arrays;
import org.sae4j.api.CounterRandom;

/** Random permutations. */
final class Permutations {
    private Permutations() {}

    /** A random order of 0 to n - 1 (Fisher and Yates). */
    static int[] of(int n, CounterRandom random) {
        int[] order = new int[n];
        fill(order, random);
        return order;
    }

    /** Fills an array with a random order of its indices. */
    static void fill(int[] order, CounterRandom random) {
        Arrays.setAll(order, i -> i);
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int other = order[j];
            order[j] = order[i];
            order[i] = other;
        }
    }
}
