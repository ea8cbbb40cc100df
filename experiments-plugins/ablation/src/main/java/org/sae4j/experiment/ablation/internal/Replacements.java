package org.sae4j.experiment.ablation.internal;

import java.util.ArrayList;
import java.util.List;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.experiment.ablation.AblationConfig;
import org.sae4j.experiment.ablation.AblationMode;

/** Vectors that put something else in the place of a feature. */
public final class Replacements {
    private final Subject subject;
    private final AblationConfig config;
    private final SparseRows reference;
    private final CounterRandom random;

    /**
     * Prepares replacements.
     *
     * @param subject the text
     * @param config modes and seeds
     * @param reference activations at the reference tokens, which give means and draws
     * @param random where draws come from
     */
    public Replacements(Subject subject, AblationConfig config, SparseRows reference, CounterRandom random) {
        this.subject = subject;
        this.config = config;
        this.reference = reference;
        this.random = random;
    }

    /**
     * The draws of a mode.
     *
     * @param feature the feature
     * @param mode the mode
     * @return one set of vectors for each draw, a single one for modes that nothing random decides; a position where the feature is not
     *     active has null
     */
    public List<float[][]> vectors(int feature, AblationMode mode) {
        List<float[][]> draws = new ArrayList<>();
        float[] column = reference.column(feature);
        for (int seed = 0; seed < (mode.random() ? config.seeds() : 1); seed++) {
            CounterRandom numbers = random.stream(mode.name()).stream(feature).stream(seed);
            float[][] added = new float[subject.tokens().length][];
            for (int position = subject.first(); position < added.length; position++) {
                double activation = subject.activation(position, feature);
                if (activation == 0) {
                    continue;
                }
                double after = switch (mode) {
                    case ZERO, NOISE -> 0;
                    case VALUE -> config.value();
                    case MEAN -> mean(column);
                    case RESAMPLE -> column[numbers.nextInt(column.length)];
                };
                added[position] = Vectors.scaled(subject.decoder()[feature], (after - activation) * subject.scale()[position]);
                if (mode == AblationMode.NOISE) {
                    added[position] = Vectors.plus(added[position], Vectors.random(added[position].length,
                            subject.strength(position, feature), numbers));
                }
            }
            draws.add(added);
        }
        return draws;
    }

    /**
     * Random directions of the norms of a feature's contributions, as a control of setting it to zero.
     *
     * @param feature the feature
     * @return one set of vectors for each draw
     */
    public List<float[][]> randomDirections(int feature) {
        List<float[][]> draws = new ArrayList<>();
        for (int seed = 0; seed < config.seeds(); seed++) {
            CounterRandom numbers = random.stream("direction").stream(feature).stream(seed);
            float[][] added = new float[subject.tokens().length][];
            for (int position = subject.first(); position < added.length; position++) {
                double strength = subject.strength(position, feature);
                if (strength > 0) {
                    added[position] = Vectors.random(subject.decoder()[feature].length, strength, numbers);
                }
            }
            draws.add(added);
        }
        return draws;
    }

    private static double mean(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum / values.length;
    }
}
