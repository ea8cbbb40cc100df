package org.sae4j.core.train;

import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;

/** Data made of a known dictionary. */
public final class Planted {
    private Planted() {}

    /** Random unit rows. */
    public static float[][] dictionary(int atoms, int d, long seed) {
        CounterRandom random = new CounterRandom(seed).stream("dictionary");
        float[][] rows = new float[atoms][d];
        for (float[] row : rows) {
            double sum = 0;
            for (int c = 0; c < d; c++) {
                row[c] = (float) random.nextGaussian();
                sum += row[c] * row[c];
            }
            for (int c = 0; c < d; c++) {
                row[c] /= (float) Math.sqrt(sum);
            }
        }
        return rows;
    }

    /** Sums of {@code active} atoms each, with coefficients from 1 to 2, plus an offset. */
    public static Tensor rows(float[][] dictionary, int count, int active, float offset, long seed) {
        CounterRandom random = new CounterRandom(seed).stream("rows");
        int d = dictionary[0].length;
        float[] values = new float[count * d];
        for (int row = 0; row < count; row++) {
            for (int i = 0; i < active; i++) {
                float[] atom = dictionary[random.nextInt(dictionary.length)];
                float coefficient = 1 + random.nextFloat();
                for (int c = 0; c < d; c++) {
                    values[row * d + c] += coefficient * atom[c];
                }
            }
            for (int c = 0; c < d; c++) {
                values[row * d + c] += offset;
            }
        }
        return Tensor.of(values, count, d);
    }
}
