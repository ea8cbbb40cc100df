package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Predicate;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.sae.SaeConfig;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SaeConfig.Normalization;
import org.sae4j.core.format.FormatException;

/** Collects the tensors of one autoencoder in SAELens names and layouts, and folds into them what a config cannot express. */
final class SaeBuilder {
    private final TensorTable table;
    private final Arena arena;
    private final List<String> notes;
    private final Map<String, Tensor> parameters = new LinkedHashMap<>();
    private final Set<String> used = new HashSet<>();
    private int dIn;
    private int dSae;

    Architecture architecture = Architecture.RELU;
    int k;
    boolean applyBDecToInput = true;
    boolean skip;
    Normalization normalization = Normalization.NONE;
    Optional<HookPoint> hook = Optional.empty();
    Optional<String> modelName = Optional.empty();

    SaeBuilder(TensorTable table, Arena arena, List<String> notes) {
        this.table = table;
        this.arena = arena;
        this.notes = notes;
    }

    int dIn() {
        return dIn;
    }

    int dSae() {
        return dSae;
    }

    TensorTable table() {
        return table;
    }

    boolean has(String name) {
        return table.find(name) != null;
    }

    void note(String note) {
        notes.add(note);
    }

    /** {@return a tensor of the file; it counts as understood} */
    StoredTensor stored(String name) {
        used.add(name);
        return table.get(name);
    }

    /** Reads the encoder, which decides the sizes, and the decoder; {@code transposed} ones are [out, in] as torch's Linear has them. */
    void matrices(String encoder, boolean encoderTransposed, String decoder, boolean decoderTransposed) {
        StoredTensor enc = stored(encoder).expect(encoderTransposed ? "[d_sae, d_in]" : "[d_in, d_sae]", -1, -1);
        enc = encoderTransposed ? enc.permuted(1, 0) : enc;
        dIn = enc.dim(0);
        dSae = enc.dim(1);
        put("W_enc", enc);
        StoredTensor dec = stored(decoder);
        if (decoderTransposed) {
            put("W_dec", dec.expect("[d_in, d_sae]", dIn, dSae).permuted(1, 0));
        } else {
            put("W_dec", dec.expect("[d_sae, d_in]", dSae, dIn));
        }
    }

    void putFeatures(String name, String from) {
        put(name, stored(from).expect("[d_sae]", dSae));
    }

    void putInput(String name, String from) {
        put(name, stored(from).expect("[d_in]", dIn));
    }

    /** A transcoder's linear path past the features. */
    void putSkip() {
        put("W_skip", stored("W_skip").expect("[d_out, d_in]", dIn, dIn));
        skip = true;
    }

    /** Demands that the output is as wide as the input, which autoencoders are and transcoders need not be. */
    void requireSameWidths(String encoder, int inputAxis, String decoder) {
        StoredTensor enc = table.get(encoder);
        StoredTensor dec = table.get(decoder);
        if (enc.rank() == 2 && dec.rank() == 2 && enc.dim(inputAxis) != dec.dim(1)) {
            throw new FormatException("a transcoder whose output has another width than its input is not supported: d_in "
                    + enc.dim(inputAxis) + ", d_out " + dec.dim(1), dec.where(), "use a transcoder with d_out = d_in");
        }
    }

    private void put(String name, StoredTensor stored) {
        put(name, stored.where(), stored.read(arena));
    }

    /** Adds a parameter, refusing values that are not finite. */
    void put(String name, String where, Tensor tensor) {
        parameters.put(name, Finite.check(where, tensor));
    }

    Tensor parameter(String name) {
        return Objects.requireNonNull(parameters.get(name));
    }

    /** Adds a threshold of each feature from a tensor [d_sae] or a single number. */
    void putThreshold(String from) {
        StoredTensor stored = stored(from);
        if (stored.size() == 1 && dSae != 1) {
            float[] same = new float[dSae];
            Arrays.fill(same, (float) stored.scalar());
            put("threshold", stored.where(), Tensor.of(same, dSae));
        } else {
            putFeatures("threshold", from);
        }
    }

    /** Multiplies each feature's column of the encoder and its bias. */
    void scaleFeatures(double[] factors) {
        float[] encoder = parameter("W_enc").toArray();
        for (int i = 0; i < encoder.length; i++) {
            encoder[i] = (float) (encoder[i] * factors[i % dSae]);
        }
        put("W_enc", table.path() + ": W_enc, rescaled", Tensor.of(encoder, dIn, dSae));
        scaleVector("b_enc", factors);
    }

    private void scaleVector(String name, double[] factors) {
        float[] values = parameter(name).toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (values[i] * factors[i]);
        }
        put(name, table.path() + ": " + name + ", rescaled", Tensor.of(values, values.length));
    }

    /**
     * From an autoencoder of x / factor to one of x: with biases and thresholds times the factor, features and reconstruction are that much
     * larger. It is what dictionary_learning does to its final file.
     */
    void scaleInput(double factor) {
        if (!(factor > 0) || Double.isInfinite(factor)) {
            throw new FormatException("norm_factor must be positive, found " + factor, table.path().toString(), "use the final ae.pt");
        }
        for (String name : List.of("b_enc", "b_dec", "b_gate", "b_mag", "threshold")) {
            if (parameters.containsKey(name)) {
                double[] factors = new double[Math.toIntExact(parameter(name).size())];
                Arrays.fill(factors, factor);
                scaleVector(name, factors);
            }
        }
        note("the weights are for activations divided by norm_factor " + factor + ": it is folded into the biases");
    }

    /**
     * Makes the encoder subtract the mean of each input over d_in: with the mean of each feature's column taken out of {@code W_enc} the
     * encoder is blind to it, and {@code (x - mean - b_dec) W_enc} differs from what it computes then by the sum of {@code b_dec} times the
     * columns' means.
     */
    void centerInput() {
        float[] encoder = parameter("W_enc").toArray();
        double[] means = new double[dSae];
        for (int i = 0; i < encoder.length; i++) {
            means[i % dSae] += encoder[i] / (double) dIn;
        }
        for (int i = 0; i < encoder.length; i++) {
            encoder[i] = (float) (encoder[i] - means[i % dSae]);
        }
        put("W_enc", table.path() + ": W_enc, centred", Tensor.of(encoder, dIn, dSae));
        if (!applyBDecToInput) {
            return;
        }
        double sum = 0;
        for (float value : parameter("b_dec").toArray()) {
            sum += value;
        }
        for (String bias : architecture == Architecture.GATED ? List.of("b_gate", "b_mag") : List.of("b_enc")) {
            float[] values = parameter(bias).toArray();
            for (int i = 0; i < values.length; i++) {
                double factor = bias.equals("b_mag") ? Math.exp(parameter("r_mag").get(i)) : 1;
                values[i] = (float) (values[i] - factor * sum * means[i]);
            }
            put(bias, table.path() + ": " + bias + ", centred", Tensor.of(values, values.length));
        }
    }

    /** Multiplies each feature's row of the decoder. */
    void scaleDecoder(double[] factors) {
        float[] decoder = parameter("W_dec").toArray();
        for (int i = 0; i < decoder.length; i++) {
            decoder[i] = (float) (decoder[i] * factors[i / dIn]);
        }
        put("W_dec", table.path() + ": W_dec, rescaled", Tensor.of(decoder, dSae, dIn));
    }

    /** {@return the Euclidean norms of the decoder's rows} */
    double[] decoderNorms() {
        double[] norms = new double[dSae];
        for (int i = 0; i < dSae; i++) {
            double sum = 0;
            for (float value : parameter("W_dec").row(i)) {
                sum += (double) value * value;
            }
            norms[i] = Math.sqrt(sum);
        }
        return norms;
    }

    /** {@return an integer that a file holds as a number or as a tensor of one element} */
    static int integer(TensorTable table, String name) {
        StoredTensor stored = table.find(name);
        double value = stored != null ? stored.scalar() : table.extras().get(name) instanceof Number number ? number.doubleValue()
                : Double.NaN;
        if (value != Math.rint(value) || Math.abs(value) > Integer.MAX_VALUE) {
            throw new FormatException("an integer is missing", table.path() + ": " + name, "check that the file is complete");
        }
        return (int) value;
    }

    /** Notes a size of the config that the tensors contradict; the tensors' size is used. */
    void compare(JsonFile config, String key, int actual) {
        OptionalInt declared = config.integer(key);
        if (declared.isPresent() && declared.getAsInt() != actual) {
            note(config.at(key) + " says " + declared.getAsInt() + ", but the tensors have " + actual + ": their size is used");
        }
    }

    void hook(Optional<String> name) {
        if (name.isPresent()) {
            hook = HookPoint.parse(name.get());
            if (hook.isEmpty()) {
                note("hook point \"" + name.get() + "\" is not one of a GPT-2-style transformer: give the hook point yourself");
            }
        }
    }

    void refuseUnknown(Predicate<String> ignorable) {
        table.refuseUnknown(used, ignorable);
    }

    SaeConfig config() {
        try {
            return new SaeConfig(architecture, dIn, dSae, k, applyBDecToInput, normalization, hook, modelName, skip);
        } catch (IllegalArgumentException e) {
            throw new FormatException(String.valueOf(e.getMessage()), table.path().toString(), "check that the config belongs to these weights", e);
        }
    }

    Map<String, Tensor> parameters() {
        return parameters;
    }
}
