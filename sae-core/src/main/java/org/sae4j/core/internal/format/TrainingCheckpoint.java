package org.sae4j.core.internal.format;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.core.coder.CoderArchitectures;
import org.sae4j.core.coder.CoderForm;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.ArchitectureText;
import org.sae4j.core.internal.InputFold;
import org.sae4j.core.program.Parameter;

/**
 * What a checkpoint of a training says of the autoencoder that it holds, so that any checkpoint opens as one. Training writes the rest of
 * its state beside it; only a trainer reads that.
 */
public final class TrainingCheckpoint {
    /** The value of the metadata's {@code format}. */
    public static final String FORMAT = "sae4j-checkpoint-4";
    /** The mean that training subtracts from inputs, if it does. */
    public static final String INPUT_MEAN = "input.mean";
    /** The factor that training gives inputs, in the metadata. */
    public static final String SCALE = "scale";
    /** The logarithms of JumpReLU's thresholds. */
    public static final String LOG_THRESHOLD = "log_theta";
    private static final String FORMATS = "sae4j-checkpoint-";
    private static final String THRESHOLD = "autoencoder.threshold";

    private TrainingCheckpoint() {}

    /**
     * The metadata for a configuration.
     *
     * @param config of the autoencoder
     * @param threshold the threshold of all features where the file has no tensor for it; NaN otherwise
     * @return by name
     */
    public static Map<String, String> describe(SaeConfig config, float threshold) {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("autoencoder.architecture", config.architecture().name());
        metadata.put("autoencoder.settings", new ArchitectureText(config.architecture().name(), config.settings()).toString());
        metadata.put("autoencoder.apply_b_dec_to_input", Boolean.toString(config.applyBDecToInput()));
        config.hook().ifPresent(hook -> metadata.put("autoencoder.hook_name", hook.toString()));
        config.modelName().ifPresent(name -> metadata.put("autoencoder.model_name", name));
        if (!Float.isNaN(threshold)) {
            metadata.put(THRESHOLD, Float.toString(threshold));
        }
        return metadata;
    }

    /**
     * What a checkpoint is, in a sentence.
     *
     * @param extras the file's metadata
     * @return empty if it is none
     */
    public static Optional<String> summary(Map<String, ?> extras) {
        if (!FORMAT.equals(extras.get("format"))) {
            return Optional.empty();
        }
        StringBuilder summary = new StringBuilder("after step ").append(extras.get("steps")).append(" of ")
                .append(extras.get("setting.steps")).append(" of a training with recipe ").append(extras.get("recipe")).append(": a ")
                .append(extras.get("autoencoder.architecture")).append(" autoencoder");
        text(extras, "autoencoder.hook_name").ifPresent(hook -> summary.append(" at ").append(hook));
        text(extras, "autoencoder.model_name").ifPresent(name -> summary.append(" of ").append(name));
        return Optional.of(summary.append(", and what training needs to go on").toString());
    }

    static boolean matches(TensorTable table) {
        return table.extras().get("format") instanceof String format && format.startsWith(FORMATS);
    }

    /** The autoencoder as {@code Trainer.result()} would give it, to the bit. */
    static void read(SaeBuilder sae, SaeSource source) {
        String where = source.weights().toString();
        Map<String, Object> extras = sae.table().extras();
        if (!FORMAT.equals(extras.get("format"))) {
            throw new FormatException("the checkpoint has format " + extras.get("format") + ", written by another version of sae4j; expected "
                    + FORMAT, where, "open the training's final autoencoder, in the folder above");
        }
        try {
            sae.architecture = new Architecture(field(extras, "autoencoder.architecture", where));
            if (CoderArchitectures.find(sae.architecture.name()).isEmpty()) {
                throw new FormatException("the checkpoint is of the architecture " + sae.architecture + ", which is not there", where,
                        "put the jar of the plugin that brings it on the class path, or into the folder of --plugin-path");
            }
            sae.settings.putAll(ArchitectureText.parse(field(extras, "autoencoder.settings", where)).settings());
            double scale = Double.parseDouble(field(extras, SCALE, where));
            if (!(scale > 0) || Double.isInfinite(scale)) {
                throw new FormatException("the factor of the inputs must be positive, found " + scale, where, "use another checkpoint");
            }
            sae.applyBDecToInput = Boolean.parseBoolean(field(extras, "autoencoder.apply_b_dec_to_input", where));
            parameters(sae, extras, where);
            float[] mean = sae.has(INPUT_MEAN) ? Finite.check(where + ": " + INPUT_MEAN,
                    sae.values(sae.stored(INPUT_MEAN).expect("[d_in]", sae.dIn()), 0)).toArray() : new float[0];
            InputFold.fold(sae.parameters(), mean, scale, sae.architecture, sae.applyBDecToInput);
        } catch (NumberFormatException e) {
            throw new FormatException("the checkpoint's metadata is broken: " + e.getMessage(), where, "use another checkpoint", e);
        } catch (IllegalArgumentException e) {
            throw new FormatException("the checkpoint's architecture is " + extras.get("autoencoder.settings") + ": " + e.getMessage(),
                    where, "use another checkpoint", e);
        }
        sae.hook = text(extras, "autoencoder.hook_name").flatMap(HookPoint::parse);
        sae.modelName = text(extras, "autoencoder.model_name");
        sae.note("a checkpoint after step " + extras.get("steps") + " of " + extras.getOrDefault("setting.steps", "?")
                + " of a training with recipe " + extras.get("recipe"));
    }

    private static void parameters(SaeBuilder sae, Map<String, Object> extras, String where) {
        if (sae.has("W_enc")) {
            sae.matrices("W_enc", true, "W_dec", false);
        } else {
            sae.decoderAlone("W_dec");
        }
        putRow(sae, "b_dec", sae.dIn());
        switch (sae.architecture.name()) {
            case "gated" -> {
                putRow(sae, "b_gate", sae.dSae());
                putRow(sae, "r_mag", sae.dSae());
                putRow(sae, "b_mag", sae.dSae());
            }
            case "jump_relu" -> {
                putRow(sae, "b_enc", sae.dSae());
                if (extras.containsKey(THRESHOLD)) {
                    float[] same = new float[sae.dSae()];
                    Arrays.fill(same, Float.parseFloat(field(extras, THRESHOLD, where)));
                    sae.put("threshold", where, Tensor.of(same, sae.dSae()));
                } else {
                    sae.putExponential("threshold", LOG_THRESHOLD, row(sae, LOG_THRESHOLD, sae.dSae()));
                }
            }
            case "relu", "topk" -> putRow(sae, "b_enc", sae.dSae());
            default -> others(sae);
        }
    }

    /** What another architecture has besides encoder, decoder and its bias. */
    private static void others(SaeBuilder sae) {
        for (Parameter parameter : CoderForm.of(sae.config()).parameters().values()) {
            String name = parameter.name();
            if (sae.parameters().containsKey(name)) {
                continue;
            }
            if (parameter.layout() == Parameter.Layout.MATRIX) {
                sae.put(name, parameter.shape());
            } else {
                putRow(sae, name, parameter.cols());
            }
        }
    }

    /** A vector that the step's program holds as a matrix of one row. */
    private static void putRow(SaeBuilder sae, String name, int size) {
        StoredTensor stored = row(sae, name, size);
        sae.put(name, stored.where(), Tensor.of(sae.values(stored, 0, 1).toArray(), size));
    }

    private static StoredTensor row(SaeBuilder sae, String name, int size) {
        return sae.stored(name).expect("[1, " + size + "]", 1, size);
    }

    private static String field(Map<String, ?> extras, String key, String where) {
        return text(extras, key).orElseThrow(() -> new FormatException("the checkpoint's metadata lacks " + key, where,
                "use another checkpoint"));
    }

    private static Optional<String> text(Map<String, ?> extras, String key) {
        return extras.get(key) instanceof String value ? Optional.of(value) : Optional.empty();
    }
}
