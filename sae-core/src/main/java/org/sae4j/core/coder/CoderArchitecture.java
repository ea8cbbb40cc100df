package org.sae4j.core.coder;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.program.FormBuilder;
import org.sae4j.core.program.Value;

/**
 * An architecture: how an input becomes feature activations, and what else depends on it. The rest of an autoencoder or transcoder
 * (normalization, {@code b_dec}, decoder, skip connection) is the same for all. Parameters, with their names and shapes, are those that
 * {@link #encode} asks its builder for.
 *
 * <p>A plugin's architecture is a public class with a public constructor without arguments, provided as a service of this type. It is found
 * by its name in configurations and files. Instances have no state and are safe for use by several threads.
 *
 * {@snippet :
 * public final class ShiftedRelu extends CoderArchitecture {
 *     public ShiftedRelu() {
 *         super("shifted_relu");
 *     }
 *
 *     public Value encode(FormBuilder b, SaeConfig config, Value x) {
 *         return b.select(Op.Rule.RELU, 0, preActivations(b, config, x, "b_enc"));
 *     }
 * }
 * }
 */
public abstract class CoderArchitecture {
    private final Architecture architecture;

    /**
     * Names the architecture.
     *
     * @param name see {@link Architecture}
     * @throws IllegalArgumentException if the name has other characters than names have
     */
    protected CoderArchitecture(String name) {
        architecture = new Architecture(name);
    }

    /** {@return the name in configurations} */
    public final Architecture architecture() {
        return architecture;
    }

    /** {@return the names of the settings that configurations of this architecture may have; none unless overridden} */
    public Set<String> settings() {
        return Set.of();
    }

    /**
     * Refuses configurations that this architecture cannot compute, when an autoencoder is opened or written. Unknown settings are refused
     * before. This one takes all.
     *
     * @param config of this architecture
     * @throws IllegalArgumentException with a message that says what was expected and found
     */
    protected void checkSettings(SaeConfig config) {
    }

    /**
     * Checks a configuration of this architecture.
     *
     * @param config what is to be computed
     * @throws IllegalArgumentException if it has settings that this architecture does not know, or that do not fit
     */
    public final void check(SaeConfig config) {
        for (String name : config.settings().keySet()) {
            if (!settings().contains(name)) {
                throw new IllegalArgumentException("architecture " + architecture + " has " + (settings().isEmpty() ? "no settings"
                        : "the settings " + settings().stream().sorted().toList()) + ", found " + name);
            }
        }
        checkSettings(config);
    }

    /**
     * Writes the operations from inputs to feature activations. Parameters have the names that files have, such as {@code W_enc}
     * [d_in, d_sae] and {@code b_enc} [d_sae]. The decoder is {@code W_dec} [d_sae, d_out]; its bias {@code b_dec} is not to be used.
     *
     * @param b writes the form
     * @param config what is computed
     * @param x normalized inputs [rows, d_in], from which {@code b_dec} is subtracted where the configuration says so
     * @return feature activations, a sparse value [rows, d_sae]
     */
    public abstract Value encode(FormBuilder b, SaeConfig config, Value x);

    /** {@return the biases that the encoder's product {@code x W_enc} meets, for readers that move an offset of the input into them} */
    public List<String> encoderBiases() {
        return List.of("b_enc");
    }

    /**
     * What {@code cfg.json} of SAELens' layout says of an autoencoder: {@code architecture}, and the settings. Unless overridden these are
     * the architecture's name and the settings as they are.
     *
     * @param config of this architecture, no transcoder
     * @return the entries, in their order; empty if the layout has none for it
     */
    public Optional<Map<String, Object>> saeLens(SaeConfig config) {
        return Optional.of(named(architecture.name(), config.settings()));
    }

    /**
     * What {@code cfg.json} of EleutherAI's sparsify says.
     *
     * @param config of this architecture
     * @return {@code activation} and further entries, in their order; empty, unless overridden, if the layout has none for it
     */
    public Optional<Map<String, Object>> sparsify(SaeConfig config) {
        return Optional.empty();
    }

    /** Entries that begin with the architecture's name in a layout. */
    static Map<String, Object> named(String name, Map<String, Object> settings) {
        Map<String, Object> entries = new LinkedHashMap<>();
        entries.put("architecture", name);
        entries.putAll(settings);
        return entries;
    }

    /**
     * The product of the encoder, {@code x W_enc + bias}, named {@code pre}.
     *
     * @param b writes the form
     * @param config what is computed
     * @param x as {@link #encode} gets it
     * @param bias name of the parameter [d_sae]
     * @return pre-activations [rows, d_sae]
     */
    protected static Value preActivations(FormBuilder b, SaeConfig config, Value x, String bias) {
        return b.inner("pre", b.product(x, b.matrix("W_enc", config.dIn(), config.dSae()), b.row(bias, config.dSae())));
    }

    /**
     * A setting that is a whole number.
     *
     * @param config the configuration
     * @param name the setting
     * @param otherwise its value if it is not set
     * @return the number
     * @throws IllegalArgumentException if it is set to something else
     */
    protected static long whole(SaeConfig config, String name, long otherwise) {
        Object value = config.settings().getOrDefault(name, otherwise);
        if (value instanceof Long number) {
            return number;
        }
        throw new IllegalArgumentException("setting " + name + " must be a whole number, found " + value);
    }

    /**
     * A setting that is a number.
     *
     * @param config the configuration
     * @param name the setting
     * @param otherwise its value if it is not set
     * @return the number
     * @throws IllegalArgumentException if it is set to something else
     */
    protected static double number(SaeConfig config, String name, double otherwise) {
        Object value = config.settings().getOrDefault(name, otherwise);
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw new IllegalArgumentException("setting " + name + " must be a number, found " + value);
    }

    /**
     * A setting that is a truth value.
     *
     * @param config the configuration
     * @param name the setting
     * @param otherwise its value if it is not set
     * @return the value
     * @throws IllegalArgumentException if it is set to something else
     */
    protected static boolean flag(SaeConfig config, String name, boolean otherwise) {
        Object value = config.settings().getOrDefault(name, otherwise);
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw new IllegalArgumentException("setting " + name + " must be true or false, found " + value);
    }

    /**
     * Demands the setting {@code k}.
     *
     * @param config the configuration
     * @throws IllegalArgumentException if it is not set
     */
    protected static void requireK(SaeConfig config) {
        if (config.k() == 0) {
            throw new IllegalArgumentException("architecture " + config.architecture() + " needs k from 1 to d_sae " + config.dSae());
        }
    }

    /** {@return the name, for messages} */
    @Override
    public String toString() {
        return architecture.name();
    }
}
