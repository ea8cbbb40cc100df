package org.sae4j.core.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.experiment.Estimate;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.api.stats.Statistics;

/**
 * What a model writes as a feature's decoder direction is added with growing strength. Strengths are in units of the residual stream: the
 * median norm at the autoencoder's hook point over the prompts' positions, position 0 left out, as it can have a hundred times the norm of
 * the others. Steered text soon runs in loops, so its repetition stands beside it.
 *
 * @param norm the unit: the median norm at the hook point
 * @param points one for each strength, in the order asked for
 */
public record SteeringCurve(double norm, List<Point> points) {
    /** From this rise of the repeated share on, text counts as broken. */
    private static final double BROKEN = 0.3;
    private static final int RESAMPLES = 1000;

    /**
     * One strength.
     *
     * @param strength norm of what is added over the {@linkplain SteeringCurve#norm() unit}
     * @param tokens what the model writes after each prompt, greedily
     * @param repeated 1 - distinct tokens / tokens of what is written, mean over prompts
     * @param nll mean negative log probability of what is written in the model that is not steered, in nats a token; it falls again where text
     *     runs in loops
     * @param divergence of the next-token distribution from that of the model that is not steered, in nats, mean over the prompt's positions
     *     but the first, and over prompts; prompts of one token are left out
     */
    public record Point(double strength, List<int[]> tokens, Estimate repeated, Estimate nll, Estimate divergence) {
        /** Copies the list. */
        public Point {
            tokens = List.copyOf(tokens);
        }
    }

    /** Copies the list. */
    public SteeringCurve {
        points = List.copyOf(points);
    }

    /**
     * Steers.
     *
     * @param model the model
     * @param sae the autoencoder
     * @param feature the feature whose direction is added
     * @param notFirst whether position 0 is left as it is
     * @param prompts tokens of each prompt, at least one
     * @param strengths norms of what is added, in units of the residual stream
     * @param count tokens to write after each prompt, at least 1; each prompt and they fit into the context
     * @param progress told of every strength
     * @return the curve
     * @throws IllegalArgumentException if there is no such feature, it cannot be moved in the model, or a prompt is empty or leaves no room
     * @throws Sae4jException if no prompt has two tokens, so that there is no unit
     * @throws java.util.concurrent.CancellationException if cancelled
     */
    public static SteeringCurve measure(Transformer model, SparseAutoencoder sae, int feature, boolean notFirst, List<int[]> prompts,
            double[] strengths, int count, Progress progress) {
        int room = model.config().nCtx() - count;
        if (count < 1 || prompts.stream().anyMatch(prompt -> prompt.length < 1 || prompt.length > room)) {
            throw new IllegalArgumentException("expected prompts of 1 to " + room + " tokens, which leave room for " + count + " of the context's "
                    + model.config().nCtx() + ", found " + prompts.stream().map(prompt -> prompt.length).toList());
        }
        Steering still = new Steering(sae, Steering.Mode.ADD, Map.of(feature, 0.0));
        Generator plain = new Generator(model);
        plain.with(still);
        double norm = norm(model, still.hook(), prompts);
        double direction = norm(Objects.requireNonNull(sae.parameters().get("W_dec")).row(feature));
        List<float[][]> clean = prompts.stream().map(prompt -> distributions(model, prompt, Optional.empty())).toList();
        List<Point> points = new ArrayList<>();
        for (double strength : strengths) {
            progress.checkCancelled();
            Steering all = new Steering(sae, Steering.Mode.ADD, Map.of(feature, strength * norm / direction));
            Steering steering = notFirst ? all.exceptFirst() : all;
            int[][] written = plain.with(steering).generate(prompts.toArray(int[][]::new), count, progress);
            double[][] each = new double[2][prompts.size()];
            for (int i = 0; i < written.length; i++) {
                each[0][i] = 1 - (double) Arrays.stream(written[i]).distinct().count() / written[i].length;
                each[1][i] = surprise(model, prompts.get(i), written[i]);
            }
            double[] divergences = IntStream.range(0, prompts.size()).filter(i -> prompts.get(i).length > 1).mapToDouble(i -> divergence(
                    clean.get(i), distributions(model, prompts.get(i), Optional.of(steering)))).toArray();
            points.add(new Point(strength, List.of(written), mean(each[0]), mean(each[1]), mean(divergences)));
            progress.update("steering", points.size(), strengths.length);
        }
        return new SteeringCurve(norm, points);
    }

    /** {@return the least strength above 0 at which 0.3 more of the text is repeated than at strength 0; empty without both} */
    public OptionalDouble breaks() {
        Optional<Point> none = points.stream().filter(p -> p.strength() == 0).findFirst();
        return none.isEmpty() ? OptionalDouble.empty() : points.stream().filter(p -> p.strength() > 0 && p.repeated().value()
                >= none.get().repeated().value() + BROKEN).mapToDouble(Point::strength).min();
    }

    private static Estimate mean(double[] values) {
        return Statistics.meanEstimate(values, RESAMPLES, "prompts", new CounterRandom(0).stream("steering"));
    }

    private static double norm(float[] row) {
        double squares = 0;
        for (float value : row) {
            squares += (double) value * value;
        }
        return Math.sqrt(squares);
    }

    private static double norm(Transformer model, HookPoint hook, List<int[]> prompts) {
        double[] norms = prompts.stream().flatMapToDouble(prompt -> {
            Tensor rows = model.forward(new int[][] {prompt}, ForwardPlan.capture(hook)).get(hook).slice(0);
            return IntStream.range(1, prompt.length).mapToDouble(position -> norm(rows.row(position)));
        }).sorted().toArray();
        if (norms.length == 0) {
            throw new Sae4jException("no prompt has a token behind the first, so the residual stream's usual norm is not known",
                    "steering", "give longer prompts");
        }
        return norms[(norms.length - 1) / 2];
    }

    /** Log probabilities of the next token, by position. */
    private static float[][] distributions(Transformer model, int[] prompt, Optional<Steering> steering) {
        ForwardPlan.Builder plan = ForwardPlan.builder().capture(HookPoint.LOGITS);
        steering.ifPresent(moved -> moved.addTo(plan, Tensor.zeros(prompt.length, moved.sae().config().dIn()), prompt.length, true));
        Tensor logits = model.forward(new int[][] {prompt}, plan.build()).logits().slice(0);
        return IntStream.range(0, prompt.length).mapToObj(position -> logProbabilities(logits.row(position))).toArray(float[][]::new);
    }

    private static float[] logProbabilities(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        double normalizer = max + Math.log(sum);
        float[] values = logits.clone();
        for (int i = 0; i < values.length; i++) {
            values[i] -= (float) normalizer;
        }
        return values;
    }

    private static double divergence(float[][] clean, float[][] steered) {
        double sum = 0;
        for (int position = 1; position < clean.length; position++) {
            for (int i = 0; i < clean[position].length; i++) {
                sum += Math.exp(clean[position][i]) * (clean[position][i] - steered[position][i]);
            }
        }
        return sum / (clean.length - 1);
    }

    private static double surprise(Transformer model, int[] prompt, int[] written) {
        int[] text = IntStream.concat(Arrays.stream(prompt), Arrays.stream(written)).toArray();
        float[][] before = distributions(model, Arrays.copyOf(text, text.length - 1), Optional.empty());
        double sum = 0;
        for (int i = 0; i < written.length; i++) {
            sum -= before[prompt.length - 1 + i][written[i]];
        }
        return sum / written.length;
    }
}
