package org.sae4j.engine.cpu;

import org.sae4j.api.CounterRandom;

/** Values to fill matrices with. */
final class RandomValues {
    private RandomValues() {}

    /** {@return n normal values} */
    static float[] normal(int n, long seed) {
        CounterRandom random = new CounterRandom(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }
}
