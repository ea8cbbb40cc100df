package org.sae4j.experiment.ablation.internal;

import org.sae4j.api.CounterRandom;

/** Small vectors, with sums in double precision. */
final class Vectors {
    private Vectors() {}

    static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    static double norm(float[] a) {
        return Math.sqrt(dot(a, a));
    }

    static float[] scaled(float[] a, double factor) {
        float[] scaled = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            scaled[i] = (float) (a[i] * factor);
        }
        return scaled;
    }

    static float[] plus(float[] a, float[] b) {
        float[] sum = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            sum[i] = a[i] + b[i];
        }
        return sum;
    }

    static float[] minus(float[] a, float[] b) {
        float[] difference = new float[a.length];
        for (int i = 0; i < a.length; i++) {
            difference[i] = a[i] - b[i];
        }
        return difference;
    }

    static double cosine(float[] a, float[] b) {
        return dot(a, b) / (norm(a) * norm(b));
    }

    static double meanSquare(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
        }
        return sum / a.length;
    }

    /** A vector of a length in a random direction. */
    static float[] random(int width, double length, CounterRandom random) {
        float[] direction = new float[width];
        double norm;
        do {
            for (int i = 0; i < width; i++) {
                direction[i] = (float) random.nextGaussian();
            }
            norm = norm(direction);
        } while (norm == 0);
        return scaled(direction, length / norm);
    }
}
