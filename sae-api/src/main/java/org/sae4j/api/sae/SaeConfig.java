package org.sae4j.api.sae;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
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
    private static final String K = "k";

    /**
     * How pre-activations p = x W_enc + b_enc become feature activations, by its name: those below are built in, a plugin may bring others.
     * What a name means is found when an autoencoder is opened. Two are equal if their names are.
     *
     * @param name lower case letters, digits and underscores, a letter first
     */
    public record Architecture(String name) {
        /** {@code max(0, p)}. */
        public static final Architecture RELU = new Architecture("relu");
        /** The k largest p of a row, where positive (Gao et al. 2024). */
        public static final Architecture TOPK = new Architecture("topk");
        /** p where p exceeds the feature's {@code threshold} and 0, else 0 (Rajamanoharan et al. 2024). */
        public static final Architecture JUMP_RELU = new Architecture("jump_relu");
        /** {@code [x W_enc + b_gate > 0] max(0, x W_enc e^r_mag + b_mag)} (Rajamanoharan et al. 2024). */
        public static final Architecture GATED = new Architecture("gated");
        /** The k p of a row that are largest by magnitude, with their signs; of equal ones the first. */
        public static final Architecture ABS_TOPK = new Architecture("abs_topk");
        /** Features in k runs of equal length, of each run the largest p, where positive; of equal ones the first. */
        public static final Architecture GROUP_MAX = new Architecture("group_max");
        /**
         * Matching pursuit on the decoder's rows d_i, without an encoder: with r = x at first (less {@code b_dec}, if it is subtracted),
         * again and again the feature i of the largest {@code r d_i} gains {@code max(0, r d_i)}, and r loses that times d_i. It stops where
         * no {@code r d_i} is positive, after {@code max_iterations} steps (d_in if not set), where the residual's norm is below
         * {@code residual_threshold} (0), and with {@code stop_on_duplicate_support} (true) at a step that activates no new feature.
         */
        public static final Architecture MATCHING_PURSUIT = new Architecture("matching_pursuit");
        /** Those above. */
        public static final List<Architecture> BUILT_IN = List.of(RELU, TOPK, JUMP_RELU, GATED, ABS_TOPK, GROUP_MAX, MATCHING_PURSUIT);

        /**
         * Checks the name.
         *
         * @throws IllegalArgumentException if it has other characters
         */
        public Architecture {
            if (!name.matches("[a-z][a-z0-9_]*")) {
                throw new IllegalArgumentException("an architecture's name is of lower case letters, digits and underscores, a letter first,"
                        + " found \"" + name + '"');
            }
        }

        /** {@return the name} */
        @Override
        public String toString() {
            return name;
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
            Objects.requireNonNull(x, "x");
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

    private final Architecture architecture;
    private final int dIn;
    private final int dOut;
    private final int dSae;
    private final Map<String, Object> settings;
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
        settings = Collections.unmodifiableMap(new TreeMap<>(from.settings));
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
        Object k = settings.get(K);
        if (k != null && !(k instanceof Long count && count >= 1 && count <= dSae)) {
            throw new IllegalArgumentException("k is a whole number from 1 to d_sae " + dSae + ", found " + k);
        }
        if (!transcoder && dOut != dIn) {
            throw new IllegalArgumentException("only a transcoder's output may have another width than its input, found d_in " + dIn
                    + " and d_out " + dOut);
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
        builder.settings.putAll(settings);
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

    /** {@return the setting {@code k}: active features of a row at most; 0 if it is not set, as for architectures that have none} */
    public int k() {
        return settings.get(K) instanceof Long k ? Math.toIntExact(k) : 0;
    }

    /** {@return what belongs to the architecture alone, by name, in the order of the names: Long, Double, Boolean or String} */
    public Map<String, Object> settings() {
        return settings;
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
        return List.of(architecture, dIn, dOut, dSae, settings, applyBDecToInput, normalization, hook, transcoder, hookOut, modelName,
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
        settings.forEach((name, value) -> parts.add(name + " " + value));
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
        private final Map<String, Object> settings = new HashMap<>();
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
         * Active features of a row at most, for architectures that have such a number.
         *
         * @param value from 1 to d_sae, or 0 for no such setting
         * @return this
         */
        public Builder k(int value) {
            if (value != 0) {
                return setting(K, value);
            }
            settings.remove(K);
            return this;
        }

        /**
         * A setting that belongs to the architecture. Whether there is such a setting is checked when an autoencoder is opened or written.
         *
         * @param name its name, such as {@code max_iterations}
         * @param value a whole number, a number, a truth value or a text
         * @return this
         * @throws IllegalArgumentException if the value is of another kind, or not finite
         */
        public Builder setting(String name, Object value) {
            settings.put(Objects.requireNonNull(name, "name"), switch (Objects.requireNonNull(value, "value")) {
                case Integer whole -> whole.longValue();
                case Long whole -> whole;
                case Float number when Float.isFinite(number) -> number.doubleValue();
                case Double number when Double.isFinite(number) -> number;
                case Boolean flag -> flag;
                case String text -> text;
                default -> throw new IllegalArgumentException("setting " + name + " must be a finite number, a truth value or a text, found "
                        + value);
            });
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
            normalization = Objects.requireNonNull(value, "value");
            return this;
        }

        /**
         * Where in a transformer the input comes from.
         *
         * @param value the hook point
         * @return this
         */
        public Builder hook(HookPoint value) {
            return hook(Optional.of(Objects.requireNonNull(value, "value")));
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
            return modelName(Optional.of(Objects.requireNonNull(value, "value")));
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
         * @throws IllegalArgumentException if a width is not positive, k is not from 1 to d_sae, or widths, normalization and b_dec
         *     contradict each other
         */
        public SaeConfig build() {
            return new SaeConfig(this);
        }
    }
}
