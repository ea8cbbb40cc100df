package org.sae4j.experiment.causaltracing.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.GradientPlan;
import org.sae4j.api.model.GradientPlan.Objective;
import org.sae4j.api.model.Gradients;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;

/**
 * What an edit's value is to make small, as a function of a vector added to an MLP's output at the last subject token of every text: the
 * mean over texts of {@code -log p(answer)}, all tokens of the answer together, and the divergence of what the model says right after the
 * subject, times a factor (Meng et al. 2022).
 */
final class ValueLoss {
    private final Transformer model;
    private final int layer;
    private final HookPoint output;
    private final int[][] tokens;
    private final Tensor residual;
    private final int[] subjects;
    private final Objective objective;
    private final int texts;

    private ValueLoss(Transformer model, int layer, int[][] tokens, int[] subjects, Objective objective, int texts) {
        this.model = model;
        this.layer = layer;
        this.tokens = tokens;
        this.subjects = subjects;
        this.objective = objective;
        this.texts = texts;
        output = new HookPoint(HookPoint.Site.MLP_OUT, layer);
        // The vector changes nothing before this.
        residual = model.forward(tokens, ForwardPlan.capture(HookPoint.residPre(layer))).get(HookPoint.residPre(layer));
    }

    /**
     * The loss of a wish.
     *
     * @param model the model before the edit
     * @param texts the bare prompt first
     * @param answer the new answer's tokens
     * @param layer the block whose MLP is edited
     * @param klFactor factor of the divergence, 0 to leave it out
     */
    static ValueLoss of(Transformer model, List<Prompt> texts, int[] answer, int layer, double klFactor) {
        List<int[]> rows = new ArrayList<>(texts.stream().map(text -> Prompt.forced(text.tokens(), answer)).toList());
        List<Integer> positions = new ArrayList<>(texts.stream().map(text -> text.subjectTo() - 1).toList());
        Objective objective = null;
        for (int row = 0; row < texts.size(); row++) {
            for (int i = 0; i < answer.length; i++) {
                Objective token = Objective.logProbability(row, texts.get(row).tokens().length - 1 + i, answer[i]).times(-1.0 / texts.size());
                objective = objective == null ? token : objective.plus(token);
            }
        }
        if (objective == null) {
            throw new IllegalArgumentException("an edit needs a text and an answer");
        }
        if (klFactor > 0) {
            Prompt bare = texts.getFirst();
            int[] essence = Arrays.copyOf(bare.tokens(), bare.subjectTo());
            float[] before = model.forward(new int[][] {essence}, ForwardPlan.builder().capture(HookPoint.LOGITS).logitsAt(-1).build())
                    .logits().toArray();
            objective = objective.plus(Objective.divergence(rows.size(), essence.length - 1, probabilities(before)).times(klFactor));
            rows.add(essence);
            positions.add(essence.length - 1);
        }
        int length = rows.stream().mapToInt(row -> row.length).max().orElseThrow();
        // What is behind a row's own tokens comes after everything that is read of it.
        int[][] tokens = rows.stream().map(row -> Arrays.copyOf(row, length)).toArray(int[][]::new);
        int[] subjects = IntStream.range(0, tokens.length).map(row -> row * length + positions.get(row)).toArray();
        return new ValueLoss(model, layer, tokens, subjects, objective, texts.size());
    }

    private static Tensor probabilities(float[] logits) {
        double[] log = Scores.logProbabilities(logits);
        float[] p = new float[log.length];
        for (int token = 0; token < p.length; token++) {
            p[token] = (float) Math.exp(log[token]);
        }
        return Tensor.of(p, p.length);
    }

    /**
     * The loss at a vector.
     *
     * @param loss the loss
     * @param gradient its gradient by the vector
     * @param probability mean probability of the answer over the texts
     */
    record Evaluated(double loss, double[] gradient, double probability) {}

    Evaluated at(double[] vector) {
        int d = vector.length;
        float[] rows = new float[subjects.length * d];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = (float) vector[i % d];
        }
        ForwardPlan pass = ForwardPlan.builder().capture(output).startAt(layer, residual)
                .add(output, subjects, Tensor.of(rows, subjects.length, d)).build();
        Gradients gradients = model.gradients(tokens, GradientPlan.of(objective).by(output).through(pass).build());
        Tensor byRow = gradients.get(output);
        double[] gradient = new double[d];
        for (int subject : subjects) {
            for (int i = 0; i < d; i++) {
                gradient[i] += byRow.get((long) subject * d + i);
            }
        }
        double probability = IntStream.range(0, texts).mapToDouble(row -> Math.exp(-texts * gradients.value(row))).sum() / texts;
        return new Evaluated(gradients.value(), gradient, probability);
    }
}
