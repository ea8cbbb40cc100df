package org.sae4j.api.model;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;

/**
 * What one forward pass should do besides computing: which hook points to capture, what to change on the way, where to start and to stop.
 *
 * <p>A plan is a value; it leaves nothing behind in the model. Rows of a hook point's values are numbered {@code batch * length + pos} for
 * tokens of shape [batch, length]. Edits at one hook point apply in the order in which they were added; captures see the values after the
 * edits.
 */
public final class ForwardPlan {
    /** How an edit changes the rows it names. */
    public enum Mode {
        /** The row becomes the given value. */
        SET,
        /** The given value is added to the row. */
        ADD
    }

    /**
     * A change of some rows at one hook point. The scales of norms cannot be edited.
     *
     * @param hook where
     * @param mode whether rows are replaced or added to
     * @param rows row numbers {@code batch * length + pos}, for attention scores and patterns {@code (batch * n_heads + head) * length +
     *     query pos}; a row may be named once per edit
     * @param values shape [rows, width of the hook point's row], heads flattened
     */
    public record Edit(HookPoint hook, Mode mode, int[] rows, Tensor values) {
        /**
         * Checks the shapes and copies the row numbers.
         *
         * @throws IllegalArgumentException if the values are not one row for each row number, or the site cannot be edited
         */
        public Edit {
            Objects.requireNonNull(hook, "hook");
            Objects.requireNonNull(mode, "mode");
            Objects.requireNonNull(rows, "rows");
            Objects.requireNonNull(values, "values");
            rows = rows.clone();
            if (values.rank() != 2 || values.dim(0) != rows.length) {
                throw new IllegalArgumentException("an edit of " + rows.length + " rows at " + hook + " needs values of shape ["
                        + rows.length + ", width], found " + values);
            }
            if (!hook.site().isEditable()) {
                throw new IllegalArgumentException(hook + " can be captured but not edited");
            }
        }

        /** {@return a copy of the row numbers} */
        @Override
        public int[] rows() {
            return rows.clone();
        }
    }

    /**
     * The start of a pass that resumes before a block.
     *
     * @param layer the block to run first, from 0 to n_layers
     * @param residual the residual stream before it [batch, pos, d_model]
     */
    public record Start(int layer, Tensor residual) {
        /** Refuses null. */
        public Start {
            Objects.requireNonNull(residual, "residual");
        }
    }

    /**
     * Positions before the tokens of a pass, which another pass has run.
     *
     * @param values holds the keys and values of every block whose attention runs (the model's {@link Transformer#cacheHooks()}), of one
     *     row for all rows of tokens alike, or of as many rows as the tokens have
     * @param length how many positions of them come before the tokens, from 0
     */
    public record Prefix(Activations values, int length) {
        /** Refuses null. */
        public Prefix {
            Objects.requireNonNull(values, "values");
        }
    }

    private final Set<HookPoint> captures;
    private final List<Edit> edits;
    private final @Nullable Start start;
    private final @Nullable Prefix prefix;
    private final @Nullable HookPoint stop;
    private final int @Nullable [] logitPositions;

    private ForwardPlan(Builder builder) {
        captures = java.util.Collections.unmodifiableSet(new LinkedHashSet<>(builder.captures));
        edits = List.copyOf(builder.edits);
        start = builder.start;
        prefix = builder.prefix;
        stop = builder.stop;
        logitPositions = builder.logitPositions;
    }

    /** {@return a plan that captures only the logits} */
    public static ForwardPlan logits() {
        return capture(HookPoint.LOGITS);
    }

    /**
     * A plan that captures and, as nothing else is asked for, runs no further than the last capture.
     *
     * @param hooks what to capture
     * @return the plan
     */
    public static ForwardPlan capture(HookPoint... hooks) {
        return builder().capture(hooks).build();
    }

    /** {@return a builder of an empty plan} */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return what is captured, in the order of asking} */
    public Set<HookPoint> captures() {
        return captures;
    }

    /** {@return the changes on the way, in their order} */
    public List<Edit> edits() {
        return edits;
    }

    /** {@return where the pass resumes, or empty to start from the tokens} */
    public Optional<Start> start() {
        return Optional.ofNullable(start);
    }

    /** {@return what comes before the tokens, or empty if they start at the first position} */
    public Optional<Prefix> prefix() {
        return Optional.ofNullable(prefix);
    }

    /** {@return the last hook point to compute, or empty to run to the last capture} */
    public Optional<HookPoint> stop() {
        return Optional.ofNullable(stop);
    }

    /** {@return the positions whose logits are computed, or empty for all} */
    public Optional<int[]> logitPositions() {
        return Optional.ofNullable(logitPositions).map(int[]::clone);
    }

    /** Collects a plan. Not for use by several threads. */
    public static final class Builder {
        private final Set<HookPoint> captures = new LinkedHashSet<>();
        private final List<Edit> edits = new ArrayList<>();
        private @Nullable Start start;
        private @Nullable Prefix prefix;
        private @Nullable HookPoint stop;
        private int @Nullable [] logitPositions;

        private Builder() {}

        /**
         * Asks for values.
         *
         * @param hooks the hook points
         * @return this
         */
        public Builder capture(HookPoint... hooks) {
            Objects.requireNonNull(hooks, "hooks");
            captures.addAll(List.of(hooks));
            return this;
        }

        /**
         * Replaces rows.
         *
         * @param hook where
         * @param rows row numbers {@code batch * length + pos}
         * @param values shape [rows, width]
         * @return this
         * @throws IllegalArgumentException as {@link Edit}
         */
        public Builder set(HookPoint hook, int[] rows, Tensor values) {
            edits.add(new Edit(hook, Mode.SET, rows, values));
            return this;
        }

        /**
         * Replaces all values of a hook point.
         *
         * @param hook where
         * @param values all values, in the hook point's shape
         * @return this
         * @throws IllegalArgumentException as {@link Edit}, or if {@code values} has fewer than 3 axes
         */
        public Builder replace(HookPoint hook, Tensor values) {
            Objects.requireNonNull(hook, "hook");
            Objects.requireNonNull(values, "values");
            if (values.rank() < 3) {
                throw new IllegalArgumentException("a replacement of " + hook + " needs shape [batch, pos, ...], found " + values);
            }
            int n = values.dim(0) * values.dim(1);
            int[] rows = new int[n];
            java.util.Arrays.setAll(rows, row -> row);
            return set(hook, rows, values.reshape(n, n == 0 ? 0 : Math.toIntExact(values.size() / n)));
        }

        /**
         * Adds to rows.
         *
         * @param hook where
         * @param rows row numbers {@code batch * length + pos}
         * @param values shape [rows, width]
         * @return this
         * @throws IllegalArgumentException as {@link Edit}
         */
        public Builder add(HookPoint hook, int[] rows, Tensor values) {
            edits.add(new Edit(hook, Mode.ADD, rows, values));
            return this;
        }

        /**
         * Resumes before a block instead of starting from the tokens, whose shape still has to fit.
         *
         * @param layer the block to run first, from 0 to n_layers; n_layers means only the final LayerNorm and the unembedding
         * @param residual the residual stream before it [batch, pos, d_model]
         * @return this
         */
        public Builder startAt(int layer, Tensor residual) {
            start = new Start(layer, residual);
            return this;
        }

        /**
         * Continues rows whose first positions another pass has run: the tokens of this pass come after them and see their keys and values.
         * Rows, positions and captures of this pass count from the first of its own tokens. Its values are those of a pass over the whole
         * rows; attention scores and patterns cannot be captured.
         *
         * @param values holds the keys and values of every block whose attention runs, at least {@code length} positions of one row for
         *     all rows of tokens alike, or of as many rows as the tokens have
         * @param length how many positions come before the tokens, from 0
         * @return this
         */
        public Builder after(Activations values, int length) {
            prefix = new Prefix(values, length);
            return this;
        }

        /**
         * Computes nothing after a hook point.
         *
         * @param hook the last hook point to compute
         * @return this
         */
        public Builder stopAt(HookPoint hook) {
            Objects.requireNonNull(hook, "hook");
            stop = hook;
            return this;
        }

        /**
         * Computes logits at some positions only: captured logits then have shape [batch, positions, d_vocab].
         *
         * @param positions positions in a row, each from 0; negative ones count from the end
         * @return this
         */
        public Builder logitsAt(int... positions) {
            logitPositions = positions.clone();
            return this;
        }

        /**
         * Ends the collection.
         *
         * @return the plan
         * @throws IllegalArgumentException if nothing is captured
         */
        public ForwardPlan build() {
            if (captures.isEmpty()) {
                throw new IllegalArgumentException("a forward plan must capture something");
            }
            return new ForwardPlan(this);
        }
    }
}
