package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.experiment.causaltracing.CausalTracingResult.FirstBlock;
import org.sae4j.experiment.causaltracing.CausalTracingResult.FirstPosition;

/** Looks whether position 0 is an attention sink, and block 0 a part of the embedding. */
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
        List<double[]> ratios = new ArrayList<>();
        runs.forEach(0, clean(prompts), hooks, false, (_, batch, row) -> ratios.add(hooks.stream().mapToDouble(hook ->
                ratio(batch.get(hook).slice(row))).toArray()));
        return new FirstPosition(IntStream.range(0, ratios.isEmpty() ? 0 : layers).mapToDouble(layer -> ratios.stream().mapToDouble(r ->
                r[layer]).average().orElseThrow()).toArray(), ratios.size(), (int) prompts.stream().filter(p -> p.subjectFrom() == 0)
                .count());
    }

    /**
     * Measures what block 0 does to the residual stream.
     *
     * @param runs runs of the model
     * @param prompts the traced prompts
     * @return its growth at positions other than 0, over a few prompts of at least two tokens
     */
    public static FirstBlock firstBlock(BatchedRuns runs, List<Prompt> prompts) {
        List<HookPoint> hooks = List.of(HookPoint.residPre(0), HookPoint.residPost(0));
        List<Double> growths = new ArrayList<>();
        runs.forEach(0, clean(prompts), hooks, false, (_, batch, row) -> {
            Tensor before = batch.get(hooks.getFirst()).slice(row);
            Tensor after = batch.get(hooks.getLast()).slice(row);
            IntStream.range(1, before.dim(0)).forEach(position -> growths.add(norm(after.row(position)) / norm(before.row(position))));
        });
        return new FirstBlock(growths.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN));
    }

    private static List<BatchedRuns.Run> clean(List<Prompt> prompts) {
        return prompts.stream().filter(p -> p.tokens().length > 1).limit(PROMPTS).map(p -> BatchedRuns.Run.of(p.tokens())).toList();
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
