package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.ExperimentContext;
import org.sae4j.api.experiment.Fact;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.experiment.causaltracing.CausalTracingConfig;

/** Turns facts into prompts. */
public final class Prompts {
    private static final Fact DEFAULT = new Fact("capital", "The capital of France is", "France", "");

    private final Tokenizer tokenizer;
    private final OptionalInt bos;
    private final int nCtx;
    private final BatchedRuns runs;

    /**
     * Prepares for a model.
     *
     * @param context the run
     * @param runs its model
     * @throws Sae4jException if the model has no tokenizer
     */
    public Prompts(ExperimentContext context, BatchedRuns runs) {
        String name = context.model().config().name();
        tokenizer = context.model().tokenizer().orElseThrow(() -> new Sae4jException("prompts cannot be read without a tokenizer",
                "causal tracing of " + name, "put tokenizer.json into the model's folder"));
        bos = context.tokenization().bos();
        nCtx = context.model().config().nCtx();
        this.runs = runs;
    }

    /**
     * The facts to trace: those of the configuration, else those of the run, else one about the capital of France.
     *
     * @param config the configuration
     * @param facts the run's facts
     * @return at least one fact, all of one relation
     * @throws Sae4jException if the lists of the configuration do not match, or there is no such relation
     */
    public static List<Fact> select(CausalTracingConfig config, List<Fact> facts) {
        if (!config.prompts().isEmpty() || !config.subjects().isEmpty() || !config.answers().isEmpty()) {
            int n = config.prompts().size();
            if (config.subjects().size() != n || !config.answers().isEmpty() && config.answers().size() != n) {
                throw new Sae4jException(n + " prompts have " + config.subjects().size() + " subjects and " + config.answers().size()
                        + " answers", "configuration of causal tracing",
                        "give one subject for each prompt, and one answer for each prompt or none at all");
            }
            return IntStream.range(0, n).mapToObj(i -> new Fact("configured", config.prompts().get(i), config.subjects().get(i),
                    config.answers().isEmpty() ? "" : config.answers().get(i))).limit(config.maxFacts()).toList();
        }
        if (facts.isEmpty()) {
            if (!config.relation().isEmpty()) {
                throw noRelation(config.relation(), List.of());
            }
            return List.of(DEFAULT);
        }
        String relation = config.relation().isEmpty() ? facts.getFirst().relation() : config.relation();
        List<Fact> selected = facts.stream().filter(fact -> fact.relation().equals(relation)).limit(config.maxFacts()).toList();
        if (selected.isEmpty()) {
            throw noRelation(relation, facts.stream().map(Fact::relation).distinct().toList());
        }
        return selected;
    }

    private static Sae4jException noRelation(String relation, List<String> present) {
        return new Sae4jException("no fact has the relation \"" + relation + "\"", "the run has the relations " + present,
                "choose one of them, or leave the relation empty");
    }

    /**
     * Reads facts, and completes those without an answer by the model's top prediction.
     *
     * @param facts the facts
     * @return one prompt for each
     * @throws Sae4jException if a prompt does not contain its subject, or does not fit the context with its answer
     */
    public List<Prompt> read(List<Fact> facts) {
        List<int[]> tokens = facts.stream().map(fact -> tokens(fact.prompt(), 0)).toList();
        List<int[]> answers = IntStream.range(0, facts.size()).mapToObj(i -> facts.get(i).answer().isEmpty() ? new int[0]
                : answer(facts.get(i).answer(), tokens.get(i).length)).toList();
        float[][][] logits = runs.logits(0, IntStream.range(0, facts.size()).mapToObj(i -> answers.get(i).length == 0
                ? BatchedRuns.Run.of(tokens.get(i)) : BatchedRuns.Run.of(Prompt.forced(tokens.get(i), answers.get(i)),
                answers.get(i).length)).toList());
        List<Prompt> prompts = new ArrayList<>();
        for (int i = 0; i < logits.length; i++) {
            prompts.add(read(facts.get(i), tokens.get(i), answers.get(i), logits[i]));
        }
        return prompts;
    }

    private Prompt read(Fact fact, int[] tokens, int[] given, float[][] logits) {
        SubjectSearch subject = SubjectSearch.of(fact.prompt(), fact.subject());
        if (subject.at() < 0) {
            throw new Sae4jException("the prompt does not contain its subject \"" + fact.subject() + "\"", "\"" + fact.prompt() + "\"",
                    "name a part of the prompt's text as its subject");
        }
        Tokenizer.Encoding encoding = tokenizer.encode(fact.prompt());
        int shift = tokens.length - encoding.ids().length;
        int from = -1;
        int to = -1;
        for (int t = 0; t < encoding.ids().length; t++) {
            if (encoding.starts()[t] < subject.at() + fact.subject().length() && encoding.ends()[t] > subject.at()) {
                from = from < 0 ? t + shift : from;
                to = t + shift + 1;
            }
        }
        List<String> labels = new ArrayList<>();
        for (int t = 0; t < tokens.length; t++) {
            labels.add(tokenizer.token(tokens[t]) + (t >= from && t < to ? "*" : ""));
        }
        int top = Scores.top(logits[0]);
        int[] answer = given.length == 0 ? new int[] {top} : given;
        Fact complete = given.length == 0 ? new Fact(fact.relation(), fact.prompt(), fact.subject(), tokenizer.decode(top)) : fact;
        return new Prompt(complete, tokens, List.copyOf(labels), from, to, answer, top, given.length > 0, Scores.greedy(logits, answer));
    }

    /**
     * What is to be known about where subjects were found.
     *
     * @param prompts prompts that were read
     * @return sentences
     */
    public static List<String> notes(List<Prompt> prompts) {
        List<String> notes = new ArrayList<>();
        List<Prompt> several = prompts.stream().filter(p -> search(p).times() > 1).toList();
        if (!several.isEmpty()) {
            notes.add("In " + several.size() + " of " + prompts.size() + " prompts the subject occurs more than once, such as \""
                    + several.getFirst().fact().subject() + "\" in \"" + several.getFirst().fact().prompt() + "\": the first place is"
                    + " used, the others are unchanged.");
        }
        List<Prompt> parts = prompts.stream().filter(p -> !search(p).whole()).toList();
        if (!parts.isEmpty()) {
            notes.add("In " + parts.size() + " of " + prompts.size() + " prompts the subject is only a part of words, such as \""
                    + parts.getFirst().fact().subject() + "\" in \"" + parts.getFirst().fact().prompt() + "\": all tokens that overlap it"
                    + " are taken.");
        }
        return notes;
    }

    private static SubjectSearch search(Prompt prompt) {
        return SubjectSearch.of(prompt.fact().prompt(), prompt.fact().subject());
    }

    /**
     * The tokens of an answer.
     *
     * @param answer text with its leading space
     * @param prompt number of the tokens before it
     * @return at least one token
     * @throws Sae4jException if the text is empty or does not fit the context behind the prompt
     */
    public int[] answer(String answer, int prompt) {
        int[] ids = tokenizer.encode(answer).ids();
        if (ids.length == 0) {
            throw new Sae4jException("an answer has no tokens", "causal tracing", "give an answer that is not empty");
        }
        if (prompt + ids.length - 1 > nCtx) {
            throw new Sae4jException("a prompt of " + prompt + " tokens and its answer of " + ids.length + " exceed the context of " + nCtx,
                    "answer \"" + answer + "\"", "use a shorter prompt or answer");
        }
        return ids;
    }

    /**
     * The tokens of a text, begun by the beginning-of-sequence token if the run puts one there.
     *
     * @param text the text
     * @param more tokens that follow it
     * @return at least one token
     * @throws Sae4jException if there are none, or more than fit the context
     */
    public int[] tokens(String text, int more) {
        int[] ids = tokenizer.encode(text).ids();
        int[] tokens = IntStream.concat(bos.stream(), IntStream.of(ids)).toArray();
        if (ids.length == 0 || tokens.length > nCtx - more) {
            throw new Sae4jException("a prompt has " + tokens.length + " tokens, but from 1 to " + (nCtx - more) + " fit",
                    "\"" + text + "\"", "use another prompt");
        }
        return tokens;
    }

    /** {@return the token that every text begins with, if any} */
    OptionalInt bos() {
        return bos;
    }

    /** {@return the tokenizer} */
    public Tokenizer tokenizer() {
        return tokenizer;
    }
}
