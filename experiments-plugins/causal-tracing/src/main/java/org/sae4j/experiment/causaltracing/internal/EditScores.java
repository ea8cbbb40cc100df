package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Document;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.HookPoint;
import org.sae4j.experiment.causaltracing.CausalTracingConfig;

/** What edited models are scored on. */
final class EditScores {
    private static final int CORPUS_PREFIXES = 3;
    private static final int PREFIX_TOKENS = 24;
    private static final int BATCH = 8;

    private final CausalTracingConfig.Edit edit;
    private final ExperimentContext context;
    private final int nCtx;
    private final BatchedRuns runs;
    private final Prompts prompts;
    private final CounterRandom random;

    EditScores(CausalTracingConfig.Edit edit, ExperimentContext context, BatchedRuns runs, Prompts prompts, CounterRandom random) {
        this.edit = edit;
        this.context = context;
        nCtx = context.model().config().nCtx();
        this.runs = runs;
        this.prompts = prompts;
        this.random = random;
    }

    /**
     * A wish with what the original model says about everything that its edits are scored on.
     *
     * @param wish the wish
     * @param paraphrases texts that ask the same
     * @param asked those of the paraphrases that name the subject, with its place
     * @param neighbors prompts of the same relation about other subjects
     * @param other prompts of other relations about the subject
     * @param logits the original model's logits after the prompt
     * @param probability of the new answer in the original model
     * @param offTarget texts of the corpus that do not name the subject
     * @param fluency of the original model's continuations; NaN if it is not measured
     * @param scored whether its edits are scored, and do not only choose a layer
     */
    record Before(Wish wish, List<int[]> paraphrases, List<Prompt> asked, List<Prompt> neighbors, List<Prompt> other, float[] logits,
            double probability, List<int[]> offTarget, double fluency, boolean scored) {
        /** The neighbors that can lose their answer to the new one. */
        List<Prompt> contested() {
            return neighbors.stream().filter(p -> Scores.parting(p.answer(), wish.tokens()) >= 0).toList();
        }
    }

    /**
     * What a model says about a wish.
     *
     * @param wanted probability of the new answer
     * @param old probability of the old answer
     * @param changed whether every token of the new answer is the top prediction
     */
    record Answers(double wanted, double old, boolean changed) {}

    /**
     * A mean divergence of next-token distributions.
     *
     * @param mean in nats; NaN without tokens
     * @param tokens number of tokens
     */
    record Divergence(double mean, int tokens) {}

    /** Edits that only choose a layer are not scored on paraphrases, off target and on what they write. */
    Before before(Wish wish, List<Prompt> known, boolean scored) {
        Prompt prompt = wish.prompt();
        String subject = wish.subject();
        List<int[]> paraphrases = new ArrayList<>();
        int more = wish.tokens().length - 1;
        for (String template : scored ? edit.paraphrases() : List.<String>of()) {
            paraphrases.add(prompts.tokens(template.replace("{}", subject), more));
        }
        for (int[] text : corpus(scored ? Integer.MAX_VALUE : 0, "prefixes of " + subject, subject)) {
            if (paraphrases.size() < edit.paraphrases().size() + CORPUS_PREFIXES && text.length <= PREFIX_TOKENS
                    && text.length + prompt.tokens().length + more <= nCtx) {
                int[] spaced = prompts.tokenizer().encode(" " + prompt.fact().prompt()).ids();
                paraphrases.add(IntStream.concat(IntStream.of(text), IntStream.of(spaced)).limit(nCtx - more).toArray());
            }
        }
        List<Prompt> asked = prompts.read((scored ? edit.paraphrases() : List.<String>of()).stream().filter(t -> t.contains("{}"))
                .map(template -> new Fact(prompt.fact().relation(), template.replace("{}", subject), subject, wish.answer())).toList());
        List<Prompt> neighbors = known.stream().filter(p -> !p.fact().subject().equals(subject)).toList();
        List<Fact> others = context.facts().stream().filter(f -> f.subject().equals(subject)
                && !f.relation().equals(prompt.fact().relation())).toList();
        return new Before(wish, paraphrases, asked, neighbors, others.isEmpty() ? List.of() : prompts.read(others),
                logits(runs, prompt), Scores.probability(answer(runs, prompt.tokens(),
                wish.tokens()), wish.tokens()), corpus(scored ? edit.offTargetTokens() : 0, "off-target of " + subject, subject),
                scored ? fluency(runs, wish) : Double.NaN, scored);
    }

    /** Documents in a random order, cut to the context, until there are enough tokens; those that contain a text are left out. */
    List<int[]> corpus(int tokens, String purpose, String without) {
        List<Document> all = new ArrayList<>(context.corpus());
        CounterRandom numbers = random.stream(purpose);
        List<int[]> chosen = new ArrayList<>();
        int n = 0;
        for (int left = all.size(); left > 0 && n < tokens; left--) {
            Document document = all.set(numbers.nextInt(left), all.get(left - 1));
            int[] ids = document.text().isEmpty() || !without.isEmpty() && document.text().contains(without) ? new int[0]
                    : prompts.tokenizer().encode(document.text()).ids();
            if (ids.length > 0) {
                IntStream bos = prompts.bos().stream();
                int[] text = IntStream.concat(bos, IntStream.of(ids)).limit(nCtx).toArray();
                chosen.add(text);
                n += text.length;
            }
        }
        return chosen;
    }

    static float[] logits(BatchedRuns model, Prompt prompt) {
        return model.lastLogits(0, List.of(BatchedRuns.Run.of(prompt.tokens())))[0];
    }

    /** A model's logits at the positions that predict an answer's tokens after a prompt. */
    private static float[][] answer(BatchedRuns model, int[] prompt, int[] answer) {
        return model.logits(0, List.of(BatchedRuns.Run.of(Prompt.forced(prompt, answer), answer.length)))[0];
    }

    static Answers answers(BatchedRuns model, Before before) {
        Prompt prompt = before.wish().prompt();
        int[] wanted = before.wish().tokens();
        float[][] rows = answer(model, prompt.tokens(), wanted);
        return new Answers(Scores.probability(rows, wanted), Scores.probability(answer(model, prompt.tokens(), prompt.answer()),
                prompt.answer()), Scores.greedy(rows, wanted));
    }

    /** The entropy of what a model writes after a wish's prompt, by the same draws for every model. */
    double fluency(BatchedRuns model, Wish wish) {
        return Fluency.of(model, wish.prompt().tokens(), edit.fluencyTokens(), nCtx, random.stream("fluency").stream(wish.subject()));
    }

    /** The mean probability of the new answer over paraphrases; NaN if there are none. */
    static double paraphrase(BatchedRuns model, Before before) {
        int[] wanted = before.wish().tokens();
        float[][][] logits = model.logits(0, before.paraphrases().stream().map(p -> BatchedRuns.Run.of(Prompt.forced(p, wanted),
                wanted.length)).toList());
        return Arrays.stream(logits).mapToDouble(rows -> Scores.probability(rows, wanted)).average().orElse(Double.NaN);
    }

    /** How far an edited model's distributions are from the original's. */
    Divergence divergence(BatchedRuns edited, List<int[]> tokens) {
        double sum = 0;
        int n = 0;
        List<BatchedRuns.Run> texts = tokens.stream().map(BatchedRuns.Run::of).toList();
        for (int from = 0; from < texts.size(); from += BATCH) {
            List<BatchedRuns.Run> some = texts.subList(from, Math.min(from + BATCH, texts.size()));
            Map<Integer, float[][]> clean = new LinkedHashMap<>();
            runs.forEach(0, some, List.of(HookPoint.LOGITS), false, (run, batch, row) -> clean.put(run, rows(batch.logits().slice(row))));
            double[] divergence = new double[2];
            edited.forEach(0, some, List.of(HookPoint.LOGITS), false, (run, batch, row) -> {
                float[][] was = Objects.requireNonNull(clean.get(run));
                for (int position = 0; position < was.length; position++) {
                    divergence[0] += Scores.divergence(was[position], batch.logits().slice(row).row(position));
                    divergence[1]++;
                }
            });
            sum += divergence[0];
            n += (int) divergence[1];
        }
        return new Divergence(sum / n, n);
    }

    private static float[][] rows(Tensor logits) {
        float[][] rows = new float[logits.dim(0)][];
        for (int position = 0; position < rows.length; position++) {
            rows[position] = logits.row(position);
        }
        return rows;
    }

    /** How many prompts keep their answer, token by token; those that the model does not know, their top prediction. */
    static int unchanged(BatchedRuns edited, List<Prompt> prompts) {
        float[][][] logits = edited.logits(0, prompts.stream().map(Prompt::run).toList());
        return (int) IntStream.range(0, logits.length).filter(i -> prompts.get(i).known() ? Scores.greedy(logits[i], prompts.get(i).answer())
                : Scores.top(logits[i][0]) == prompts.get(i).top()).count();
    }

    /** How many contested neighbors give their own answer a higher probability than the new one. */
    static int likelier(BatchedRuns edited, Before before) {
        int[] wanted = before.wish().tokens();
        List<Prompt> contested = before.contested();
        float[][][] own = edited.logits(0, contested.stream().map(Prompt::run).toList());
        float[][][] other = edited.logits(0, contested.stream().map(p -> BatchedRuns.Run.of(Prompt.forced(p.tokens(), wanted),
                wanted.length)).toList());
        return (int) IntStream.range(0, own.length).filter(i -> Scores.probability(own[i], contested.get(i).answer())
                > Scores.probability(other[i], wanted)).count();
    }

    /** Whether the original model gives the same bits as before any edit. */
    boolean undone(Before before) {
        return Arrays.equals(before.logits(), logits(runs, before.wish().prompt()));
    }

    /** Frobenius norm of the change relative to the weights. */
    static double relativeChange(Tensor before, float[] after) {
        double change = 0;
        double norm = 0;
        for (int i = 0; i < after.length; i++) {
            double value = before.get(i);
            change += (after[i] - value) * (after[i] - value);
            norm += value * value;
        }
        return Math.sqrt(change / norm);
    }
}
