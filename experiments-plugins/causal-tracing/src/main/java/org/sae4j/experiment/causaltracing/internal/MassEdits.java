package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.experiment.causaltracing.CausalTracingConfig;
import org.sae4j.experiment.causaltracing.CausalTracingResult.MassEdit;
import org.sae4j.experiment.causaltracing.CausalTracingResult.MassEditedFact;

/**
 * One edit of many facts at once, spread over the MLPs of several layers (MEMIT, Meng et al. 2022b): the residual stream after the last of
 * them is given a wanted value at each subject, and each layer in turn closes an equal part of the gap that is left.
 */
final class MassEdits {
    private final CausalTracingConfig config;
    private final ExperimentContext context;
    private final TransformerConfig model;
    private final BatchedRuns runs;
    private final Prompts prompts;
    private final EditScores scores;

    MassEdits(CausalTracingConfig config, ExperimentContext context, BatchedRuns runs, Prompts prompts, EditScores scores) {
        this.config = config;
        this.context = context;
        model = context.model().config();
        this.runs = runs;
        this.prompts = prompts;
        this.scores = scores;
    }

    /** Up to five consecutive layers that end at a third of the depth, as in the paper's models. */
    static List<Integer> layers(List<Integer> configured, int nLayers) {
        int last = Math.clamp(Math.round(nLayers / 3.0), 0, nLayers - 1);
        return configured.isEmpty() ? IntStream.rangeClosed(Math.max(0, last - 4), last).boxed().toList()
                : configured.stream().distinct().sorted().toList();
    }

    MassEdit run(List<EditScores.Before> wishes, List<Prompt> known, List<Integer> layers, Map<Integer, double[][]> covariances) {
        int last = layers.getLast();
        ValueOptimizer optimizer = new ValueOptimizer(config.edit());
        List<Prompt> bare = wishes.stream().map(b -> b.wish().prompt()).toList();
        List<List<Prompt>> texts = wishes.stream().map(b -> EditReading.texts(prompts, b.wish(), config.edit().prefixes())).toList();
        List<ValueOptimizer.Optimized> optimized = new ArrayList<>();
        List<double[]> wanted = EditReading.residuals(runs, bare, last);
        for (int i = 0; i < wishes.size(); i++) {
            context.progress().checkCancelled();
            int[] answer = wishes.get(i).wish().tokens();
            EditReading reading = EditReading.of(runs, texts.get(i), last, model.dMlp());
            optimized.add(optimizer.optimize(ValueLoss.of(context.model(), texts.get(i), answer, last, config.edit().klFactor()),
                    reading.output()));
            add(wanted.get(i), optimized.getLast().change(), 1);
            context.progress().update("values of a mass edit", i + 1, wishes.size());
        }
        Map<String, Tensor> changed = new HashMap<>();
        double[] relativeChange = new double[layers.size()];
        for (int l = 0; l < layers.size(); l++) {
            int layer = layers.get(l);
            String name = "blocks." + layer + ".mlp.W_out";
            Tensor weights = Objects.requireNonNull(context.model().parameters().get(name));
            float[] flat = update(weights, changed, layer, Objects.requireNonNull(covariances.get(layer)), texts,
                    gaps(changed, bare, wanted, last, 1.0 / (layers.size() - l)));
            changed.put(name, Tensor.of(flat, weights.shape()));
            relativeChange[l] = EditScores.relativeChange(weights, flat);
        }
        try (Transformer edited = context.model().with(changed)) {
            return score(wishes, known, layers, optimized, relativeChange, on(edited));
        }
    }

    private BatchedRuns on(Transformer transformer) {
        return new BatchedRuns(transformer, config.batchTokens(), context.progress());
    }

    private static void add(double[] target, double[] vector, double factor) {
        for (int i = 0; i < target.length; i++) {
            target[i] += factor * vector[i];
        }
    }

    /** What is left to the wanted residual streams in the model as it is edited so far, times a share. */
    private List<double[]> gaps(Map<String, Tensor> changed, List<Prompt> bare, List<double[]> wanted, int last, double share) {
        try (Transformer now = context.model().with(changed)) {
            List<double[]> gaps = new ArrayList<>();
            List<double[]> residuals = EditReading.residuals(on(now), bare, last);
            for (int i = 0; i < wanted.size(); i++) {
                double[] gap = new double[wanted.get(i).length];
                add(gap, wanted.get(i), share);
                add(gap, residuals.get(i), -share);
                gaps.add(gap);
            }
            return gaps;
        }
    }

    private float[] update(Tensor weights, Map<String, Tensor> changed, int layer, double[][] covariance, List<List<Prompt>> texts,
            List<double[]> gaps) {
        List<double[]> keys;
        try (Transformer now = context.model().with(changed)) {
            keys = EditReading.keys(on(now), texts, layer, model.dMlp());
        }
        double[][] updated = MassUpdate.apply(EditSeries.rows(weights), covariance, config.edit().massWeight(), keys, gaps);
        return EditSeries.flat(updated);
    }

    private MassEdit score(List<EditScores.Before> wishes, List<Prompt> known, List<Integer> layers,
            List<ValueOptimizer.Optimized> optimized, double[] relativeChange, BatchedRuns edited) {
        List<MassEditedFact> facts = new ArrayList<>();
        double[] fluency = new double[2];
        for (int i = 0; i < wishes.size(); i++) {
            EditScores.Before before = wishes.get(i);
            Wish wish = before.wish();
            EditScores.Answers answers = EditScores.answers(edited, before);
            facts.add(new MassEditedFact(wish.subject(), wish.prompt().fact().answer(), wish.answer(), optimized.get(i).probability(),
                    optimized.get(i).steps(), before.probability(), answers.wanted(), answers.old(), answers.changed(),
                    EditScores.paraphrase(edited, before), before.paraphrases().size()));
            fluency[0] += before.fluency() / wishes.size();
            fluency[1] += scores.fluency(edited, wish) / wishes.size();
        }
        Set<String> subjects = new HashSet<>(wishes.stream().map(b -> b.wish().subject()).toList());
        List<Prompt> neighbors = known.stream().filter(p -> !subjects.contains(p.fact().subject())).toList();
        List<Prompt> other = wishes.stream().flatMap(b -> b.other().stream()).toList();
        EditScores.Divergence divergence = scores.divergence(edited, scores.corpus(config.edit().offTargetTokens(),
                "off-target of a mass edit", ""));
        return new MassEdit(layers, facts, EditScores.unchanged(edited, neighbors), neighbors.size(), EditScores.unchanged(edited, other),
                other.size(), divergence.mean(), divergence.tokens(), fluency[0], fluency[1], relativeChange,
                wishes.stream().allMatch(scores::undone));
    }
}
