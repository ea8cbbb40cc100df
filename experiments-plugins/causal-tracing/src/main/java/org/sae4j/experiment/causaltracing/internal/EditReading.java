package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.HookPoint;

/**
 * What a model computes at the last subject token of a wish's texts: the bare prompt, and the prompt behind each prefix.
 *
 * @param key mean over the texts of the MLP's hidden layer, the input of its output projection
 * @param output the MLP's output on the bare prompt
 * @param texts constants of the part of the model behind the layer, of every text, continued by none, one, ... of the new answer's tokens
 * @param essence the same of the bare prompt cut off after the subject
 */
record EditReading(double[] key, double[] output, List<List<Downstream.Text>> texts, Downstream.Text essence) {
    /**
     * Texts of a wish.
     *
     * @param prompts reads them
     * @param wish the wish
     * @param prefixes texts before the prompt
     * @return the bare prompt first
     */
    static List<Prompt> texts(Prompts prompts, Wish wish, List<String> prefixes) {
        Fact fact = wish.prompt().fact();
        List<Prompt> texts = new ArrayList<>(List.of(wish.prompt()));
        texts.addAll(prompts.read(prefixes.stream().map(prefix -> new Fact(fact.relation(), prefix + " " + fact.prompt(), fact.subject(),
                fact.answer())).toList()));
        return texts;
    }

    private static int subject(Prompt text) {
        return text.subjectTo() - 1;
    }

    /** Reads keys, values and constants at a layer. */
    static EditReading of(BatchedRuns runs, List<Prompt> texts, int[] answer, int layer, int width, Downstream downstream) {
        Prompt prompt = texts.getFirst();
        List<BatchedRuns.Run> clean = new ArrayList<>(texts.stream().flatMap(t -> IntStream.rangeClosed(1, answer.length).mapToObj(n ->
                BatchedRuns.Run.of(Prompt.forced(t.tokens(), Arrays.copyOf(answer, n))))).toList());
        clean.add(BatchedRuns.Run.of(Arrays.copyOf(prompt.tokens(), prompt.subjectTo())));
        List<HookPoint> hooks = new ArrayList<>(downstream.hooks());
        HookPoint keyHook = HookPoint.mlpPost(layer);
        HookPoint valueHook = new HookPoint(HookPoint.Site.MLP_OUT, layer);
        hooks.addAll(List.of(keyHook, valueHook));
        List<Map<HookPoint, Tensor>> values = new ArrayList<>(Collections.nCopies(clean.size(), Map.of()));
        runs.forEach(0, clean, hooks, false, (run, batch, row) -> values.set(run, BatchedRuns.values(batch, row, hooks)));

        List<List<Downstream.Text>> inputs = new ArrayList<>();
        double[] key = new double[width];
        for (int i = 0; i < texts.size(); i++) {
            int position = subject(texts.get(i));
            List<Map<HookPoint, Tensor>> own = values.subList(i * answer.length, (i + 1) * answer.length);
            inputs.add(own.stream().map(v -> downstream.text(v, position)).toList());
            addKey(key, Objects.requireNonNull(own.getFirst().get(keyHook)).row(position), texts.size());
        }
        double[] output = LayerNorm.wide(Objects.requireNonNull(values.getFirst().get(valueHook)).slice(subject(prompt)));
        return new EditReading(key, output, inputs, downstream.text(values.getLast(), subject(prompt)));
    }

    private static void addKey(double[] mean, float[] own, int n) {
        for (int k = 0; k < mean.length; k++) {
            mean[k] += (double) own[k] / n;
        }
    }

    /** The mean keys of a layer of several wishes, each with its texts. */
    static List<double[]> keys(BatchedRuns runs, List<List<Prompt>> texts, int layer, int width) {
        HookPoint hook = HookPoint.mlpPost(layer);
        List<double[]> keys = new ArrayList<>();
        for (List<Prompt> own : texts) {
            double[] key = new double[width];
            runs.forEach(0, own.stream().map(t -> BatchedRuns.Run.of(t.tokens())).toList(), List.of(hook), false, (run, batch, row) ->
                    addKey(key, batch.get(hook).slice(row).row(subject(own.get(run))), own.size()));
            keys.add(key);
        }
        return keys;
    }

    /** The residual streams after a layer at the last subject tokens of bare prompts. */
    static List<double[]> residuals(BatchedRuns runs, List<Prompt> prompts, int layer) {
        HookPoint hook = HookPoint.residPost(layer);
        List<double[]> residuals = new ArrayList<>(Collections.nCopies(prompts.size(), new double[0]));
        runs.forEach(0, prompts.stream().map(p -> BatchedRuns.Run.of(p.tokens())).toList(), List.of(hook), false, (run, batch, row) ->
                residuals.set(run, LayerNorm.wide(batch.get(hook).slice(row).slice(subject(prompts.get(run))))));
        return residuals;
    }
}
