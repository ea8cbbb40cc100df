package org.sae4j.api.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.sae4j.api.Tensor;

/**
 * A number that a forward pass of a batch makes, and of which {@link Transformer#gradients} gives gradients: a weighted sum of logits, log
 * probabilities, divergences and values at hook points. Rows of a batch do not influence each other, so the sum over rows of a metric has
 * for each row the gradients that the row would have alone. Immutable.
 *
 * <pre>{@code
 * Metric difference = Metric.logit(0, -1, paris).minus(Metric.logit(0, -1, rome));
 * Metric loss = Metric.logProbability(0, -1, paris).times(-1).plus(Metric.divergence(1, -1, before).times(0.0625));
 * }</pre>
 */
public final class Metric {
    /**
     * One part of a sum.
     */
    public sealed interface Term {
        /** {@return the factor of the part} */
        double weight();
    }

    /**
     * A logit, after any soft cap.
     *
     * @param row row of the batch, from 0
     * @param position position of the row, from 0; negative ones count from the end, so that -1 is the last
     * @param token token id
     * @param weight factor
     */
    public record Logit(int row, int position, int token, double weight) implements Term {}

    /**
     * A log probability of a next token, in nats: the logarithm of the softmax of the logits.
     *
     * @param row row of the batch, from 0
     * @param position position of the row, from 0; negative ones count from the end, so that -1 is the last
     * @param token token id
     * @param weight factor
     */
    public record LogProbability(int row, int position, int token, double weight) implements Term {}

    /**
     * A Kullback-Leibler divergence, in nats: {@code sum over tokens of p (log p - log q)}, of the model's next-token probabilities q from
     * those of a reference p. Tokens with p = 0 count 0.
     *
     * @param row row of the batch, from 0
     * @param position position of the row, from 0; negative ones count from the end, so that -1 is the last
     * @param reference the probabilities p, [d_vocab]
     * @param weight factor
     */
    public record Divergence(int row, int position, Tensor reference, double weight) implements Term {
        /** Refuses null. */
        public Divergence {
            Objects.requireNonNull(reference, "reference");
        }
    }

    /**
     * A linear functional: the sum of all elements of a hook point's value times weights.
     *
     * @param hook the hook point
     * @param weights in the shape that {@link Transformer#shape} gives for the batch
     * @param weight factor
     */
    public record Functional(HookPoint hook, Tensor weights, double weight) implements Term {
        /** Refuses null. */
        public Functional {
            Objects.requireNonNull(hook, "hook");
            Objects.requireNonNull(weights, "weights");
        }
    }

    private final List<Term> terms;

    private Metric(List<Term> terms) {
        this.terms = List.copyOf(terms);
    }

    /** {@return the parts, in the order of their adding} */
    public List<Term> terms() {
        return terms;
    }

    /**
     * A logit.
     *
     * @param row row of the batch, from 0
     * @param position position of the row, from 0; negative ones count from the end, so that -1 is the last
     * @param token token id
     * @return the metric
     */
    public static Metric logit(int row, int position, int token) {
        return new Metric(List.of(new Logit(row, position, token, 1)));
    }

    /**
     * The log probability of a next token, in nats.
     *
     * @param row row of the batch, from 0
     * @param position position after which the token comes, from 0; negative ones count from the end, so that -1 is the last
     * @param token token id
     * @return the metric
     */
    public static Metric logProbability(int row, int position, int token) {
        return new Metric(List.of(new LogProbability(row, position, token, 1)));
    }

    /**
     * The divergence of next-token probabilities from a reference's, in nats.
     *
     * @param row row of the batch, from 0
     * @param position position of the row, from 0; negative ones count from the end, so that -1 is the last
     * @param reference probabilities [d_vocab]
     * @return the metric
     */
    public static Metric divergence(int row, int position, Tensor reference) {
        return new Metric(List.of(new Divergence(row, position, reference, 1)));
    }

    /**
     * The sum of a hook point's value times weights.
     *
     * @param hook the hook point
     * @param weights in the shape that {@link Transformer#shape} gives for the batch
     * @return the metric
     */
    public static Metric functional(HookPoint hook, Tensor weights) {
        return new Metric(List.of(new Functional(hook, weights, 1)));
    }

    /**
     * A sum.
     *
     * @param other another metric
     * @return this plus the other
     */
    public Metric plus(Metric other) {
        Objects.requireNonNull(other, "other");
        List<Term> both = new ArrayList<>(terms);
        both.addAll(other.terms);
        return new Metric(both);
    }

    /**
     * A difference.
     *
     * @param other another metric
     * @return this minus the other
     */
    public Metric minus(Metric other) {
        return plus(other.times(-1));
    }

    /**
     * A multiple.
     *
     * @param factor any finite number
     * @return this times the factor
     * @throws IllegalArgumentException if the factor is not finite
     */
    public Metric times(double factor) {
        if (!Double.isFinite(factor)) {
            throw new IllegalArgumentException("the factor of a metric is finite, found " + factor);
        }
        return new Metric(terms.stream().<Term>map(term -> switch (term) {
            case Logit t -> new Logit(t.row, t.position, t.token, t.weight * factor);
            case LogProbability t -> new LogProbability(t.row, t.position, t.token, t.weight * factor);
            case Divergence t -> new Divergence(t.row, t.position, t.reference, t.weight * factor);
            case Functional t -> new Functional(t.hook, t.weights, t.weight * factor);
        }).toList());
    }

    /** {@return the number of parts, for messages} */
    @Override
    public String toString() {
        return "Metric of " + terms.size() + (terms.size() == 1 ? " term" : " terms");
    }
}
