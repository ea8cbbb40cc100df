package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.experiment.causaltracing.CausalTracingConfig;
import org.sae4j.experiment.causaltracing.CausalTracingResult.IdentityEdit;
import org.sae4j.experiment.causaltracing.CausalTracingResult.LayerChoice;
import org.sae4j.experiment.causaltracing.CausalTracingResult.MassEdit;
import org.sae4j.experiment.causaltracing.CausalTracingResult.RankOneEdit;

/** Rank-one edits of single MLPs (ROME), one at a time, each scored on an edited copy of the model; then all of them at once (MEMIT). */
public final class EditSeries {
    private static final int MOST_LAYERS = 4;

    private final CausalTracingConfig config;
    private final CausalTracingConfig.Edit edit;
    private final ExperimentContext context;
    private final TransformerConfig model;
    private final BatchedRuns runs;
    private final Prompts prompts;
    private final CounterRandom random;
    private final EditScores scores;

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
        scores = new EditScores(edit, context, runs, prompts, random);
    }

    /** What is edited: scored facts, and others that choose the layer. */
    private record Wishes(List<Wish> scored, List<Wish> heldOut) {}

    /**
     * What edits did.
     *
     * @param choices how the held-out facts fared by layer
     * @param edits one result for each scored fact and layer
     * @param mass the edit of all scored facts at once; empty for a single fact, or if it is left out
     */
    public record Outcome(List<LayerChoice> choices, List<RankOneEdit> edits, Optional<MassEdit> mass) {}

    /**
     * Edits facts. Which ones is drawn before anything is edited.
     *
     * @param known the traced prompts, of one relation
     * @return what the edits did
     * @throws Sae4jException if a layer or the subject of the configuration does not exist
     */
    public Outcome run(List<Prompt> known) {
        List<Integer> layers = layers();
        checked(edit.massLayers(), "edit.massLayers");
        Wishes wishes = wishes(known, layers.size() > 1 ? edit.heldOut() : 0);
        if (wishes.scored().isEmpty()) {
            return new Outcome(List.of(), List.of(), Optional.empty());
        }
        boolean together = wishes.scored().size() > 1 && edit.massWeight() > 0;
        List<Integer> massLayers = together ? MassEdits.layers(edit.massLayers(), model.nLayers()) : List.of();
        List<int[]> corpus = scores.corpus(edit.covarianceTokens(), "covariance", "");
        Map<Integer, double[][]> covariances = KeyCovariance.collect(runs, corpus.isEmpty() ? known.stream().map(Prompt::tokens).toList()
                : corpus, Stream.concat(layers.stream(), massLayers.stream()).distinct().toList(), model.dMlp(), edit.ridge());
        List<EditScores.Before> scored = wishes.scored().stream().map(wish -> scores.before(wish, known, true)).toList();
        List<EditScores.Before> heldOut = wishes.heldOut().stream().map(wish -> scores.before(wish, known, false)).toList();
        List<RankOneEdit> edits = new ArrayList<>();
        List<RankOneEdit> choosing = new ArrayList<>();
        long all = (long) layers.size() * (scored.size() + heldOut.size());
        for (int layer : layers) {
            for (int i = 0; i < heldOut.size() + scored.size(); i++) {
                context.progress().checkCancelled();
                boolean chooses = i < heldOut.size();
                (chooses ? choosing : edits).add(edit(chooses ? heldOut.get(i) : scored.get(i - heldOut.size()), layer,
                        Objects.requireNonNull(covariances.get(layer))));
                context.progress().update("rank-one edits", edits.size() + choosing.size(), all);
            }
        }
        return new Outcome(choices(layers, choosing), edits, together ? Optional.of(new MassEdits(config, context, runs, prompts, scores)
                .run(scored, known, massLayers, covariances)) : Optional.empty());
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
            int[] target = prompts.answer(edit.target(), prompt.tokens().length);
            if (Scores.parting(prompt.answer(), target) < 0) {
                throw new Sae4jException("the new answer \"" + edit.target() + "\" and the old one \"" + prompt.fact().answer()
                        + "\" are the same, or one begins with the other", "configuration of causal tracing, edit.target",
                        "give an answer that differs in a token");
            }
            return new Wishes(List.of(new Wish(prompt, edit.target(), target)), List.of());
        }
        List<Integer> drawn = drawn(known.size());
        int scored = Math.min(edit.facts(), drawn.size());
        List<Wish> wishes = wishes(known, drawn.subList(0, scored));
        if (wishes.isEmpty() && edit.facts() > 0) {
            Prompt prompt = known.getFirst();
            float[] logits = runs.lastLogits(0, List.of(BatchedRuns.Run.of(prompt.tokens())))[0].clone();
            logits[prompt.answer()[0]] = Float.NEGATIVE_INFINITY;
            int second = Scores.top(logits);
            return new Wishes(List.of(new Wish(prompt, prompts.tokenizer().decode(second), new int[] {second})), List.of());
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

    /** Facts in their order, each with the answer of the fact two places on, or the next one that parts from its own. */
    private List<Wish> wishes(List<Prompt> known, List<Integer> drawn) {
        List<Wish> wishes = new ArrayList<>();
        for (int i : drawn.stream().sorted().toList()) {
            Prompt prompt = known.get(i);
            IntStream.range(2, known.size() + 2).mapToObj(step -> known.get((i + step) % known.size()))
                    .filter(other -> Scores.parting(prompt.answer(), other.answer()) >= 0
                            && prompt.tokens().length + other.answer().length - 1 <= model.nCtx()).findFirst()
                    .ifPresent(other -> wishes.add(new Wish(prompt, other.fact().answer(), other.answer())));
        }
        return wishes;
    }

    private List<Integer> layers() {
        if (!edit.layers().isEmpty()) {
            return checked(edit.layers(), "edit.layers").stream().distinct().toList();
        }
        int n = Math.min(MOST_LAYERS, model.nLayers());
        return List.copyOf(new TreeSet<>(IntStream.range(0, n).map(i -> n == 1 ? 0
                : i * (model.nLayers() - 1) / (n - 1)).boxed().toList()));
    }

    private List<Integer> checked(List<Integer> layers, String setting) {
        for (int layer : layers) {
            if (layer < 0 || layer >= model.nLayers()) {
                throw new Sae4jException("the model has no block " + layer, "configuration of causal tracing, " + setting,
                        "use numbers from 0 to " + (model.nLayers() - 1));
            }
        }
        return layers;
    }

    private RankOneEdit edit(EditScores.Before before, int layer, double[][] covariance) {
        Wish wish = before.wish();
        List<Prompt> texts = EditReading.texts(prompts, wish, edit.prefixes());
        EditReading reading = EditReading.of(runs, texts, layer, model.dMlp());
        ValueOptimizer.Optimized optimized = new ValueOptimizer(edit).optimize(
                ValueLoss.of(context.model(), texts, wish.tokens(), layer, edit.klFactor()), reading.output());
        String name = "blocks." + layer + ".mlp.W_out";
        Tensor weights = Objects.requireNonNull(context.model().parameters().get(name));
        Tensor bias = context.model().parameters().get("blocks." + layer + ".mlp.b_out");
        double[] value = new double[reading.output().length];
        for (int i = 0; i < value.length; i++) {
            value[i] = reading.output()[i] + optimized.change()[i] - (bias == null ? 0 : bias.get(i));
        }
        double[] direction = RankOneUpdate.solve(covariance, reading.key());
        Gains gains = new Gains(gains(before.neighbors(), layer, direction, reading.key()), gains(before.asked(), layer, direction,
                reading.key()));
        Optional<IdentityEdit> identity = Optional.empty();
        if (before.scored()) {
            float[] plain = flat(RankOneUpdate.apply(rows(weights), reading.key(), reading.key(), value));
            try (Transformer edited = context.model().with(Map.of(name, Tensor.of(plain, weights.shape())))) {
                identity = Optional.of(identity(before, new BatchedRuns(edited, config.batchTokens(), context.progress()),
                        EditScores.relativeChange(weights, plain)));
            }
        }
        float[] flat = flat(RankOneUpdate.apply(rows(weights), direction, reading.key(), value));
        try (Transformer edited = context.model().with(Map.of(name, Tensor.of(flat, weights.shape())))) {
            return score(before, layer, optimized, new BatchedRuns(edited, config.batchTokens(), context.progress()),
                    EditScores.relativeChange(weights, flat), gains, identity);
        }
    }

    /** How much of an edit others get, see {@link RankOneUpdate#gain}. */
    private record Gains(List<Double> neighbors, List<Double> paraphrases) {}

    private List<Double> gains(List<Prompt> others, int layer, double[] direction, double[] edited) {
        return EditReading.keys(runs, others.stream().map(List::of).toList(), layer, model.dMlp()).stream().map(key ->
                RankOneUpdate.gain(direction, edited, key)).toList();
    }

    private static IdentityEdit identity(EditScores.Before before, BatchedRuns edited, double relativeChange) {
        EditScores.Answers answers = EditScores.answers(edited, before);
        return new IdentityEdit(answers.wanted(), answers.changed(), EditScores.paraphrase(edited, before), EditScores.unchanged(edited,
                before.neighbors()), EditScores.likelier(edited, before), relativeChange);
    }

    static double[][] rows(Tensor matrix) {
        double[][] rows = new double[matrix.dim(0)][];
        for (int row = 0; row < rows.length; row++) {
            rows[row] = EditReading.wide(matrix.slice(row));
        }
        return rows;
    }

    static float[] flat(double[][] rows) {
        float[] flat = new float[rows.length * rows[0].length];
        for (int i = 0; i < flat.length; i++) {
            flat[i] = (float) rows[i / rows[0].length][i % rows[0].length];
        }
        return flat;
    }

    private RankOneEdit score(EditScores.Before before, int layer, ValueOptimizer.Optimized optimized, BatchedRuns edited,
            double relativeChange, Gains gains, Optional<IdentityEdit> identity) {
        Wish wish = before.wish();
        Prompt prompt = wish.prompt();
        EditScores.Answers answers = EditScores.answers(edited, before);
        EditScores.Divergence divergence = scores.divergence(edited, before.offTarget());
        return new RankOneEdit(layer, wish.subject(), prompt.fact().answer(), wish.answer(), optimized.probability(), optimized.steps(),
                before.probability(), answers.wanted(), answers.old(), answers.changed(), EditScores.paraphrase(edited, before),
                before.paraphrases().size(), EditScores.unchanged(edited, before.neighbors()), before.neighbors().size(),
                EditScores.likelier(edited, before), before.contested().size(), gains.neighbors(), gains.paraphrases(), identity,
                EditScores.unchanged(edited, before.other()), before.other().size(), divergence.mean(), divergence.tokens(),
                before.fluency(), Double.isNaN(before.fluency()) ? Double.NaN : scores.fluency(edited, wish), relativeChange,
                scores.undone(before));
    }
}
