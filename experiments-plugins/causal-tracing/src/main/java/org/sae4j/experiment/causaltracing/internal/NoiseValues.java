package org.sae4j.experiment.causaltracing.internal;

import java.util.List;
import java.util.stream.Stream;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.stats.Statistics;
import org.sae4j.experiment.causaltracing.CausalTracingConfig;

/** Noise that the configuration gives instead of a strength to draw it with. */
public final class NoiseValues {
    private NoiseValues() {}

    /**
     * The configured noise, checked.
     *
     * @param config the configuration
     * @param prompts the prompts that it is for
     * @param width d_model
     * @return by corrupted run, token of a subject and d_model; empty if none is given
     * @throws Sae4jException if it is not as wide as the model, or has too few tokens for a subject
     */
    public static float[][][] of(CausalTracingConfig config, List<Prompt> prompts, int width) {
        int longest = prompts.stream().mapToInt(Prompt::subjectLength).max().orElse(0);
        for (List<List<Double>> run : config.noiseValues()) {
            boolean fits = run.size() >= longest && run.stream().allMatch(token -> token.size() == width);
            if (!fits) {
                throw new Sae4jException("the noise of a run must have at least " + longest + " tokens of " + width + " numbers, found "
                        + run.size() + " of " + run.stream().map(List::size).distinct().toList(), "configuration of causal tracing,"
                        + " noiseValues", "give one list of d_model numbers for each token of the longest subject, or leave it empty");
            }
        }
        return config.noiseValues().stream().map(run -> run.stream().map(token -> {
            float[] values = new float[width];
            for (int i = 0; i < width; i++) {
                values[i] = token.get(i).floatValue();
            }
            return values;
        }).toArray(float[][]::new)).toArray(float[][][]::new);
    }

    /**
     * The standard deviation of noise.
     *
     * @param noise by run, token and d_model
     * @return over all its numbers
     */
    public static double deviation(float[][][] noise) {
        return Statistics.standardDeviation(Stream.of(noise).flatMap(Stream::of).flatMapToDouble(token -> {
            double[] wide = new double[token.length];
            for (int i = 0; i < wide.length; i++) {
                wide[i] = token[i];
            }
            return java.util.Arrays.stream(wide);
        }).toArray());
    }
}
