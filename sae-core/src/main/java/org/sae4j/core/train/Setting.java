package org.sae4j.core.train;

import java.math.BigDecimal;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.ArchitectureText;
import org.sae4j.core.internal.Nearest;

/**
 * What a {@link Recipe} can be told, by name. Each setting has one canonical {@link #key()} and accepts the field's synonyms.
 *
 * <p>Settings that a recipe's choices leave without effect (such as {@code k} under ReLU) cannot be set in that recipe.
 */
public enum Setting {
    /** {@code activation}: how pre-activations become features. */
    ACTIVATION("activation", new Kind.Choice(Recipe.Activation.class), r -> true),
    /**
     * {@code architecture}: the architecture whose features are trained, with its settings, such as {@code topk(k=32)}: any that is found by
     * its name, plugins' too. Setting it sets the activation to {@code architecture}.
     */
    ARCHITECTURE("architecture", new Kind.Coder(), r -> r.activation() == Recipe.Activation.ARCHITECTURE),
    /** {@code error}: how squared errors are reduced. */
    ERROR("error", new Kind.Choice(Recipe.ErrorReduction.class), r -> true),
    /** {@code penalty}: what is penalised, and how it is reduced. */
    PENALTY("penalty", new Kind.Choice(Recipe.Penalty.class), r -> true),
    /**
     * {@code unit_norm}: when decoder rows are set to unit norm and their gradient is projected. Set to {@code auto}, it is after Adam's step
     * for TopK where it was published before it: the result's rows then have unit norm, which SAELens needs to fold decoder norms.
     */
    UNIT_NORM("unit_norm", new Kind.Auto(new Kind.Choice(Recipe.UnitNorm.class)), r -> true),
    /** {@code init}: how encoder and decoder start. */
    INIT("init", new Kind.Choice(Recipe.Initialisation.class), r -> true, "initialization", "initialisation"),
    /** {@code b_dec_init}: how the decoder's bias starts. */
    B_DEC_INIT("b_dec_init", new Kind.Choice(Recipe.BiasInitialisation.class), r -> true, "b_dec_init_method"),
    /** {@code dead}: what is done about dead features. */
    DEAD("dead", new Kind.Choice(Recipe.DeadTreatment.class), r -> true),
    /** {@code apply_b_dec}: whether b_dec is subtracted from the input. */
    APPLY_B_DEC("apply_b_dec", new Kind.Flag(), r -> true, "apply_b_dec_to_input"),
    /** {@code normalize}: whether inputs are scaled, by one number, to a mean norm of sqrt(d_in); folded into the result's weights. */
    NORMALIZE("normalize", new Kind.Auto(new Kind.Flag()), r -> true, "normalize_activations"),
    /** {@code centre}: whether the mean of the first inputs is subtracted from all of them; folded into the result's biases. */
    CENTRE("centre", new Kind.Flag(), r -> true, "center", "mean_center", "mean_centre", "center_activations"),

    /** {@code d_sae}: number of features. */
    D_SAE("d_sae", new Kind.Whole(1, 1 << 24), r -> true, "n_features", "num_latents", "dict_size", "d_hidden"),
    /** {@code batch}: tokens of a step. */
    BATCH("batch", new Kind.Whole(1, 1 << 24), r -> true, "batch_size", "train_batch_size", "train_batch_size_tokens"),
    /** {@code steps}: number of steps. */
    STEPS("steps", new Kind.Whole(0, 1L << 40), r -> true, "n_steps", "num_steps", "training_steps"),
    /** {@code seed}: of initialisation and resampling. */
    SEED("seed", new Kind.Whole(Long.MIN_VALUE, Long.MAX_VALUE), r -> true, "random_seed"),

    /** {@code lr}: Adam's learning rate. */
    LR("lr", new Kind.Auto(new Kind.Real(0, Double.MAX_VALUE)), r -> true, "learning_rate"),
    /** {@code beta1}: decay of Adam's first moment. */
    BETA1("beta1", new Kind.Real(0, Math.nextDown(1f)), r -> true, "adam_beta1"),
    /** {@code beta2}: decay of Adam's second moment. */
    BETA2("beta2", new Kind.Real(0, Math.nextDown(1f)), r -> true, "adam_beta2"),
    /** {@code eps}: added to the root of Adam's second moment. */
    EPS("eps", new Kind.Real(0, 1), r -> true, "adam_eps", "adam_epsilon", "epsilon"),
    /** {@code lr_warm_up}: steps over which the learning rate rises linearly from 0. */
    LR_WARM_UP("lr_warm_up", share(0), r -> true, "lr_warm_up_steps", "lr_warmup_steps", "warmup_steps"),
    /** {@code lr_decay}: last steps, over which the learning rate falls linearly to 0. */
    LR_DECAY("lr_decay", share(0), r -> true, "lr_decay_steps", "decay_steps"),
    /** {@code clip}: largest joint norm of the gradients, or 0 for none. */
    CLIP("clip", new Kind.Real(0, Double.MAX_VALUE), r -> true, "clip_grad", "max_grad_norm", "grad_clip"),

    /** {@code l1}: coefficient of the penalty, in the reduction that the recipe states. */
    L1("l1", new Kind.Auto(new Kind.Real(0, Double.MAX_VALUE)), Recipe::hasPenalty, "l1_coefficient", "l1_coeff", "l1_penalty",
            "sparsity_penalty", "sparsity_coefficient", "l0_coefficient", "lambda"),
    /** {@code l1_warm_up}: steps over which the penalty rises linearly from 0. */
    L1_WARM_UP("l1_warm_up", share(0), Recipe::hasPenalty, "l1_warm_up_steps", "l1_warmup_steps",
            "sparsity_warmup_steps"),
    /**
     * {@code target_l0}: active features of a token, on average, that the penalty is adjusted to; 0 leaves its coefficient where it is. The
     * target falls from where L0 starts over the first {@code l1_warm_up} steps, and {@code l1} is where the coefficient starts. Set to
     * {@code auto}, it is 32 unless {@code l1} is given.
     */
    TARGET_L0("target_l0", new Kind.Auto(new Kind.Real(0, Double.MAX_VALUE)), Recipe::hasPenalty, "target_sparsity"),
    /** {@code k}: active features of a token (for batch-topk: on average). */
    K("k", new Kind.Whole(1, 1 << 24), Recipe::hasK, "topk", "top_k", "activation_fn_kwargs.k"),
    /** {@code threshold_decay}: decay of the running mean that becomes batch-topk's inference threshold. */
    THRESHOLD_DECAY("threshold_decay", new Kind.Real(0, Math.nextDown(1f)), Recipe::isBatchTopK, "threshold_beta"),
    /**
     * {@code matryoshka}: sizes of the nested prefixes of features whose errors are added, the last of them d_sae, such as
     * {@code 512,2048}; {@code auto} for 1/16, 1/8, 1/4, 1/2 and all of the features; 0 for none.
     */
    MATRYOSHKA("matryoshka", new Kind.Sizes(), Recipe::hasK, "matryoshka_widths", "prefixes"),
    /** {@code threshold_init}: where JumpReLU's thresholds start. */
    THRESHOLD_INIT("threshold_init", new Kind.Auto(new Kind.Real(1e-12, Double.MAX_VALUE)), Recipe::isJumpRelu, "jumprelu_init_threshold"),
    /** {@code bandwidth}: width of JumpReLU's straight-through kernel. */
    BANDWIDTH("bandwidth", new Kind.Auto(new Kind.Real(1e-12, Double.MAX_VALUE)), Recipe::isJumpRelu, "jumprelu_bandwidth"),

    /** {@code dead_after}: tokens without firing after which a feature counts as dead. */
    DEAD_AFTER("dead_after", share(0), r -> true, "dead_tokens_threshold", "dead_toks_threshold"),
    /** {@code k_aux}: dead features that reconstruct the error (Gao et al. 2024). */
    K_AUX("k_aux", new Kind.Whole(1, 1 << 24), r -> r.dead() == Recipe.DeadTreatment.AUX_K, "auxk", "top_k_aux", "aux_k"),
    /** {@code aux_coefficient}: factor of that reconstruction's loss. */
    AUX_COEFFICIENT("aux_coefficient", new Kind.Real(0, Double.MAX_VALUE), r -> r.dead() == Recipe.DeadTreatment.AUX_K, "auxk_coef",
            "auxk_alpha", "aux_penalty", "aux_loss_coefficient"),
    /** {@code resample_every}: steps between resamplings. */
    RESAMPLE_EVERY("resample_every", share(1), Recipe::resamples, "feature_sampling_window", "resample_steps"),
    /** {@code resample_until}: last step at which features are resampled. */
    RESAMPLE_UNTIL("resample_until", share(0), Recipe::resamples),
    /** {@code resample_below}: features that fire less often than this are re-initialised. */
    RESAMPLE_BELOW("resample_below", new Kind.Real(0, 1), r -> r.dead() == Recipe.DeadTreatment.REINITIALISE),
    /** {@code resample_batches}: last batches before a re-initialisation over which firing is counted. */
    RESAMPLE_BATCHES("resample_batches", new Kind.Auto(new Kind.Whole(1, 1 << 20)), r -> r.dead() == Recipe.DeadTreatment.REINITIALISE),
    /** {@code resample_inputs}: inputs among which a resampling chooses. */
    RESAMPLE_INPUTS("resample_inputs", new Kind.Whole(1, 1 << 30), r -> r.dead() == Recipe.DeadTreatment.RESAMPLE),

    /** {@code statistics_rows}: first rows of the source from which the mean norm and b_dec's start are computed. */
    STATISTICS_ROWS("statistics_rows", new Kind.Whole(1, 1 << 30), Recipe::needsStatistics);

    private final String key;
    private final Kind kind;
    private final Predicate<Recipe> used;
    private final List<String> aliases;

    Setting(String key, Kind kind, Predicate<Recipe> used, String... aliases) {
        this.key = key;
        this.kind = kind;
        this.used = used;
        this.aliases = List.of(aliases);
    }

    /** Steps or tokens as a number or a share of the run, or left to the recipe. */
    private static Kind share(long least) {
        return new Kind.Auto(new Kind.Part(new Kind.Whole(least, 1L << 40)));
    }

    /** {@return the canonical name} */
    public String key() {
        return key;
    }

    /** {@return other names that are accepted} */
    public List<String> aliases() {
        return aliases;
    }

    /** {@return which values are accepted, for messages and documentation} */
    public String accepted() {
        return kind.toString();
    }

    /**
     * Whether this setting has an effect in a recipe.
     *
     * @param recipe the recipe
     * @return whether it can be set
     */
    public boolean usedBy(Recipe recipe) {
        return used.test(recipe);
    }

    /**
     * The setting of a name.
     *
     * @param name a canonical key or an alias, in any case, with hyphens or underscores
     * @return the setting
     * @throws Sae4jException if there is none: the message lists the keys and suggests the nearest if one is near
     */
    public static Setting of(String name) {
        String wanted = name.strip().toLowerCase(Locale.ROOT).replace('-', '_');
        for (Setting setting : values()) {
            if (setting.key.equals(wanted) || setting.aliases.contains(wanted)) {
                return setting;
            }
        }
        List<String> names = Stream.of(values()).flatMap(s -> Stream.concat(Stream.of(s.key), s.aliases.stream())).toList();
        String keys = Stream.of(values()).map(Setting::key).collect(Collectors.joining(", "));
        throw new Sae4jException("no setting '" + name + "'", "the settings are " + keys,
                Nearest.of(name, names).map(nearest -> "did you mean '" + nearest + "'?").orElse("give one of them"));
    }

    /** Parses a value; a bad one is a {@link Sae4jException}. */
    Object parse(String text) {
        try {
            return Objects.requireNonNull(kind.parse(text.strip()));
        } catch (IllegalArgumentException e) {
            throw new Sae4jException("'" + text + "' is not a value of " + key, "setting " + key, "give " + kind, e);
        }
    }

    /** The forms of values. */
    private sealed interface Kind {
        /** Parses a value or throws an IllegalArgumentException. */
        Object parse(String text);

        record Real(double min, double max) implements Kind {
            @Override
            public Object parse(String text) {
                double value = Double.parseDouble(text);
                if (!(value >= min && value <= max)) {
                    throw new IllegalArgumentException("out of range");
                }
                return value;
            }

            @Override
            public String toString() {
                return max == Double.MAX_VALUE ? "a number of at least " + min : "a number from " + min + " to " + max;
            }
        }

        record Whole(long min, long max) implements Kind {
            @Override
            public Object parse(String text) {
                long value = parseExact(text);
                if (value < min || value > max) {
                    throw new IllegalArgumentException("out of range");
                }
                return value;
            }

            /** Reads 1000000 as well as 1e6. */
            private static long parseExact(String text) {
                try {
                    return new BigDecimal(text).longValueExact();
                } catch (ArithmeticException e) {
                    throw new IllegalArgumentException("not a whole number", e);
                }
            }

            @Override
            public String toString() {
                return min == Long.MIN_VALUE ? "a whole number" : "a whole number from " + min + " to " + max;
            }
        }

        /** What the recipe may also choose itself. */
        record Auto(Kind kind) implements Kind {
            @Override
            public Object parse(String text) {
                return text.equalsIgnoreCase("auto") ? Automatic.Auto.AUTO : kind.parse(text);
            }

            @Override
            public String toString() {
                return kind + ", or auto";
            }
        }

        /** A whole number, or a share of the run. */
        record Part(Whole number) implements Kind {
            @Override
            public Object parse(String text) {
                Automatic.Share share = Automatic.Share.parse(text);
                if (share == null) {
                    return number.parse(text);
                }
                if (!(share.of() >= 0 && share.of() <= 1)) {
                    throw new IllegalArgumentException("out of range");
                }
                return share;
            }

            @Override
            public String toString() {
                return number + ", or a share of the run such as 5%";
            }
        }

        record Flag() implements Kind {
            @Override
            public Object parse(String text) {
                return switch (text.toLowerCase(Locale.ROOT)) {
                    case "true" -> true;
                    case "false" -> false;
                    default -> throw new IllegalArgumentException("no truth value");
                };
            }

            @Override
            public String toString() {
                return "true or false";
            }
        }

        record Choice(Class<? extends Enum<?>> type) implements Kind {
            @Override
            public Object parse(String text) {
                String wanted = text.replace('-', '_');
                for (Enum<?> constant : type.getEnumConstants()) {
                    if (constant.name().equalsIgnoreCase(wanted)) {
                        return constant;
                    }
                }
                throw new IllegalArgumentException("unknown choice");
            }

            @Override
            public String toString() {
                return "one of " + Stream.of(type.getEnumConstants()).map(Recipe::lower).collect(Collectors.joining(", "));
            }
        }

        /** The name of an architecture and its settings, kept as text. */
        record Coder() implements Kind {
            @Override
            public Object parse(String text) {
                return ArchitectureText.parse(text).toString();
            }

            @Override
            public String toString() {
                return "the name of an architecture, with its settings in parentheses, such as topk(k=32)";
            }
        }

        /** Ascending sizes, kept as text; no sizes are written as 0. */
        record Sizes() implements Kind {
            @Override
            public Object parse(String text) {
                if (text.equals("0") || text.equals("auto")) {
                    return text;
                }
                List<Integer> sizes = Stream.of(text.split(",")).map(part -> Integer.valueOf(part.strip())).toList();
                for (int i = 0; i < sizes.size(); i++) {
                    if (sizes.get(i) < 1 || i > 0 && sizes.get(i) <= sizes.get(i - 1)) {
                        throw new IllegalArgumentException("not ascending");
                    }
                }
                return sizes.stream().map(String::valueOf).collect(Collectors.joining(","));
            }

            @Override
            public String toString() {
                return "ascending sizes separated by commas, auto, or 0 for none";
            }
        }
    }
}
