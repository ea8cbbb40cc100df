package org.sae4j.core.train;

import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.core.coder.CoderArchitectures;
import org.sae4j.core.internal.ArchitectureText;

/**
 * How a sparse autoencoder is trained: architecture, loss with its reductions, optimizer, initialisation, treatment of dead features.
 * Immutable. {@link Recipes} has the presets of the field; {@link #with} changes settings by name.
 *
 * <p>Notation: x in R^d, features f in R^n, decoder rows d_i, reconstruction x^, batches of B tokens; {@code <.>} is the batch's mean.
 */
public final class Recipe {
    /** How pre-activations become features. */
    public enum Activation {
        /** {@code max(0, p)}. */
        RELU,
        /** The k largest of a token, where positive. */
        TOPK,
        /** The k B largest of a batch, where positive (Bussmann et al. 2024); at inference a threshold. */
        BATCH_TOPK,
        /** Those above a trained threshold (Rajamanoharan et al. 2024). */
        JUMP_RELU,
        /** A gate and a magnitude with shared weights (Rajamanoharan et al. 2024). */
        GATED,
        /** As the architecture that {@link Setting#ARCHITECTURE} names, such as a plugin's. */
        ARCHITECTURE
    }

    /** How squared errors are reduced. */
    public enum ErrorReduction {
        /** {@code <sum_d (x^ - x)^2>}. */
        SUM,
        /** {@code <sum_d (x^ - x)^2> / n}, n the number of features. */
        SUM_OVER_FEATURES,
        /** Mean over batch and d. */
        MEAN,
        /** Mean over batch and d of {@code (x^ - x)^2 / |x|}. */
        MEAN_OVER_NORM,
        /** Mean squared error divided by that of predicting the batch's mean. */
        NORMALIZED
    }

    /** What is penalised, times {@code l1}. */
    public enum Penalty {
        /** Nothing. */
        NONE,
        /** The sum of f over batch and features: grows with the batch. */
        L1_SUM,
        /** {@code <sum_i f_i>}. */
        L1,
        /** {@code <sum_i f_i |d_i|>}. */
        L1_DECODER_NORM,
        /** {@code <number of active features>}, through JumpReLU's straight-through estimator. */
        L0
    }

    /** When decoder rows are set to unit norm. But for NONE, the rows' gradient first loses its component along the rows. */
    public enum UnitNorm {
        /** Never. */
        NONE,
        /** After the backward pass and before Adam's step: unit norm holds there only. */
        BEFORE_ADAM,
        /** Before the forward pass. */
        BEFORE_FORWARD,
        /** After Adam's step, so that the result has unit norm. */
        AFTER_ADAM
    }

    /** How encoder and decoder start; biases start at 0. */
    public enum Initialisation {
        /** W_enc U(+-sqrt(6/n)), W_dec U(+-sqrt(6/d)) set to unit rows: PyTorch's Kaiming uniform of [d, n] and [n, d]. */
        KAIMING,
        /** W_enc U(+-sqrt(6/d)), W_dec random unit rows: Kaiming uniform with the encoder's fan-in d. */
        KAIMING_FAN_IN,
        /** W_dec random unit rows, W_enc its transpose. */
        TIED,
        /** W_dec random rows of norm 0.1, W_enc its transpose. */
        TIED_SMALL
    }

    /** How b_dec starts. */
    public enum BiasInitialisation {
        /** At 0. */
        ZEROS,
        /** At the mean of the first inputs. */
        MEAN,
        /** At the geometric median of the first inputs (Weiszfeld's iteration). */
        GEOMETRIC_MEDIAN
    }

    /** What is done about dead features. */
    public enum DeadTreatment {
        /** Nothing. */
        NONE,
        /** Ghost gradients (Jermyn and Templeton 2024). */
        GHOST,
        /** The k_aux largest dead features reconstruct the error (Gao et al. 2024). */
        AUX_K,
        /** Rarely firing features get the values of a fresh initialisation; Adam's moments stay (Nanda 2023). */
        REINITIALISE,
        /** Dead features are pointed at badly reconstructed inputs (Bricken et al. 2023). */
        RESAMPLE
    }

    private final String name;
    private final String about;
    private final EnumMap<Setting, Object> values;
    /** What the preset's source states, for settings that are auto. */
    private final EnumMap<Setting, Object> published;
    /** The values with numbers for those that are auto or shares, so that asking for one allocates nothing. */
    private final EnumMap<Setting, Object> effective = new EnumMap<>(Setting.class);

    private Recipe(String name, String about, EnumMap<Setting, Object> values, EnumMap<Setting, Object> published) {
        this.name = name;
        this.about = about;
        this.values = values;
        this.published = published;
        EnumMap<Setting, Object> all = new EnumMap<>(values);
        all.replaceAll((setting, value) -> value(setting));
        effective.putAll(all);
    }

    /**
     * A preset: values in the text form of {@link #with}.
     *
     * @param name its name
     * @param about where it comes from
     * @param settings every setting that is used, by setting
     */
    static Recipe preset(String name, String about, Map<Setting, String> settings) {
        EnumMap<Setting, Object> published = new EnumMap<>(Setting.class);
        DEFAULTS.forEach((setting, text) -> published.put(setting, setting.parse(text)));
        settings.forEach((setting, text) -> published.put(setting, setting.parse(text)));
        EnumMap<Setting, Object> values = new EnumMap<>(published);
        AUTOMATIC.forEach(setting -> values.put(setting, Automatic.Auto.AUTO));
        return new Recipe(name, about, values, published);
    }

    /** Settings whose published values hold for the published run alone. */
    private static final Set<Setting> AUTOMATIC = EnumSet.of(Setting.UNIT_NORM, Setting.LR, Setting.LR_WARM_UP, Setting.LR_DECAY, Setting.L1,
            Setting.L1_WARM_UP, Setting.TARGET_L0, Setting.NORMALIZE, Setting.THRESHOLD_INIT, Setting.BANDWIDTH, Setting.DEAD_AFTER,
            Setting.RESAMPLE_EVERY, Setting.RESAMPLE_UNTIL, Setting.RESAMPLE_BATCHES);

    private static final Map<Setting, String> DEFAULTS = Map.ofEntries(
            Map.entry(Setting.ACTIVATION, "relu"), Map.entry(Setting.ARCHITECTURE, "none"), Map.entry(Setting.ERROR, "sum"), Map.entry(Setting.PENALTY, "none"),
            Map.entry(Setting.UNIT_NORM, "none"), Map.entry(Setting.INIT, "kaiming"), Map.entry(Setting.B_DEC_INIT, "zeros"),
            Map.entry(Setting.DEAD, "none"), Map.entry(Setting.APPLY_B_DEC, "true"), Map.entry(Setting.NORMALIZE, "false"),
            Map.entry(Setting.CENTRE, "false"),
            Map.entry(Setting.D_SAE, "16384"), Map.entry(Setting.BATCH, "4096"), Map.entry(Setting.STEPS, "30000"),
            Map.entry(Setting.SEED, "0"), Map.entry(Setting.LR, "1e-4"), Map.entry(Setting.BETA1, "0.9"),
            Map.entry(Setting.BETA2, "0.999"), Map.entry(Setting.EPS, "1e-8"), Map.entry(Setting.LR_WARM_UP, "0"),
            Map.entry(Setting.LR_DECAY, "0"), Map.entry(Setting.CLIP, "0"), Map.entry(Setting.L1, "1e-3"),
            Map.entry(Setting.L1_WARM_UP, "0"), Map.entry(Setting.TARGET_L0, "0"), Map.entry(Setting.K, "32"),
            Map.entry(Setting.THRESHOLD_DECAY, "0.99"),
            Map.entry(Setting.MATRYOSHKA, "0"), Map.entry(Setting.THRESHOLD_INIT, "1e-3"), Map.entry(Setting.BANDWIDTH, "1e-3"),
            Map.entry(Setting.DEAD_AFTER, "10000000"), Map.entry(Setting.K_AUX, "256"), Map.entry(Setting.AUX_COEFFICIENT, "0.03125"),
            Map.entry(Setting.RESAMPLE_EVERY, "25000"), Map.entry(Setting.RESAMPLE_UNTIL, "100000"),
            Map.entry(Setting.RESAMPLE_BELOW, "3.1622776601683795e-6"), Map.entry(Setting.RESAMPLE_BATCHES, "100"),
            Map.entry(Setting.RESAMPLE_INPUTS, "819200"), Map.entry(Setting.STATISTICS_ROWS, "4096"));

    /** {@return the name of the preset that this recipe began as} */
    public String name() {
        return name;
    }

    /**
     * The same recipe with one setting changed.
     *
     * @param key a canonical name or an alias, see {@link Setting}
     * @param value the value as text
     * @return the changed recipe
     * @throws Sae4jException if there is no such setting, the recipe makes no use of it, or the value is none of its values
     */
    public Recipe with(String key, String value) {
        return with(Map.of(key, value));
    }

    /**
     * The same recipe with some settings changed at once, whatever their order.
     *
     * @param settings values as text, by canonical name or alias
     * @return the changed recipe
     * @throws Sae4jException as {@link #with(String, String)}, or if two names mean the same setting
     */
    public Recipe with(Map<String, String> settings) {
        EnumMap<Setting, Object> changed = new EnumMap<>(values);
        EnumMap<Setting, String> named = new EnumMap<>(Setting.class);
        settings.forEach((key, text) -> {
            Setting setting = Setting.of(key);
            String other = named.putIfAbsent(setting, key);
            if (other != null) {
                throw new Sae4jException("'" + other + "' and '" + key + "' are the same setting", "recipe " + name, "give one of them");
            }
            changed.put(setting, setting.parse(text));
        });
        if (named.containsKey(Setting.ARCHITECTURE) && !named.containsKey(Setting.ACTIVATION)) {
            changed.put(Setting.ACTIVATION, Activation.ARCHITECTURE);
        }
        Recipe recipe = new Recipe(name, about, changed, published);
        named.keySet().forEach(setting -> {
            if (!setting.usedBy(recipe)) {
                throw new Sae4jException("the setting '" + setting.key() + "' has no effect", "recipe " + name + " with activation "
                        + lower(recipe.activation()) + ", penalty " + lower(recipe.penalty()) + ", dead " + lower(recipe.dead()),
                        "its settings are " + String.join(", ", recipe.settings().keySet()));
            }
        });
        return recipe;
    }

    /** {@return every setting that has an effect, as text by canonical name; {@link Recipes#get} and {@link #with(Map)} read it back} */
    public Map<String, String> settings() {
        Map<String, String> settings = new LinkedHashMap<>();
        values.forEach((setting, value) -> {
            if (setting.usedBy(this)) {
                settings.put(setting.key(), switch (value) {
                    case Enum<?> constant -> lower(constant);
                    default -> value.toString();
                });
            }
        });
        return Collections.unmodifiableMap(settings);
    }

    /**
     * The same recipe with the numbers that its source states, whatever the length of the run, where settings are {@code auto}. To change
     * the length, {@link #with} {@code steps} and {@code batch}; the learning rate, its schedule and the penalty stay as published.
     *
     * @return the recipe as published
     */
    public Recipe asPublished() {
        EnumMap<Setting, Object> changed = new EnumMap<>(values);
        changed.replaceAll((setting, value) -> value == Automatic.Auto.AUTO ? published(setting) : value);
        return new Recipe(name, about, changed, published);
    }

    /**
     * {@return the same recipe with a number wherever a setting is {@code auto} or a share of the run, but for {@code l1} with a
     * {@code target_l0}: where the coefficient starts depends on the inputs}
     */
    public Recipe resolved() {
        EnumMap<Setting, Object> changed = new EnumMap<>(values);
        changed.replaceAll((setting, value) -> setting == Setting.L1 && hasTarget() ? value : value(setting));
        return new Recipe(name, about, changed, published);
    }

    /**
     * Whether the recipe chooses the value of a setting.
     *
     * @param setting the setting
     * @return whether it is {@code auto}
     */
    public boolean isAutomatic(Setting setting) {
        return values.get(setting) == Automatic.Auto.AUTO;
    }

    /**
     * The coefficient of the sum of a token's activations (or, for the L0 penalty, of their number) when the token's error is written as
     * the sum over d of squared errors: what compares penalties between recipes. For {@link ErrorReduction#MEAN_OVER_NORM} it is
     * still to be multiplied by the norm of the token's input, for {@link ErrorReduction#NORMALIZED} by the batch's variance summed over d.
     * With {@link Setting#TARGET_L0} the coefficient changes as training goes, and this is that of {@code l1} as given or published.
     *
     * @param dIn width of the input, positive
     * @return the coefficient, 0 without penalty
     */
    public double effectiveLambda(int dIn) {
        if (!hasPenalty()) {
            return 0;
        }
        double lambda = number(Setting.L1) * (penalty() == Penalty.L1_SUM ? batch() : 1);
        return switch (error()) {
            case SUM, NORMALIZED -> lambda;
            case SUM_OVER_FEATURES -> lambda * dSae();
            case MEAN, MEAN_OVER_NORM -> lambda * dIn;
        };
    }

    /** {@return origin, loss with its reductions, order of a step, initialisation and optimizer, for people} */
    public String describe() {
        return RecipeText.describe(this, about);
    }

    /**
     * What is worth knowing before a run starts: settings that make it pointless, each with what to change, and passes over the data beyond
     * the first.
     *
     * @param dIn width of the inputs, positive
     * @param rows how many rows there are to train on; 0 if that is not known
     * @return sentences; empty if there is nothing to say
     */
    public List<String> remarks(int dIn, long rows) {
        return RecipeRemarks.of(this, dIn, rows);
    }

    /** {@return how pre-activations become features} */
    public Activation activation() {
        return (Activation) value(Setting.ACTIVATION);
    }

    /** {@return how squared errors are reduced} */
    public ErrorReduction error() {
        return (ErrorReduction) value(Setting.ERROR);
    }

    /** {@return what is penalised} */
    public Penalty penalty() {
        return (Penalty) value(Setting.PENALTY);
    }

    /** {@return when decoder rows are set to unit norm} */
    public UnitNorm unitNorm() {
        return (UnitNorm) value(Setting.UNIT_NORM);
    }

    /** {@return how encoder and decoder start} */
    public Initialisation initialisation() {
        return (Initialisation) value(Setting.INIT);
    }

    /** {@return how b_dec starts} */
    public BiasInitialisation biasInitialisation() {
        return (BiasInitialisation) value(Setting.B_DEC_INIT);
    }

    /** {@return what is done about dead features} */
    public DeadTreatment dead() {
        return (DeadTreatment) value(Setting.DEAD);
    }

    /** {@return whether b_dec is subtracted from the input} */
    public boolean applyBDec() {
        return (Boolean) value(Setting.APPLY_B_DEC);
    }

    /** {@return the number of features} */
    public int dSae() {
        return Math.toIntExact(whole(Setting.D_SAE));
    }

    /** {@return the tokens of a step} */
    public int batch() {
        return Math.toIntExact(whole(Setting.BATCH));
    }

    /** {@return the number of steps} */
    public long steps() {
        return whole(Setting.STEPS);
    }

    /** {@return the seed of initialisation and resampling} */
    public long seed() {
        return whole(Setting.SEED);
    }

    /**
     * A real setting.
     *
     * @param setting such as {@link Setting#LR}
     * @return its value
     * @throws IllegalArgumentException if the setting is no real number
     */
    public double number(Setting setting) {
        if (value(setting) instanceof Double number) {
            return number;
        }
        throw new IllegalArgumentException(setting.key() + " is " + setting.accepted());
    }

    /**
     * A whole setting.
     *
     * @param setting such as {@link Setting#K}
     * @return its value
     * @throws IllegalArgumentException if the setting is no whole number
     */
    public long whole(Setting setting) {
        if (value(setting) instanceof Long number) {
            return number;
        }
        throw new IllegalArgumentException(setting.key() + " is " + setting.accepted());
    }

    /** {@return the sizes of the nested prefixes, ascending; empty for none} */
    public List<Integer> matryoshka() {
        String sizes = (String) value(Setting.MATRYOSHKA);
        return switch (sizes) {
            case "0" -> List.of();
            case "auto" -> Stream.of(16, 8, 4, 2, 1).map(part -> dSae() / part).filter(size -> size > 0).distinct().toList();
            default -> Stream.of(sizes.split(",")).map(Integer::valueOf).toList();
        };
    }

    /**
     * The same recipe for as many features as given parameters have.
     *
     * @param parameters by SAELens name; {@code W_dec} [d_sae, d_in] or else {@code W_enc} [d_in, d_sae] decides
     * @return the recipe with their d_sae, or this one if neither is there
     */
    public Recipe sizedAs(Map<String, Tensor> parameters) {
        Tensor decoder = parameters.get("W_dec");
        Tensor encoder = parameters.get("W_enc");
        if (decoder == null && encoder == null) {
            return this;
        }
        return with(Setting.D_SAE.key(), Integer.toString(decoder != null ? decoder.dim(0) : Objects.requireNonNull(encoder).dim(-1)));
    }

    /** {@return the learning rate of a step from 1: lr, times min(1, step / lr_warm_up), times min(1, (steps - step + 1) / lr_decay)} */
    double learningRate(long step) {
        long warmUp = whole(Setting.LR_WARM_UP);
        long decay = whole(Setting.LR_DECAY);
        double rise = warmUp == 0 ? 1 : Math.min(1, (double) step / warmUp);
        double fall = decay == 0 ? 1 : Math.clamp((steps() - step + 1) / (double) decay, 0, 1);
        return number(Setting.LR) * rise * fall;
    }

    /** {@return what one activation of the batch costs, for a coefficient in the recipe's reduction} */
    double penaltyOfOne(double coefficient) {
        return coefficient / (penalty() == Penalty.L1_SUM ? 1 : batch());
    }

    /** {@return whether the penalty is adjusted to a number of active features} */
    boolean hasTarget() {
        return hasPenalty() && number(Setting.TARGET_L0) > 0;
    }

    /**
     * Checks that the settings fit each other and the width of the input.
     *
     * @throws Sae4jException if they do not
     */
    void check(int dIn) {
        long largest = Math.max(dSae(), Math.max(batch(), needsStatistics() ? whole(Setting.STATISTICS_ROWS) : 0)) * (long) dIn;
        if (largest > Integer.MAX_VALUE - 8) {
            throw contradiction("d_sae, batch or statistics_rows times d_in " + dIn + " is " + largest
                    + ", more than fits in one Java array of 2147483639", "lower them");
        }
        if (hasK() && whole(Setting.K) > dSae()) {
            throw contradiction("k is " + whole(Setting.K) + ", but there are only " + dSae() + " features", "lower k or raise d_sae");
        }
        if ((penalty() == Penalty.L0) != isJumpRelu()) {
            throw contradiction("penalty " + lower(penalty()) + " does not fit activation " + lower(activation()),
                    "penalty l0 needs jump_relu, and jump_relu needs penalty l0");
        }
        List<Integer> prefixes = matryoshka();
        if (hasK() && !prefixes.isEmpty() && prefixes.getLast() != dSae()) {
            throw contradiction("the last matryoshka prefix is " + prefixes.getLast() + ", expected d_sae " + dSae(),
                    "end the prefixes with d_sae");
        }
        if (activation() == Activation.ARCHITECTURE) {
            checkArchitecture(dIn);
        }
        if (dead() == DeadTreatment.GHOST && activation() != Activation.RELU) {
            throw contradiction("ghost gradients are defined for relu, found " + lower(activation()), "use dead aux_k or none");
        }
        if ((isJumpRelu() || activation() == Activation.GATED) && dead() != DeadTreatment.NONE && dead() != DeadTreatment.AUX_K) {
            throw contradiction("dead " + lower(dead()) + " is not defined for activation " + lower(activation()),
                    "use dead aux_k or none");
        }
    }

    private void checkArchitecture(int dIn) {
        try {
            SaeConfig config = TrainingStep.result(this, dIn).build();
            if (CoderArchitectures.of(config).saeLens(config).isEmpty()) {
                throw contradiction("the layout of SAELens, in which results are saved, has no " + config.architecture() + " autoencoders",
                        "choose another architecture");
            }
        } catch (IllegalArgumentException e) {
            throw contradiction("the architecture cannot be trained so: " + e.getMessage(), "set architecture to its name, and behind it its "
                    + "settings, such as topk(k=32)");
        }
        if (dead() != DeadTreatment.NONE) {
            throw contradiction("dead " + lower(dead()) + " is not defined for activation architecture", "use dead none");
        }
        if (centres() && !applyBDec()) {
            throw contradiction("inputs of an architecture cannot be centred without apply_b_dec", "set centre to false or apply_b_dec to true");
        }
    }

    /** {@return the name and the settings of the architecture that is named} */
    ArchitectureText architecture() {
        return ArchitectureText.parse((String) value(Setting.ARCHITECTURE));
    }

    private Sae4jException contradiction(String what, String remedy) {
        return new Sae4jException(what, "recipe " + name, remedy);
    }

    boolean hasPenalty() {
        return penalty() != Penalty.NONE;
    }

    boolean hasK() {
        return activation() == Activation.TOPK || isBatchTopK();
    }

    boolean isBatchTopK() {
        return activation() == Activation.BATCH_TOPK;
    }

    boolean isJumpRelu() {
        return activation() == Activation.JUMP_RELU;
    }

    boolean resamples() {
        return dead() == DeadTreatment.REINITIALISE || dead() == DeadTreatment.RESAMPLE;
    }

    boolean normalizes() {
        return (Boolean) value(Setting.NORMALIZE);
    }

    boolean centres() {
        return (Boolean) value(Setting.CENTRE);
    }

    boolean needsStatistics() {
        return normalizes() || centres() || biasInitialisation() != BiasInitialisation.ZEROS;
    }

    private Object value(Setting setting) {
        Object known = effective.get(setting);
        return known != null ? known : Automatic.resolve(this, setting, Objects.requireNonNull(values.get(setting)), published(setting));
    }

    private Object published(Setting setting) {
        return Objects.requireNonNull(published.get(setting));
    }

    static String lower(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    /** {@return name and settings, for messages} */
    @Override
    public String toString() {
        return name + settings();
    }
}
