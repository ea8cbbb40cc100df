package org.sae4j.api.sae;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.model.HookPoint;

/**
 * What a sparse autoencoder or transcoder computes, apart from its parameters' values. The order of the computation is: flatten,
 * {@link #normalization()}, subtract {@code b_dec} (if {@link #applyBDecToInput()}), encoder, activation, decoder, {@code b_dec}, undo the
 * normalization, and with {@link #skip()} add {@code x W_skip^T}. Immutable; two are equal if all that they say is equal.
 *
 * <p>An autoencoder reconstructs what it reads. A transcoder predicts something else, such as the output of the MLP whose input it reads.
 *
 * <pre>{@code
 * SaeConfig config = SaeConfig.builder(Architecture.TOPK, 768, 24576).k(32).hook(HookPoint.residPre(8)).modelName("gpt2").build();
 * }</pre>
 */
public final class SaeConfig {
    /** How pre-activations p = x W_enc + b_enc become feature activations. */
    public enum Architecture {
        /** {@code max(0, p)}. */
        RELU,
        /** The k largest p of a row, where positive (Gao et al. 2024). */
        TOPK,
        /** p where p exceeds the feature's {@code threshold} and 0, else 0 (Rajamanoharan et al. 2024). */
        JUMP_RELU,
        /** {@code [x W_enc + b_gate > 0] max(0, x W_enc e^r_mag + b_mag)} (Rajamanoharan et al. 2024). */
        GATED,
        /** The k p of a row that are largest by magnitude, with their signs; of equal ones the first. */
        ABS_TOPK,
        /** Features in k runs of equal length, of each run the largest p, where positive; of equal ones the first. */
        GROUP_MAX,
        /**
         * Matching pursuit on the decoder's rows d_i, without an encoder: with r = x at first (less {@code b_dec}, if it is subtracted),
         * again and again the feature i of the largest {@code r d_i} gains {@code max(0, r d_i)}, and r loses that times d_i.
         * {@link SaeConfig#pursuit()} says when it stops.
         */
        MATCHING_PURSUIT;

        /** {@return whether {@link SaeConfig#k()} belongs to this architecture} */
        public boolean hasK() {
            return this == TOPK || this == ABS_TOPK || this == GROUP_MAX;
        }

        /** {@return whether there is an encoder {@code W_enc}} */
        public boolean hasEncoder() {
            return this != MATCHING_PURSUIT;
        }
    }

    /** What is done to the input before encoding. */
    public enum Normalization {
        /** Nothing. */
        NONE,
        /** {@code (x - mean) / (std + 1e-5)} over the row, with the unbiased std; on the output, {@code x^ std + mean}. */
        LAYER_NORM,
        /** {@code x sqrt(d_in) / |x|}; undone on the output. */
        CONSTANT_NORM_RESCALE;

        /**
         * The factor by which undoing this normalization multiplies the decoder's output: a feature f_j adds {@code scale(x) f_j d_j} to
         * the reconstruction of x.
         *
         * @param x one input row
         * @return 1 without normalization, else the row's std or {@code |x| / sqrt(d_in)}
         */
        public double scale(float[] x) {
            double sum = 0;
            double squares = 0;
            for (float value : x) {
                sum += value;
                squares += (double) value * value;
            }
            double n = x.length;
            return switch (this) {
                case NONE -> 1;
                case LAYER_NORM -> Math.sqrt(Math.max(0, squares - sum * sum / n) / (n - 1));
                case CONSTANT_NORM_RESCALE -> Math.sqrt(squares / n);
            };
        }
    }

    /**
     * When matching pursuit stops on a row, besides when no {@code r d_i} is positive.
     *
     * @param maxIterations after how many steps at most, at least 1
     * @param residualThreshold when the residual's norm is below this; 0 for never
     * @param stopOnDuplicateSupport when a step activates no feature that was not active
     */
    public record Pursuit(int maxIterations, double residualThreshold, boolean stopOnDuplicateSupport) {
        /**
         * Checks the values.
         *
         * @throws IllegalArgumentException if {@code maxIterations} is not positive, or the threshold is negative or not finite
         */
        public Pursuit {
            if (maxIterations < 1 || !(residualThreshold >= 0) || Double.isInfinite(residualThreshold)) {
                throw new IllegalArgumentException("matching pursuit takes at least 1 step and a residual threshold from 0, found "
                        + maxIterations + " and " + residualThreshold);
            }
        }
    }

    private final Architecture architecture;
    private final int dIn;
    private final int dOut;
    private final int dSae;
    private final int k;
    private final Optional<Pursuit> pursuit;
    private final boolean applyBDecToInput;
    private final Normalization normalization;
    private final Optional<HookPoint> hook;
    private final boolean transcoder;
    private final Optional<HookPoint> hookOut;
    private final Optional<String> modelName;
    private final boolean skip;

    private SaeConfig(Builder from) {
        architecture = from.architecture;
        dIn = from.dIn;
        dOut = from.dOut == 0 ? dIn : from.dOut;
        dSae = from.dSae;
        k = from.k;
        pursuit = architecture == Architecture.MATCHING_PURSUIT
                ? Optional.of(from.pursuit == null ? new Pursuit(Math.max(1, dIn), 0, true) : from.pursuit)
                : Optional.ofNullable(from.pursuit);
        applyBDecToInput = from.applyBDecToInput == null ? !from.transcoder : from.applyBDecToInput;
        normalization = from.normalization;
        hook = Optional.ofNullable(from.hook);
        transcoder = from.transcoder;
        hookOut = transcoder ? Optional.ofNullable(from.hookOut) : hook;
        modelName = Optional.ofNullable(from.modelName);
        skip = from.skip;
        check();
    }

    private void check() {
        if (dIn <= 0 || dOut <= 0 || dSae <= 0) {
            throw new IllegalArgumentException("d_in, d_out and d_sae must be positive, found " + dIn + ", " + dOut + " and " + dSae);
        }
        if (architecture.hasK() ? k < 1 || k > dSae : k != 0) {
            throw new IllegalArgumentException("k is from 1 to d_sae for " + Architecture.TOPK + " and its kin and 0 otherwise, found " + k
                    + " for " + architecture + " with d_sae " + dSae);
        }
        if (architecture == Architecture.GROUP_MAX && dSae % k != 0) {
            throw new IllegalArgumentException("d_sae must be a multiple of k for " + architecture + ", found " + dSae + " and " + k);
        }
        if (architecture != Architecture.MATCHING_PURSUIT && pursuit.isPresent()) {
            throw new IllegalArgumentException("pursuit belongs to " + Architecture.MATCHING_PURSUIT + ", found " + architecture);
        }
        if (!transcoder && dOut != dIn) {
            throw new IllegalArgumentException("only a transcoder's output may have another width than its input, found d_in " + dIn
                    + " and d_out " + dOut);
        }
        if (architecture == Architecture.MATCHING_PURSUIT && transcoder) {
            throw new IllegalArgumentException(architecture + " reconstructs what it reads, so it is no transcoder");
        }
        if (dOut != dIn && (applyBDecToInput || normalization != Normalization.NONE)) {
            throw new IllegalArgumentException("with d_out " + dOut + " other than d_in " + dIn
                    + " neither can b_dec be subtracted from the input nor a normalization be undone on the output");
        }
    }

    /**
     * Begins a configuration: an autoencoder without normalization that subtracts {@code b_dec} from its input.
     *
     * @param architecture how pre-activations become feature activations
     * @param dIn width of the input
     * @param dSae number of features
     * @return a builder
     */
    public static Builder builder(Architecture architecture, int dIn, int dSae) {
        return new Builder(architecture, dIn, dSae);
    }

    /** {@return a builder that begins with all that this says} */
    public Builder toBuilder() {
        Builder builder = new Builder(architecture, dIn, dSae);
        builder.k = k;
        builder.pursuit = pursuit.orElse(null);
        builder.applyBDecToInput = applyBDecToInput;
        builder.normalization = normalization;
        builder.hook = hook.orElse(null);
        builder.transcoder = transcoder;
        builder.dOut = transcoder ? dOut : 0;
        builder.hookOut = transcoder ? hookOut.orElse(null) : null;
        builder.modelName = modelName.orElse(null);
        builder.skip = skip;
        return builder;
    }

    /** {@return how pre-activations become feature activations} */
    public Architecture architecture() {
        return architecture;
    }

    /** {@return width of the input} */
    public int dIn() {
        return dIn;
    }

    /** {@return width of the output: {@link #dIn()} unless this is a transcoder of another width} */
    public int dOut() {
        return dOut;
    }

    /** {@return number of features} */
    public int dSae() {
        return dSae;
    }

    /** {@return active features of a row at most, if {@link Architecture#hasK()}, else 0} */
    public int k() {
        return k;
    }

    /** {@return when matching pursuit stops; empty for other architectures} */
    public Optional<Pursuit> pursuit() {
        return pursuit;
    }

    /** {@return whether {@code b_dec} is subtracted from the input} */
    public boolean applyBDecToInput() {
        return applyBDecToInput;
    }

    /** {@return what is done to the input, and undone on the output} */
    public Normalization normalization() {
        return normalization;
    }

    /** {@return where in a transformer the input comes from, or empty if not known} */
    public Optional<HookPoint> hook() {
        return hook;
    }

    /** {@return whether the output predicts something else than the input} */
    public boolean transcoder() {
        return transcoder;
    }

    /** {@return where in a transformer the output belongs, or empty if not known; {@link #hook()} unless this is a transcoder} */
    public Optional<HookPoint> hookOut() {
        return hookOut;
    }

    /** {@return the transformer's name, or empty if not known} */
    public Optional<String> modelName() {
        return modelName;
    }

    /** {@return whether a linear function of the input, {@code x W_skip^T}, is added to the output, as in skip transcoders} */
    public boolean skip() {
        return skip;
    }

    private List<Object> values() {
        return List.of(architecture, dIn, dOut, dSae, k, pursuit, applyBDecToInput, normalization, hook, transcoder, hookOut, modelName,
                skip);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof SaeConfig config && values().equals(config.values());
    }

    @Override
    public int hashCode() {
        return values().hashCode();
    }

    /** {@return one line that says what differs from the plainest autoencoder} */
    @Override
    public String toString() {
        List<String> parts = new ArrayList<>(List.of(architecture + (transcoder ? " transcoder" : " autoencoder"), "d_in " + dIn));
        if (dOut != dIn) {
            parts.add("d_out " + dOut);
        }
        parts.add("d_sae " + dSae);
        if (k > 0) {
            parts.add("k " + k);
        }
        pursuit.ifPresent(p -> parts.add(p.toString()));
        parts.add(applyBDecToInput ? "b_dec subtracted from the input" : "b_dec not subtracted from the input");
        if (normalization != Normalization.NONE) {
            parts.add("normalization " + normalization);
        }
        if (skip) {
            parts.add("skip connection");
        }
        hook.ifPresent(h -> parts.add("at " + h));
        if (transcoder) {
            hookOut.ifPresent(h -> parts.add("to " + h));
        }
        modelName.ifPresent(name -> parts.add("of " + name));
        return String.join(", ", parts);
    }

    /** Collects what a configuration says. Not safe for use by several threads. */
    public static final class Builder {
        private final Architecture architecture;
        private final int dIn;
        private final int dSae;
        private int dOut;
        private int k;
        private @Nullable Pursuit pursuit;
        private @Nullable Boolean applyBDecToInput;
        private Normalization normalization = Normalization.NONE;
        private @Nullable HookPoint hook;
        private boolean transcoder;
        private @Nullable HookPoint hookOut;
        private @Nullable String modelName;
        private boolean skip;

        private Builder(Architecture architecture, int dIn, int dSae) {
            this.architecture = Objects.requireNonNull(architecture, "architecture");
            this.dIn = dIn;
            this.dSae = dSae;
        }

        /**
         * Active features of a row at most, for architectures that {@linkplain Architecture#hasK() have k}.
         *
         * @param value from 1 to d_sae
         * @return this
         */
        public Builder k(int value) {
            k = value;
            return this;
        }

        /**
         * When matching pursuit stops. Left out, it takes at most d_in steps and stops on duplicate support.
         *
         * @param value the rule
         * @return this
         */
        public Builder pursuit(Pursuit value) {
            pursuit = Objects.requireNonNull(value, "pursuit");
            return this;
        }

        /**
         * Whether {@code b_dec} is subtracted from the input. Left out, it is for autoencoders and not for transcoders.
         *
         * @param value whether
         * @return this
         */
        public Builder applyBDecToInput(boolean value) {
            applyBDecToInput = value;
            return this;
        }

        /**
         * What is done to the input, and undone on the output.
         *
         * @param value the normalization
         * @return this
         */
        public Builder normalization(Normalization value) {
            normalization = Objects.requireNonNull(value, "normalization");
            return this;
        }

        /**
         * Where in a transformer the input comes from.
         *
         * @param value the hook point
         * @return this
         */
        public Builder hook(HookPoint value) {
            return hook(Optional.of(value));
        }

        /**
         * Where in a transformer the input comes from.
         *
         * @param value the hook point, or empty if not known
         * @return this
         */
        public Builder hook(Optional<HookPoint> value) {
            hook = value.orElse(null);
            return this;
        }

        /**
         * Makes it a transcoder: the output predicts something else than the input.
         *
         * @param dOut width of the output
         * @param to where in a transformer the output belongs, or empty if not known
         * @return this
         */
        public Builder transcoder(int dOut, Optional<HookPoint> to) {
            transcoder = true;
            this.dOut = dOut;
            hookOut = to.orElse(null);
            return this;
        }

        /**
         * The transformer's name.
         *
         * @param value the name
         * @return this
         */
        public Builder modelName(String value) {
            return modelName(Optional.of(value));
        }

        /**
         * The transformer's name.
         *
         * @param value the name, or empty if not known
         * @return this
         */
        public Builder modelName(Optional<String> value) {
            modelName = value.orElse(null);
            return this;
        }

        /**
         * Whether {@code x W_skip^T} is added to the output.
         *
         * @param value whether
         * @return this
         */
        public Builder skip(boolean value) {
            skip = value;
            return this;
        }

        /**
         * Makes the configuration.
         *
         * @return the configuration
         * @throws IllegalArgumentException if a width is not positive, k does not fit the architecture, or widths, normalization and b_dec
         *     contradict each other
         */
        public SaeConfig build() {
            return new SaeConfig(this);
        }
    }
}
