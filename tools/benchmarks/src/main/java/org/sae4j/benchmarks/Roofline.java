package org.sae4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * What the machine can do at most: multiply-adds from registers, and reading three arrays and writing one that no cache holds, on a number
 * of threads at once.
 *
 * @param threads number of threads
 * @param flops multiplications and additions per second
 * @param bandwidth bytes read and written per second; a line that is written is not counted as read before
 */
record Roofline(int threads, double flops, double bandwidth) {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int CHAINS = 12;
    private static final int LOOPS = 2_000_000;
    /** 64 MiB for each of the four arrays. */
    private static final int LENGTH = 1 << 24;
    private static final int RUNS = 7;

    static Roofline measure(int threads) throws InterruptedException {
        double flops = 2.0 * CHAINS * S.length() * LOOPS * best(threads, List.of(), (part, arrays) -> multiplyAdds());
        List<float[]> arrays = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            arrays.add(new float[LENGTH]);
        }
        int share = LENGTH / threads / S.length() * S.length();
        double bandwidth = 4.0 * Float.BYTES * share * best(threads, arrays, (part, a) -> update(a, part * share, (part + 1) * share));
        return new Roofline(threads, flops, bandwidth);
    }

    @FunctionalInterface
    private interface Work {
        void run(int part, List<float[]> arrays);
    }

    /** {@return threads divided by the seconds of the quickest of some runs} */
    private static double best(int threads, List<float[]> arrays, Work work) throws InterruptedException {
        double least = Double.MAX_VALUE;
        for (int run = 0; run < RUNS; run++) {
            CountDownLatch ready = new CountDownLatch(threads);
            CountDownLatch go = new CountDownLatch(1);
            List<Thread> all = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                int part = i;
                all.add(Thread.ofPlatform().start(() -> {
                    ready.countDown();
                    try {
                        go.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                        return;
                    }
                    work.run(part, arrays);
                }));
            }
            ready.await();
            long start = System.nanoTime();
            go.countDown();
            for (Thread thread : all) {
                thread.join();
            }
            least = Math.min(least, (System.nanoTime() - start) / 1e9);
        }
        return threads / least;
    }

    private static void multiplyAdds() {
        FloatVector x = FloatVector.broadcast(S, 0.999f);
        FloatVector y = FloatVector.broadcast(S, 1e-3f);
        FloatVector a0 = x;
        FloatVector a1 = x;
        FloatVector a2 = x;
        FloatVector a3 = x;
        FloatVector a4 = x;
        FloatVector a5 = x;
        FloatVector a6 = x;
        FloatVector a7 = x;
        FloatVector a8 = x;
        FloatVector a9 = x;
        FloatVector a10 = x;
        FloatVector a11 = x;
        for (int i = 0; i < LOOPS; i++) {
            a0 = a0.fma(x, y);
            a1 = a1.fma(x, y);
            a2 = a2.fma(x, y);
            a3 = a3.fma(x, y);
            a4 = a4.fma(x, y);
            a5 = a5.fma(x, y);
            a6 = a6.fma(x, y);
            a7 = a7.fma(x, y);
            a8 = a8.fma(x, y);
            a9 = a9.fma(x, y);
            a10 = a10.fma(x, y);
            a11 = a11.fma(x, y);
        }
        float sum = a0.add(a1).add(a2).add(a3).add(a4).add(a5).add(a6).add(a7).add(a8).add(a9).add(a10).add(a11).lane(0);
        if (Float.isNaN(sum)) {
            throw new AssertionError("the chains converge");
        }
    }

    private static void update(List<float[]> arrays, int from, int to) {
        float[] w = arrays.get(0);
        float[] g = arrays.get(1);
        float[] m = arrays.get(2);
        float[] out = arrays.get(3);
        for (int i = from; i < to; i += S.length()) {
            FloatVector.fromArray(S, g, i).fma(FloatVector.fromArray(S, m, i), FloatVector.fromArray(S, w, i)).intoArray(out, i);
        }
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "roofline of %d threads: %.0f GFLOP/s from registers, %.1f GB/s", threads, flops / 1e9,
                bandwidth / 1e9);
    }
}
