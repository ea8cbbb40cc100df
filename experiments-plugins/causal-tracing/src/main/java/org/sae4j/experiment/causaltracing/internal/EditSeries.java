package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
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
import org.sae4j.experiment.causaltracing.CausalTracingResult.LayerChoice;
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

    /** What is edited: scored facts, and others that choose the layer. */
    private record Wishes(List<Wish> scored, List<Wish> heldOut) {}

    /**
     * What edits did.
     *
     * @param choices how the held-out facts fared by layer
     * @param edits one result for each scored fact and layer
     */
    public record Outcome(List<LayerChoice> choices, List<RankOneEdit> edits) {}

    /** A wish and what the original model says about everything that its edits are scored on. */
    private record Before(Wish wish, List<int[]> paraphrases, List<Prompt> neighbors, List<Prompt> other, float[] prompt,
            List<int[]> offTarget) {}

    /**
     * Edits facts. Which ones is drawn before anything is edited.
     *
     * @param known the traced prompts, of one relation
     * @return what the edits did
     * @throws Sae4jException if a layer or the subject of the configuration does not exist
     */
    public Outcome run(List<Prompt> known) {
        List<Integer> layers = layers();
        Wishes wishes = wishes(known, layers.size() > 1 ? edit.heldOut() : 0);
        if (wishes.scored().isEmpty()) {
            return new Outcome(List.of(), List.of());
        }
        int skipped = prompts.tokenizer().bos().isPresent() ? 1 : 0;
        List<int[]> corpus = corpus(edit.covarianceTokens(), "covariance", "");
        Map<Integer, double[][]> covariances = KeyCovariance.collect(runs, corpus.isEmpty() ? known.stream().map(Prompt::tokens).toList()
                : corpus, layers, model.dMlp(), skipped, edit.ridge());
        List<Before> scored = wishes.scored().stream().map(wish -> before(wish, known, true)).toList();
        List<Before> heldOut = wishes.heldOut().stream().map(wish -> before(wish, known, false)).toList();
        List<RankOneEdit> edits = new ArrayList<>();
        List<RankOneEdit> choosing = new ArrayList<>();
        long all = (long) layers.size() * (scored.size() + heldOut.size());
        for (int layer : layers) {
            Downstream downstream = new Downstream(model, context.model().parameters(), layer);
            for (int i = 0; i < heldOut.size() + scored.size(); i++) {
                context.progress().checkCancelled();
                boolean chooses = i < heldOut.size();
                (chooses ? choosing : edits).add(edit(chooses ? heldOut.get(i) : scored.get(i - heldOut.size()), layer, downstream,
                        covariances.get(layer)));
                context.progress().update("rank-one edits", edits.size() + choosing.size(), all);
            }
        }
        return new Outcome(choices(layers, choosing), edits);
    }

    /** No layer is chosen without facts of other subjects, which specificity is measured on. */
    private static List<LayerChoice> choices(List<Integer> layers, List<RankOneEdit> heldOut) {
        if (heldOut.isEmpty() || heldOut.stream().anyMatch(e -> e.neighbors() == 0)) {
            return List.of();
        }
        List<LayerChoice> choices = new ArrayList<>();
        int best = 0;
        for (int layer : layers) {
            List<RankOneEdit> own = heldOut.stream().filter(e -> e.layer() == layer).toList();
            LayerChoice choice = new LayerChoice(layer, own.stream().mapToDouble(RankOneEdit::newAfter).average().orElseThrow(),
                    own.stream().mapToDouble(e -> (double) e.unchangedNeighbors() / e.neighbors()).average().orElseThrow(), own.size(),
                    false);
            choices.add(choice);
            LayerChoice leader = choices.get(best);
            if (choice.efficacy() * choice.specificity() > leader.efficacy() * leader.specificity()) {
                best = choices.size() - 1;
            }
        }
        LayerChoice leader = choices.get(best);
        choices.set(best, new LayerChoice(leader.layer(), leader.efficacy(), leader.specificity(), leader.facts(), true));
        return choices;
    }

    private Wishes wishes(List<Prompt> known, int heldOut) {
        if (!edit.subject().isEmpty()) {
            Prompt prompt = known.stream().filter(p -> p.fact().subject().equals(edit.subject())).findFirst().orElseThrow(() ->
                    new Sae4jException("no traced fact is about \"" + edit.subject() + "\"", "configuration of causal tracing,"
                            + " edit.subject",
                            "name one of " + known.stream().map(p -> p.fact().subject()).toList()));
            return new Wishes(List.of(new Wish(prompt, edit.target(), prompts.firstToken(edit.target()))), List.of());
        }
        List<Integer> drawn = drawn(known.size());
        int scored = Math.min(edit.facts(), drawn.size());
        List<Wish> wishes = wishes(known, drawn.subList(0, scored));
        if (wishes.isEmpty() && edit.facts() > 0) {
            Prompt prompt = known.getFirst();
            float[] logits = runs.lastLogits(0, List.of(BatchedRuns.Run.of(prompt.tokens())))[0].clone();
            logits[prompt.answer()] = Float.NEGATIVE_INFINITY;
            int second = Scores.top(logits);
            return new Wishes(List.of(new Wish(prompt, prompts.tokenizer().decode(second), second)), List.of());
        }
        return new Wishes(wishes, wishes(known, drawn.subList(scored, Math.min(scored + heldOut, drawn.size()))));
    }

    /** All numbers below n in a random order that depends on the run's seed alone. */
    private List<Integer> drawn(int n) {
        CounterRandom numbers = random.stream("facts");
        List<Integer> drawn = new ArrayList<>(IntStream.range(0, n).boxed().toList());
        for (int i = 0; i < n; i++) {
            Collections.swap(drawn, i, i + numbers.nextInt(n - i));
        }
        return drawn;
    }

    /** Facts in their order, each with the answer of the fact two places on, or the next one that has another first token. */
    private static List<Wish> wishes(List<Prompt> known, List<Integer> drawn) {
        List<Wish> wishes = new ArrayList<>();
        for (int i : drawn.stream().sorted().toList()) {
            Prompt prompt = known.get(i);
            IntStream.range(2, known.size() + 2).mapToObj(step -> known.get((i + step) % known.size()))
                    .filter(other -> other.answer() != prompt.answer()).findFirst()
                    .ifPresent(other -> wishes.add(new Wish(prompt, other.fact().answer(), other.answer())));
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

    private RankOneEdit edit(Before before, int layer, Downstream downstream, double[][] covariance) {
        Wish wish = before.wish();
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
        List<Map<HookPoint, Tensor>> values = new ArrayList<>(Collections.nCopies(clean.size(), Map.of()));
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
        float[] flat = new float[Math.toIntExact(weights.size())];
        for (int i = 0; i < flat.length; i++) {
            flat[i] = (float) updated[i / value.length][i % value.length];
        }
        try (Transformer edited = context.model().with(Map.of(name, Tensor.of(flat, weights.shape())))) {
            return score(before, layer, optimized, new BatchedRuns(edited, config.batchTokens(), context.progress()),
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

    /** Edits that only choose a layer are not scored on paraphrases and off target. */
    private Before before(Wish wish, List<Prompt> known, boolean scored) {
        Prompt prompt = wish.prompt();
        String subject = prompt.fact().subject();
        List<int[]> paraphrases = new ArrayList<>();
        for (String template : scored ? edit.paraphrases() : List.<String>of()) {
            paraphrases.add(prompts.tokens(template.replace("{}", subject)));
        }
        for (int[] text : corpus(scored ? Integer.MAX_VALUE : 0, "prefixes of " + subject, subject)) {
            if (paraphrases.size() < edit.paraphrases().size() + CORPUS_PREFIXES && text.length <= PREFIX_TOKENS
                    && text.length + prompt.tokens().length <= model.nCtx()) {
                int[] spaced = prompts.tokenizer().encode(" " + prompt.fact().prompt()).ids();
                paraphrases.add(IntStream.concat(IntStream.of(text), IntStream.of(spaced)).limit(model.nCtx()).toArray());
            }
        }
        List<Prompt> neighbors = known.stream().filter(p -> !p.fact().subject().equals(subject)).toList();
        List<Fact> others = context.facts().stream().filter(f -> f.subject().equals(subject)
                && !f.relation().equals(prompt.fact().relation())).toList();
        return new Before(wish, paraphrases, neighbors, others.isEmpty() ? List.of() : prompts.read(others),
                runs.lastLogits(0, List.of(BatchedRuns.Run.of(prompt.tokens())))[0],
                corpus(scored ? edit.offTargetTokens() : 0, "off-target of " + subject, subject));
    }

    private RankOneEdit score(Before before, int layer, ValueOptimizer.Optimized optimized, BatchedRuns edited, double relativeChange) {
        Wish wish = before.wish();
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
                Scores.probability(after, prompt.answer()), Scores.top(after) == wish.token(), paraphrase, paraphrases.length,
                unchanged(edited, before.neighbors()), before.neighbors().size(), unchanged(edited, before.other()), before.other().size(),
                divergence[0] / divergence[1], (int) divergence[1], relativeChange, Arrays.equals(before.prompt(), again));
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
