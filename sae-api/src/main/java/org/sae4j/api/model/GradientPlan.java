package org.sae4j.api.model;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which gradients a pass gives: of what, by what, and what is held fixed. Immutable.
 *
 * <pre>{@code
 * GradientPlan plan = GradientPlan.of(Metric.logProbability(0, -1, paris)).by(HookPoint.residPre(3)).build();
 * Tensor gradient = model.gradients(tokens, plan).get(HookPoint.residPre(3));
 * }</pre>
 */
public final class GradientPlan {
    private final Metric metric;
    private final Set<HookPoint> wanted;
    private final Set<HookPoint> constants;
    private final @Nullable ForwardPlan forward;

    private GradientPlan(Builder builder) {
        metric = builder.metric;
        wanted = Collections.unmodifiableSet(new LinkedHashSet<>(builder.wanted));
        constants = Collections.unmodifiableSet(new LinkedHashSet<>(builder.constants));
        forward = builder.forward;
    }

    /**
     * Starts a plan.
     *
     * @param metric what is differentiated
     * @return a builder
     */
    public static Builder of(Metric metric) {
        Objects.requireNonNull(metric, "metric");
        return new Builder(metric);
    }

    /** {@return what is differentiated} */
    public Metric metric() {
        return metric;
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
        private final Metric metric;
        private final Set<HookPoint> wanted = new LinkedHashSet<>();
        private final Set<HookPoint> constants = new LinkedHashSet<>();
        private @Nullable ForwardPlan forward;

        private Builder(Metric metric) {
            this.metric = metric;
        }

        /**
         * Asks for gradients. At a hook point that the pass edits, the gradient is that by the edited value, which later operations read;
         * so
         * it is also the gradient by a vector that is added there.
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
         * The forward pass that is differentiated: its edits, where it starts, what comes before it, and what it captures on the way.
         * Values
         * that it sets, the residual stream that it starts from, and keys and values of earlier positions are given: gradients end there.
         *
         * @param plan the forward pass; if it captures logits at some positions only, the metric can ask only for these
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
}
