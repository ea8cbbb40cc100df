package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.HookPoint;

/**
 * What a model computes at the last subject token of a wish's texts: the bare prompt, and the prompt behind each prefix.
 *
 * @param key mean over the texts of the MLP's hidden layer, the input of its output projection
 * @param output the MLP's output on the bare prompt
 */
record EditReading(double[] key, double[] output) {
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

    /** Reads key and value of a wish's texts, the bare prompt first. */
    static EditReading of(BatchedRuns runs, List<Prompt> texts, int layer, int width) {
        HookPoint keyHook = HookPoint.mlpPost(layer);
        HookPoint valueHook = new HookPoint(HookPoint.Site.MLP_OUT, layer);
        double[] key = new double[width];
        List<double[]> outputs = new ArrayList<>(Collections.nCopies(texts.size(), new double[0]));
        runs.forEach(0, texts.stream().map(text -> BatchedRuns.Run.of(text.tokens())).toList(), List.of(keyHook, valueHook), false,
                (run, batch, row) -> {
                    int position = subject(texts.get(run));
                    addKey(key, batch.get(keyHook).slice(row).row(position), texts.size());
                    outputs.set(run, wide(batch.get(valueHook).slice(row).slice(position)));
                });
        return new EditReading(key, outputs.getFirst());
    }

    /** A row in double precision. */
    static double[] wide(Tensor row) {
        double[] values = new double[Math.toIntExact(row.size())];
        Arrays.setAll(values, row::get);
        return values;
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
                residuals.set(run, wide(batch.get(hook).slice(row).slice(subject(prompts.get(run))))));
        return residuals;
    }
}
