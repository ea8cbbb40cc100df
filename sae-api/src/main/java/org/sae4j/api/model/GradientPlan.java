package org.sae4j.api.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;

/**
 * Which gradients a pass gives: of what, by what, and what is held fixed. Immutable.
 *
 * <pre>{@code
 * GradientPlan plan = GradientPlan.of(Objective.logProbability(0, -1, paris)).by(HookPoint.residPre(3)).build();
 * Tensor gradient = model.gradients(tokens, plan).get(HookPoint.residPre(3));
 * }</pre>
 */
public final class GradientPlan {
    private final Objective objective;
    private final Set<HookPoint> wanted;
    private final Set<HookPoint> constants;
    private final @Nullable ForwardPlan forward;

    private GradientPlan(Builder builder) {
        objective = builder.objective;
        wanted = Collections.unmodifiableSet(new LinkedHashSet<>(builder.wanted));
        constants = Collections.unmodifiableSet(new LinkedHashSet<>(builder.constants));
        forward = builder.forward;
    }

    /**
     * Starts a plan.
     *
     * @param objective what is differentiated
     * @return a builder
     */
    public static Builder of(Objective objective) {
        Objects.requireNonNull(objective, "objective");
        return new Builder(objective);
    }

    /** {@return what is differentiated} */
    public Objective objective() {
        return objective;
    }

    /** {@return the hook points by which, in the order of asking} */
    public Set<HookPoint> wanted() {
        return wanted;
    }

    /** {@return the hook points through which no gradient passes} */
    public Set<HookPoint> constants() {
        return constants;
    }

    /** {@return the forward pass, or empty for a plain one} */
    public Optional<ForwardPlan> forward() {
        return Optional.ofNullable(forward);
    }

    /** Collects a plan. Not for use by several threads. */
    public static final class Builder {
        private final Objective objective;
        private final Set<HookPoint> wanted = new LinkedHashSet<>();
        private final Set<HookPoint> constants = new LinkedHashSet<>();
        private @Nullable ForwardPlan forward;

        private Builder(Objective objective) {
            this.objective = objective;
        }

        /**
         * Asks for gradients. At a hook point that the pass edits, the gradient is that by the edited value, which later operations
         * read; so it is also the gradient by a vector that is added there.
         *
         * @param hooks hook points; not the denominators of norms, {@code hook_scale}
         * @return this
         */
        public Builder by(HookPoint... hooks) {
            Objects.requireNonNull(hooks, "hooks");
            wanted.addAll(List.of(hooks));
            return this;
        }

        /**
         * Holds values fixed: no gradient passes through them, as if they were given. With constant patterns and denominators of norms,
         * gradients are those of a model that is linear but for its MLPs.
         *
         * @param hooks hook points
         * @return this
         */
        public Builder constant(HookPoint... hooks) {
            Objects.requireNonNull(hooks, "hooks");
            constants.addAll(List.of(hooks));
            return this;
        }

        /**
         * The forward pass that is differentiated: its edits, where it starts, what comes before it, and what it captures on the
         * way. Values that it sets, the residual stream that it starts from, and keys and values of earlier positions are given: gradients end there.
         *
         * @param plan the forward pass; if it captures logits at some positions only, the objective can ask only for these
         * @return this
         */
        public Builder through(ForwardPlan plan) {
            Objects.requireNonNull(plan, "plan");
            forward = plan;
            return this;
        }

        /**
         * Ends the plan.
         *
         * @return the plan
         * @throws IllegalArgumentException if no gradient is asked for
         */
        public GradientPlan build() {
            if (wanted.isEmpty()) {
                throw new IllegalArgumentException("a gradient plan must ask for a gradient: name hook points with by");
            }
            return new GradientPlan(this);
        }
    }

    /**
     * A number that a forward pass of a batch makes, and of which {@link Transformer#gradients} gives gradients: a weighted sum of logits, log
     * probabilities, divergences and values at hook points. Rows of a batch do not influence each other, so the sum over rows of an objective has
     * for each row the gradients that the row would have alone. Immutable.
     *
     * <pre>{@code
     * Objective difference = Objective.logit(0, -1, paris).minus(Objective.logit(0, -1, rome));
     * Objective loss = Objective.logProbability(0, -1, paris).times(-1).plus(Objective.divergence(1, -1, before).times(0.0625));
     * }</pre>
     */
    public static final class Objective {
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

        private Objective(List<Term> terms) {
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
         * @return the objective
         */
        public static Objective logit(int row, int position, int token) {
            return new Objective(List.of(new Logit(row, position, token, 1)));
        }

        /**
         * The log probability of a next token, in nats.
         *
         * @param row row of the batch, from 0
         * @param position position after which the token comes, from 0; negative ones count from the end, so that -1 is the last
         * @param token token id
         * @return the objective
         */
        public static Objective logProbability(int row, int position, int token) {
            return new Objective(List.of(new LogProbability(row, position, token, 1)));
        }

        /**
         * The divergence of next-token probabilities from a reference's, in nats.
         *
         * @param row row of the batch, from 0
         * @param position position of the row, from 0; negative ones count from the end, so that -1 is the last
         * @param reference probabilities [d_vocab]
         * @return the objective
         */
        public static Objective divergence(int row, int position, Tensor reference) {
            return new Objective(List.of(new Divergence(row, position, reference, 1)));
        }

        /**
         * The sum of a hook point's value times weights.
         *
         * @param hook the hook point
         * @param weights in the shape that {@link Transformer#shape} gives for the batch
         * @return the objective
         */
        public static Objective functional(HookPoint hook, Tensor weights) {
            return new Objective(List.of(new Functional(hook, weights, 1)));
        }

        /**
         * A sum.
         *
         * @param other another objective
         * @return this plus the other
         */
        public Objective plus(Objective other) {
            Objects.requireNonNull(other, "other");
            List<Term> both = new ArrayList<>(terms);
            both.addAll(other.terms);
            return new Objective(both);
        }

        /**
         * A difference.
         *
         * @param other another objective
         * @return this minus the other
         */
        public Objective minus(Objective other) {
            return plus(other.times(-1));
        }

        /**
         * A multiple.
         *
         * @param factor any finite number
         * @return this times the factor
         * @throws IllegalArgumentException if the factor is not finite
         */
        public Objective times(double factor) {
            if (!Double.isFinite(factor)) {
                throw new IllegalArgumentException("the factor of an objective is finite, found " + factor);
            }
            return new Objective(terms.stream().<Term>map(term -> switch (term) {
                case Logit t -> new Logit(t.row, t.position, t.token, t.weight * factor);
                case LogProbability t -> new LogProbability(t.row, t.position, t.token, t.weight * factor);
                case Divergence t -> new Divergence(t.row, t.position, t.reference, t.weight * factor);
                case Functional t -> new Functional(t.hook, t.weights, t.weight * factor);
            }).toList());
        }

        /** {@return the number of parts, for messages} */
        @Override
        public String toString() {
            return "Objective of " + terms.size() + (terms.size() == 1 ? " term" : " terms");
        }
    }
}
