package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.sae4j.api.Progress;
import org.sae4j.experiment.causaltracing.CausalTracingResult.SweepPoint;

/** How the corrupted score depends on the strength of the noise. */
public final class NoiseSweep {
    private NoiseSweep() {}

    /**
     * Corrupts with growing noise.
     *
     * @param runs runs of the model
     * @param steps largest noise, in steps of 1
     * @param corruption the corrupted prompts for a noise
     * @param averages makes intervals
     * @param progress told of every step
     * @return one point for each noise from 0
     */
    public static List<SweepPoint> run(BatchedRuns runs, int steps, IntFunction<List<Corruption.Case>> corruption, Averages averages,
            Progress progress) {
        List<SweepPoint> points = new ArrayList<>();
        for (int multiple = 0; multiple <= steps; multiple++) {
            List<Corruption.Case> cases = corruption.apply(multiple);
            float[][][] logits = runs.logits(0, cases.stream().flatMap(c -> c.corrupted().stream()).map(Corruption.Corrupted::run)
                    .toList());
            double[] means = new double[cases.size()];
            int at = 0;
            for (int i = 0; i < means.length; i++) {
                Corruption.Case c = cases.get(i);
                for (Corruption.Corrupted corrupted : c.corrupted()) {
                    means[i] += corrupted.score(logits[at++], c.prompt().answer()) / c.corrupted().size();
                }
            }
            points.add(new SweepPoint(multiple, averages.mean(means, "sweep " + multiple)));
            progress.update("noise sweep", multiple, steps);
        }
        return points;
    }
}
