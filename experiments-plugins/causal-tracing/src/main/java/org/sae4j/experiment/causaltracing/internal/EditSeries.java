package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.experiment.causaltracing.CausalTracingConfig;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RankOneEdit;

/** Rank-one edits of single MLPs (ROME), one at a time, each scored on an edited copy of the model. */
public final class EditSeries {
    private static final int MOST_LAYERS = 4;
    private static final int CORPUS_PREFIXES = 3;
    private static final int PREFIX_TOKENS = 24;

    private final CausalTracingConfig config;
    private final CausalTracingConfig.Edit edit;
    private final ExperimentContext context;
    private final TransformerConfig model;
    private final BatchedRuns runs;
    private final Prompts prompts;
    private final CounterRandom random;

    /**
     * Prepares edits.
     *
     * @param config the configuration
     * @param context the run
     * @param runs runs of its model
     * @param prompts reads facts
     */
    public EditSeries(CausalTracingConfig config, ExperimentContext context, BatchedRuns runs, Prompts prompts) {
        this.config = config;
        edit = config.edit();
        this.context = context;
        model = context.model().config();
        this.runs = runs;
        this.prompts = prompts;
        random = context.random("causal-tracing").stream("edit");
    }

    /** A wish: this prompt shall have that answer. */
    private record Wish(Prompt prompt, String answer, int token) {}

    /** What the original model says about everything that an edit of one wish is scored on. */
    private record Before(List<int[]> paraphrases, List<Prompt> neighbors, List<Prompt> other, float[] prompt, List<int[]> offTarget) {}

    /**
     * Edits facts.
     *
     * @param known the traced prompts, of one relation
     * @return one result for each wish and layer
     * @throws Sae4jException if a layer or the subject of the configuration does not exist
     */
    public List<RankOneEdit> run(List<Prompt> known) {
        List<Wish> wishes = wishes(known);
        if (wishes.isEmpty()) {
            return List.of();
        }
        List<Integer> layers = layers();
        int skipped = prompts.tokenizer().bos().isPresent() ? 1 : 0;
        List<int[]> corpus = corpus(edit.covarianceTokens(), "covariance", "");
        Map<Integer, double[][]> covariances = KeyCovariance.collect(runs, corpus.isEmpty() ? known.stream().map(Prompt::tokens).toList()
                : corpus, layers, model.dMlp(), skipped, edit.ridge());
        List<RankOneEdit> edits = new ArrayList<>();
        for (int layer : layers) {
            Downstream downstream = new Downstream(model, context.model().parameters(), layer);
            for (Wish wish : wishes) {
                context.progress().checkCancelled();
                edits.add(edit(wish, known, layer, downstream, covariances.get(layer)));
                context.progress().update("rank-one edits", edits.size(), (long) wishes.size() * layers.size());
            }
        }
        return edits;
    }

    private List<Wish> wishes(List<Prompt> known) {
        if (!edit.subject().isEmpty()) {
            Prompt prompt = known.stream().filter(p -> p.fact().subject().equals(edit.subject())).findFirst().orElseThrow(() ->
                    new Sae4jException("no traced fact is about \"" + edit.subject() + "\"", "configuration of causal tracing,"
                            + " edit.subject",
                            "name one of " + known.stream().map(p -> p.fact().subject()).toList()));
            return List.of(new Wish(prompt, edit.target(), prompts.firstToken(edit.target())));
        }
        List<Wish> wishes = new ArrayList<>();
        for (int i = 0; i < Math.min(edit.facts(), known.size()); i++) {
            Prompt prompt = known.get(i);
            for (int step = 2; step < known.size() + 2; step++) {
                Prompt other = known.get((i + step) % known.size());
                if (other.answer() != prompt.answer()) {
                    wishes.add(new Wish(prompt, other.fact().answer(), other.answer()));
                    break;
                }
            }
        }
        if (wishes.isEmpty() && edit.facts() > 0) {
            Prompt prompt = known.getFirst();
            float[] logits = runs.lastLogits(0, List.of(BatchedRuns.Run.of(prompt.tokens())))[0].clone();
            logits[prompt.answer()] = Float.NEGATIVE_INFINITY;
            int second = Scores.top(logits);
            wishes.add(new Wish(prompt, prompts.tokenizer().decode(second), second));
        }
        return wishes;
    }

    private List<Integer> layers() {
        for (int layer : edit.layers()) {
            if (layer < 0 || layer >= model.nLayers()) {
                throw new Sae4jException("the model has no block " + layer, "configuration of causal tracing, edit.layers",
                        "use numbers from 0 to " + (model.nLayers() - 1));
            }
        }
        if (!edit.layers().isEmpty()) {
            return edit.layers().stream().distinct().toList();
        }
        int n = Math.min(MOST_LAYERS, model.nLayers());
        return List.copyOf(new TreeSet<>(IntStream.range(0, n).map(i -> n == 1 ? 0
                : i * (model.nLayers() - 1) / (n - 1)).boxed().toList()));
    }

    /** Documents in a random order, cut to the context, until there are enough tokens; those that contain a text are left out. */
    private List<int[]> corpus(int tokens, String purpose, String without) {
        List<Document> all = new ArrayList<>(context.corpus());
        CounterRandom numbers = random.stream(purpose);
        List<int[]> chosen = new ArrayList<>();
        int n = 0;
        for (int left = all.size(); left > 0 && n < tokens; left--) {
            Document document = all.set(numbers.nextInt(left), all.get(left - 1));
            int[] ids = document.text().isEmpty() || !without.isEmpty() && document.text().contains(without) ? new int[0]
                    : prompts.tokenizer().encode(document.text()).ids();
            if (ids.length > 0) {
                IntStream bos = prompts.tokenizer().bos().stream();
                int[] text = IntStream.concat(bos, IntStream.of(ids)).limit(model.nCtx()).toArray();
                chosen.add(text);
                n += text.length;
            }
        }
        return chosen;
    }

    private RankOneEdit edit(Wish wish, List<Prompt> known, int layer, Downstream downstream, double[][] covariance) {
        Prompt prompt = wish.prompt();
        List<Prompt> texts = new ArrayList<>(List.of(prompt));
        texts.addAll(prompts.read(edit.prefixes().stream().map(prefix -> new Fact(prompt.fact().relation(),
                prefix + " " + prompt.fact().prompt(), prompt.fact().subject(), prompt.fact().answer())).toList()));
        List<BatchedRuns.Run> clean = new ArrayList<>(texts.stream().map(t -> BatchedRuns.Run.of(t.tokens())).toList());
        clean.add(BatchedRuns.Run.of(Arrays.copyOf(prompt.tokens(), prompt.subjectTo())));
        List<HookPoint> hooks = new ArrayList<>(downstream.hooks());
        HookPoint keyHook = HookPoint.mlpPost(layer);
        HookPoint valueHook = new HookPoint(HookPoint.Site.MLP_OUT, layer);
        hooks.addAll(List.of(keyHook, valueHook));
        List<Map<HookPoint, Tensor>> values = new ArrayList<>(java.util.Collections.nCopies(clean.size(), Map.of()));
        runs.forEach(0, clean, hooks, false, (run, batch, row) -> values.set(run, BatchedRuns.values(batch, row, hooks)));

        List<Downstream.Text> inputs = new ArrayList<>();
        double[] key = new double[model.dMlp()];
        for (int i = 0; i < texts.size(); i++) {
            int position = texts.get(i).subjectTo() - 1;
            inputs.add(downstream.text(values.get(i), position));
            float[] own = values.get(i).get(keyHook).row(position);
            for (int k = 0; k < key.length; k++) {
                key[k] += (double) own[k] / texts.size();
            }
        }
        double[] output = LayerNorm.wide(values.getFirst().get(valueHook).slice(prompt.subjectTo() - 1));
        ValueOptimizer.Optimized optimized = new ValueOptimizer(downstream, edit).optimize(inputs,
                downstream.text(values.getLast(), prompt.subjectTo() - 1), wish.token(), output);
        String name = "blocks." + layer + ".mlp.W_out";
        Tensor weights = context.model().parameters().get(name);
        double[] bias = LayerNorm.wide(context.model().parameters().get("blocks." + layer + ".mlp.b_out"));
        double[] value = new double[output.length];
        for (int i = 0; i < value.length; i++) {
            value[i] = output[i] + optimized.change()[i] - bias[i];
        }
        double[][] updated = RankOneUpdate.apply(rows(weights), covariance, key, value);
        Before before = before(wish, known);
        float[] flat = new float[Math.toIntExact(weights.size())];
        for (int i = 0; i < flat.length; i++) {
            flat[i] = (float) updated[i / value.length][i % value.length];
        }
        try (Transformer edited = context.model().with(Map.of(name, Tensor.of(flat, weights.shape())))) {
            return score(wish, layer, optimized, before, new BatchedRuns(edited, config.batchTokens(), context.progress()),
                    relativeChange(weights, flat));
        }
    }

    private static double[][] rows(Tensor matrix) {
        double[][] rows = new double[matrix.dim(0)][];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = LayerNorm.wide(matrix.slice(row));
        }
        return rows;
    }

    private static double relativeChange(Tensor before, float[] after) {
        double change = 0;
        double norm = 0;
        for (int i = 0; i < after.length; i++) {
            double value = before.get(i);
            change += (after[i] - value) * (after[i] - value);
            norm += value * value;
        }
        return Math.sqrt(change / norm);
    }

    private Before before(Wish wish, List<Prompt> known) {
        Prompt prompt = wish.prompt();
        String subject = prompt.fact().subject();
        List<int[]> paraphrases = new ArrayList<>();
        for (String template : edit.paraphrases()) {
            paraphrases.add(prompts.tokens(template.replace("{}", subject)));
        }
        for (int[] text : corpus(Integer.MAX_VALUE, "prefixes of " + subject, subject)) {
            if (paraphrases.size() < edit.paraphrases().size() + CORPUS_PREFIXES && text.length <= PREFIX_TOKENS
                    && text.length + prompt.tokens().length <= model.nCtx()) {
                int[] spaced = prompts.tokenizer().encode(" " + prompt.fact().prompt()).ids();
                paraphrases.add(IntStream.concat(IntStream.of(text), IntStream.of(spaced)).limit(model.nCtx()).toArray());
            }
        }
        List<Prompt> neighbors = known.stream().filter(p -> !p.fact().subject().equals(subject)).toList();
        List<Fact> others = context.facts().stream().filter(f -> f.subject().equals(subject)
                && !f.relation().equals(prompt.fact().relation())).toList();
        return new Before(paraphrases, neighbors, others.isEmpty() ? List.of() : prompts.read(others),
                runs.lastLogits(0, List.of(BatchedRuns.Run.of(prompt.tokens())))[0],
                corpus(edit.offTargetTokens(), "off-target of " + subject, subject));
    }

    private RankOneEdit score(Wish wish, int layer, ValueOptimizer.Optimized optimized, Before before, BatchedRuns edited,
            double relativeChange) {
        Prompt prompt = wish.prompt();
        float[] after = edited.lastLogits(0, List.of(BatchedRuns.Run.of(prompt.tokens())))[0];
        float[][] paraphrases = edited.lastLogits(0, before.paraphrases().stream().map(BatchedRuns.Run::of).toList());
        double paraphrase = Arrays.stream(paraphrases).mapToDouble(l -> Scores.probability(l, wish.token())).average().orElse(Double.NaN);
        double[] divergence = new double[2];
        Map<Integer, float[][]> clean = new LinkedHashMap<>();
        List<BatchedRuns.Run> texts = before.offTarget().stream().map(BatchedRuns.Run::of).toList();
        for (int from = 0; from < texts.size(); from += 8) {
            List<BatchedRuns.Run> some = texts.subList(from, Math.min(from + 8, texts.size()));
            clean.clear();
            runs.forEach(0, some, List.of(HookPoint.LOGITS), false, (run, batch, row) -> clean.put(run, logits(batch.logits().slice(row))));
            edited.forEach(0, some, List.of(HookPoint.LOGITS), false, (run, batch, row) -> {
                float[][] was = clean.get(run);
                for (int position = 0; position < was.length; position++) {
                    divergence[0] += Scores.divergence(was[position], batch.logits().slice(row).row(position));
                    divergence[1]++;
                }
            });
        }
        float[] again = runs.lastLogits(0, List.of(BatchedRuns.Run.of(prompt.tokens())))[0];
        return new RankOneEdit(layer, prompt.fact().subject(), prompt.fact().answer(), wish.answer(), optimized.probability(),
                optimized.steps(), Scores.probability(before.prompt(), wish.token()), Scores.probability(after, wish.token()),
                Scores.probability(after, prompt.answer()), paraphrase, paraphrases.length, unchanged(edited, before.neighbors()),
                before.neighbors().size(), unchanged(edited, before.other()), before.other().size(), divergence[0] / divergence[1],
                (int) divergence[1], relativeChange, Arrays.equals(before.prompt(), again));
    }

    private static float[][] logits(Tensor rows) {
        float[][] logits = new float[rows.dim(0)][];
        for (int position = 0; position < logits.length; position++) {
            logits[position] = rows.row(position);
        }
        return logits;
    }

    private static int unchanged(BatchedRuns edited, List<Prompt> prompts) {
        float[][] logits = edited.lastLogits(0, prompts.stream().map(p -> BatchedRuns.Run.of(p.tokens())).toList());
        return (int) IntStream.range(0, logits.length).filter(i -> Scores.top(logits[i]) == prompts.get(i).top()).count();
    }
}
