package org.sae4j.benchmarks;

import java.util.Arrays;

/** Times on the wall. */
final class Timing {
    private Timing() {}

    /**
     * The median of some runs after a warm-up.
     *
     * @param runs how many count
     * @param leastWarmUps runs before them, at least
     * @param warmUpSeconds seconds before them, at least
     * @param run what is run
     * @return seconds
     */
    static double median(int runs, int leastWarmUps, int warmUpSeconds, Runnable run) {
        long end = System.nanoTime() + warmUpSeconds * 1_000_000_000L;
        for (int i = 0; i < leastWarmUps || System.nanoTime() < end; i++) {
            run.run();
        }
        double[] seconds = new double[runs];
        for (int i = 0; i < runs; i++) {
            long start = System.nanoTime();
            run.run();
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        return median(seconds);
    }

    /** {@return the median of some values, the larger of two in the middle} */
    static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
