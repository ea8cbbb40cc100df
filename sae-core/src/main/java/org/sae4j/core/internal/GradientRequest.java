package org.sae4j.core.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.GradientPlan.Objective;
import org.sae4j.api.model.HookPoint;
import org.sae4j.core.program.Counts;
import org.sae4j.core.program.Dim;
import org.sae4j.core.program.Value;

/** A pass with gradients that was checked against its model: what decides its program, and the numbers to run it with. */
final class GradientRequest {
    private final ForwardRequest pass;
    private final GradientKey key;
    private final PassForms forms;
    private final List<Objective.Term> terms;
    private final int batch;
    private final int length;
    /** For each row of tokens where its logits are, -1 where they are not computed. */
    private final int[] logitRows;

    private GradientRequest(ForwardRequest pass, GradientKey key, PassForms forms, List<Objective.Term> terms, int batch, int length) {
        this.pass = pass;
        this.key = key;
        this.forms = forms;
        this.terms = terms;
        this.batch = batch;
        this.length = length;
        logitRows = new int[batch * length];
        int[] picked = pass.logitRows();
        Arrays.setAll(logitRows, i -> picked == null ? i : -1);
        for (int i = picked == null ? 0 : picked.length; i > 0; i--) {
            logitRows[Objects.requireNonNull(picked)[i - 1]] = i - 1;
        }
    }

    /**
     * Checks a pass.
     *
     * @throws IllegalArgumentException if tokens or plan do not fit the model or each other
     */
    static GradientRequest of(PassForms forms, int[][] tokens, GradientPlan plan) {
        List<Objective.Term> terms = plan.objective().terms();
        List<String> targets = terms.stream().map(GradientRequest::target).distinct().toList();
        HookPoint any = plan.wanted().iterator().next();
        ForwardPlan forward = plan.forward().orElseGet(() -> ForwardPlan.capture(any));
        ForwardRequest.Checker checker = new ForwardRequest.Checker(forms, tokens, forward);
        checker.checkTokens();
        plan.wanted().forEach(hook -> checker.checkHook("gradient by the value", hook));
        plan.constants().forEach(hook -> checker.checkHook("constant", hook));
        List<HookPoint> functionals = functionals(terms).map(Objective.Functional::hook).toList();
        functionals.forEach(hook -> checker.checkHook("functional", hook));
        if (forward.prefix().isPresent()) {
            Stream.concat(plan.wanted().stream(), functionals.stream()).forEach(hook -> checker.refuseAfterPrefix("gradient by, or functional,",
                    hook));
        }
        int length = tokens[0].length;
        terms.forEach(term -> check(forms, term, tokens.length, length));
        boolean whole = Stream.of(forward.captures(), plan.wanted(), functionals,
                forward.edits().stream().map(ForwardPlan.Edit::hook).toList())
                .flatMap(hooks -> hooks.stream()).anyMatch(hook -> forms.value(hook).rows().count() == Dim.Count.PICKED);
        int[] picks = whole ? null : picks(terms, length);
        List<GradientKey> made = new ArrayList<>();
        ForwardRequest pass = checker.check(picks, passKey -> {
            made.add(new GradientKey(passKey, targets, plan.wanted(), plan.constants()));
            return forms.gradient(made.getFirst(), false);
        });
        GradientRequest request = new GradientRequest(pass, made.getFirst(), forms, terms, tokens.length, length);
        Stream.concat(plan.wanted().stream(), functionals.stream())
                .forEach(hook -> ForwardRequest.Checker.requireFits(forms.value(hook), pass.counts(), hook.toString()));
        terms.forEach(request::checkComputed);
        return request;
    }

    private static Stream<Objective.Functional> functionals(List<Objective.Term> terms) {
        return terms.stream().filter(Objective.Functional.class::isInstance).map(Objective.Functional.class::cast);
    }

    /** The name of the value that a term reads. */
    private static String target(Objective.Term term) {
        return switch (term) {
            case Objective.Logit _ -> HookPoint.LOGITS.toString();
            case Objective.LogProbability _, Objective.Divergence _ -> PassForms.LOG_PROBABILITIES;
            case Objective.Functional t -> t.hook().toString();
        };
    }

    private static void check(PassForms forms, Objective.Term term, int batch, int length) {
        int vocabulary = forms.description().config().dVocab();
        switch (term) {
            case Objective.Logit t -> {
                checkPlace("logit", t.row(), t.position(), batch, length);
                checkToken(t.token(), vocabulary);
            }
            case Objective.LogProbability t -> {
                checkPlace("log probability", t.row(), t.position(), batch, length);
                checkToken(t.token(), vocabulary);
            }
            case Objective.Divergence t -> {
                checkPlace("divergence", t.row(), t.position(), batch, length);
                if (t.reference().size() != vocabulary) {
                    throw new IllegalArgumentException("a divergence needs a probability for each of the " + vocabulary
                            + " tokens of the vocabulary, found " + t.reference());
                }
            }
            case Objective.Functional _ -> { }
        }
    }

    private static void checkPlace(String what, int row, int position, int batch, int length) {
        if (row < 0 || row >= batch || position < -length || position >= length) {
            throw new IllegalArgumentException("a " + what + " of row " + row + ", position " + position + ": rows are from 0 to "
                    + (batch - 1)
                    + ", positions from " + -length + " to " + (length - 1));
        }
    }

    private static void checkToken(int token, int vocabulary) {
        if (token < 0 || token >= vocabulary) {
            throw new IllegalArgumentException("token ids are from 0 to " + (vocabulary - 1) + ", found " + token + " in the objective");
        }
    }

    /** Row and position of a term as one number, or -1 for a functional. */
    private static int place(Objective.Term term, int length) {
        return switch (term) {
            case Objective.Logit t -> place(t.row(), t.position(), length);
            case Objective.LogProbability t -> place(t.row(), t.position(), length);
            case Objective.Divergence t -> place(t.row(), t.position(), length);
            case Objective.Functional _ -> -1;
        };
    }

    private static int place(int row, int position, int length) {
        return row * length + (position < 0 ? position + length : position);
    }

    /** The rows whose logits the objective reads, or null if it reads none. */
    private static int @Nullable [] picks(List<Objective.Term> terms, int length) {
        int[] picks = terms.stream().mapToInt(term -> place(term, length)).filter(place -> place >= 0).sorted().distinct().toArray();
        return picks.length == 0 ? null : picks;
    }

    private void checkComputed(Objective.Term term) {
        int place = place(term, length);
        if (place >= 0 && logitRows[place] < 0) {
            throw new IllegalArgumentException("the objective reads logits of row " + place / length + " at position " + place % length
                    + ", but the forward pass computes them at other positions only: add it to logitsAt");
        }
        if (term instanceof Objective.Functional t) {
            int[] expected = forms.value(t.hook()).axes(pass.counts());
            if (!Arrays.equals(t.weights().shape(), expected)) {
                throw new IllegalArgumentException("weights of a functional of " + t.hook() + ": expected shape "
                        + Arrays.toString(expected)
                        + ", found " + t.weights());
            }
        }
    }

    ForwardRequest pass() {
        return pass;
    }

    GradientKey key() {
        return key;
    }

    /** The gradients by the values that terms read, by their names. */
    Map<String, float[]> seeds() {
        int vocabulary = forms.description().config().dVocab();
        Counts counts = pass.counts();
        Map<String, float[]> seeds = new LinkedHashMap<>();
        for (Objective.Term term : terms) {
            float[] seed = seeds.computeIfAbsent(target(term), name -> {
                Value value = forms.description().form().value(name.equals(PassForms.LOG_PROBABILITIES) ? HookPoint.LOGITS.toString()
                        : name);
                return new float[counts.of(value.rows()) * counts.of(value.cols())];
            });
            switch (term) {
                case Objective.Logit t -> seed[at(term, vocabulary) + t.token()] += (float) t.weight();
                case Objective.LogProbability t -> seed[at(term, vocabulary) + t.token()] += (float) t.weight();
                case Objective.Divergence t -> add(seed, at(term, vocabulary), t.reference(), -t.weight());
                case Objective.Functional t -> add(seed, 0, t.weights(), t.weight());
            }
        }
        return seeds;
    }

    private static void add(float[] seed, int at, Tensor values, double weight) {
        for (int i = 0; i < values.size(); i++) {
            seed[at + i] += (float) (weight * values.get(i));
        }
    }

    private int at(Objective.Term term, int vocabulary) {
        return logitRows[place(term, length)] * vocabulary;
    }

    /** What every row contributes to the objective. */
    double[] values(Map<String, Tensor> targets) {
        int vocabulary = forms.description().config().dVocab();
        double[] values = new double[batch];
        for (Objective.Term term : terms) {
            Tensor target = Objects.requireNonNull(targets.get(target(term)));
            switch (term) {
                case Objective.Logit t -> values[t.row()] += t.weight() * target.get(at(term, vocabulary) + t.token());
                case Objective.LogProbability t -> values[t.row()] += t.weight() * target.get(at(term, vocabulary) + t.token());
                case Objective.Divergence t -> values[t.row()] += t.weight() * divergence(t.reference(), target, at(term, vocabulary));
                case Objective.Functional t -> {
                    int width = Math.toIntExact(target.size() / batch);
                    for (int row = 0; row < batch; row++) {
                        int from = row * width;
                        values[row] += t.weight() * IntStream.range(from, from + width)
                                .mapToDouble(i -> (double) t.weights().get(i) * target.get(i)).sum();
                    }
                }
            }
        }
        return values;
    }

    private static double divergence(Tensor reference, Tensor logProbabilities, int at) {
        double sum = 0;
        for (int token = 0; token < reference.size(); token++) {
            double p = reference.get(token);
            sum += p == 0 ? 0 : p * (Math.log(p) - logProbabilities.get(at + token));
        }
        return sum;
    }
}
