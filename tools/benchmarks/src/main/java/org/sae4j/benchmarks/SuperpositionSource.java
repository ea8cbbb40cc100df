package org.sae4j.benchmarks;

import java.util.Arrays;
import org.sae4j.api.CounterRandom;
import org.sae4j.core.train.PositionedSource;

/**
 * Activations of which the truth is known: a row is the sum of random unit directions, each active on its own with the same small
 * probability and a magnitude uniform from 0 to 1. There are more directions than dimensions, so they cannot be orthogonal.
 */
final class SuperpositionSource extends PositionedSource {
    private final float[][] directions;
    private final double probability;
    private final CounterRandom random;

    /**
     * Draws the directions.
     *
     * @param count number of directions
     * @param width their dimensions
     * @param probability of a direction to be active in a row, between 0 and 1
     * @param seed of directions and rows
     * @param stream names the rows: other names give other rows of the same directions
     */
    SuperpositionSource(int count, int width, double probability, long seed, String stream) {
        super(width);
        this.probability = probability;
        CounterRandom root = new CounterRandom(seed);
        random = root.stream("superposition rows").stream(stream);
        CounterRandom drawn = root.stream("superposition directions");
        directions = new float[count][width];
        for (float[] direction : directions) {
            double sum = 0;
            for (int c = 0; c < width; c++) {
                direction[c] = (float) drawn.nextGaussian();
                sum += (double) direction[c] * direction[c];
            }
            float norm = (float) Math.sqrt(sum);
            for (int c = 0; c < width; c++) {
                direction[c] /= norm;
            }
        }
    }

    /** {@return the unit directions, to be read only} */
    float[][] directions() {
        return directions;
    }

    @Override
    protected void rows(long first, float[] target) {
        int width = width();
        Arrays.fill(target, 0);
        for (int at = 0; at < target.length; at += width) {
            CounterRandom row = random.stream(first + at / width);
            // The gaps between active directions are geometric.
            double next = -1;
            while (true) {
                next += 1 + Math.floor(Math.log(1 - row.nextDouble()) / Math.log1p(-probability));
                if (next >= directions.length) {
                    break;
                }
                float[] direction = directions[(int) next];
                float magnitude = row.nextFloat();
                for (int c = 0; c < width; c++) {
                    target[at + c] += magnitude * direction[c];
                }
            }
        }
    }
}
