package org.sae4j.benchmarks;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Values to fill matrices with. */
final class RandomValues {
    private RandomValues() {}

    static float[] uniform(RandomGenerator random, int count, double bound) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) ((2 * random.nextDouble() - 1) * bound);
        }
        return values;
    }

    static float[] constant(int count, double value) {
        float[] values = new float[count];
        Arrays.fill(values, (float) value);
        return values;
    }

    /** {@return what a normal variable stays below with a probability, by bisection of the distribution's series} */
    static double normalQuantile(double probability) {
        double low = -6;
        double high = 6;
        for (int i = 0; i < 60; i++) {
            double middle = (low + high) / 2;
            if (normalDistribution(middle) < probability) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static double normalDistribution(double x) {
        double term = x;
        double sum = x;
        for (int i = 3; i < 200; i += 2) {
            term *= x * x / i;
            sum += term;
        }
        return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    }
}
