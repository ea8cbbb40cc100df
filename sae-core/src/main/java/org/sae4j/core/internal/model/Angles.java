package org.sae4j.core.internal.model;

/**
 * The angles of rotary positions (Su et al. 2021): element k of a head turns by position times {@code frequencies[k]}. Angles are computed
 * in double precision.
 *
 * @param name unique among the angles of a model
 * @param frequencies radians for each position
 * @param factor of cosines and sines, 1 but for YaRN
 */
record Angles(String name, double[] frequencies, double factor) {
    /** {@return how many pairs of elements turn} */
    int count() {
        return frequencies.length;
    }

    void cos(int position, float[] to, int at) {
        for (int k = 0; k < frequencies.length; k++) {
            to[at + k] = (float) (Math.cos(position * frequencies[k]) * factor);
        }
    }

    void sin(int position, float[] to, int at) {
        for (int k = 0; k < frequencies.length; k++) {
            to[at + k] = (float) (Math.sin(position * frequencies[k]) * factor);
        }
    }
}
