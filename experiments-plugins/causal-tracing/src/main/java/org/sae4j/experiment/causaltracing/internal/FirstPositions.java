package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.experiment.causaltracing.CausalTracingResult.FirstPosition;

/** Looks whether position 0 is an attention sink. */
public final class FirstPositions {
    private static final int PROMPTS = 8;

    private FirstPositions() {}

    /**
     * Measures the residual stream.
     *
     * @param runs runs of the model
     * @param prompts the traced prompts
     * @param layers blocks of the model
     * @return the norms at position 0 against the others, over a few prompts of at least two tokens
     */
    public static FirstPosition of(BatchedRuns runs, List<Prompt> prompts, int layers) {
        List<HookPoint> hooks = IntStream.range(0, layers).mapToObj(HookPoint::residPost).toList();
        List<BatchedRuns.Run> clean = prompts.stream().filter(p -> p.tokens().length > 1).limit(PROMPTS).map(p ->
                BatchedRuns.Run.of(p.tokens())).toList();
        List<double[]> ratios = new ArrayList<>();
        runs.forEach(0, clean, hooks, false, (_, batch, row) -> ratios.add(hooks.stream().mapToDouble(hook ->
                ratio(batch.get(hook).slice(row))).toArray()));
        return new FirstPosition(IntStream.range(0, ratios.isEmpty() ? 0 : layers).mapToDouble(layer -> ratios.stream().mapToDouble(r ->
                r[layer]).average().orElseThrow()).toArray(), ratios.size(), (int) prompts.stream().filter(p -> p.subjectFrom() == 0)
                .count());
    }

    private static double ratio(Tensor rows) {
        double others = IntStream.range(1, rows.dim(0)).mapToDouble(position -> norm(rows.row(position))).average().orElseThrow();
        return norm(rows.row(0)) / others;
    }

    private static double norm(float[] row) {
        double sum = 0;
        for (float value : row) {
            sum += (double) value * value;
        }
        return Math.sqrt(sum);
    }
}
