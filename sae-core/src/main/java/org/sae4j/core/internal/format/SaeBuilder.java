package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.nio.file.Path;
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
import org.sae4j.core.coder.CoderArchitectures;
import org.sae4j.core.format.FormatException;

/** Collects the tensors of one autoencoder in SAELens names and layouts. */
final class SaeBuilder {
    private final TensorTable table;
    private final Arena arena;
    private final List<String> notes;
    private final Map<String, Tensor> parameters = new LinkedHashMap<>();
    private final Set<String> used = new HashSet<>();
    private int dIn;
    private int dOut;
    private int dSae;

    Architecture architecture = Architecture.RELU;
    int k;
    /** Settings of the architecture besides k. */
    final Map<String, Object> settings = new LinkedHashMap<>();
    boolean applyBDecToInput = true;
    boolean skip;
    Normalization normalization = Normalization.NONE;
    Optional<HookPoint> hook = Optional.empty();
    boolean transcoder;
    Optional<HookPoint> hookOut = Optional.empty();
    Optional<String> modelName = Optional.empty();

    SaeBuilder(TensorTable table, Arena arena, List<String> notes) {
        this.table = table;
        this.arena = arena;
        this.notes = notes;
    }

    int dIn() {
        return dIn;
    }

    int dOut() {
        return dOut;
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

    /** Reads the encoder and the decoder, which decide the sizes; {@code transposed} ones are [out, in] as torch's Linear has them. */
    void matrices(String encoder, boolean encoderTransposed, String decoder, boolean decoderTransposed) {
        StoredTensor enc = stored(encoder).expect(encoderTransposed ? "[d_sae, d_in]" : "[d_in, d_sae]", -1, -1);
        enc = encoderTransposed ? enc.permuted(1, 0) : enc;
        dIn = enc.dim(0);
        dSae = enc.dim(1);
        put("W_enc", enc);
        // A transcoder's output may have another width.
        int width = transcoder ? -1 : dIn;
        StoredTensor dec = stored(decoder);
        dec = decoderTransposed ? dec.expect(transcoder ? "[d_out, d_sae]" : "[d_in, d_sae]", width, dSae).permuted(1, 0)
                : dec.expect(transcoder ? "[d_sae, d_out]" : "[d_sae, d_in]", dSae, width);
        dOut = dec.dim(1);
        put("W_dec", dec);
    }

    /** Reads the decoder of an architecture that has no encoder. */
    void decoderAlone(String decoder) {
        StoredTensor dec = stored(decoder).expect("[d_sae, d_in]", -1, -1);
        dSae = dec.dim(0);
        dIn = dec.dim(1);
        dOut = dIn;
        put("W_dec", dec);
    }

    /** Sets matrices that were put together from others. */
    void matrices(String where, Tensor encoder, Tensor decoder) {
        dIn = encoder.dim(0);
        dSae = encoder.dim(1);
        dOut = decoder.dim(1);
        put("W_enc", where, encoder);
        put("W_dec", where, decoder);
    }

    /** {@return the values of a tensor, with its axes in another order, converted to float32} */
    Tensor values(StoredTensor stored, int... axes) {
        return stored.permuted(axes).read(arena);
    }

    void putFeatures(String name, String from) {
        put(name, stored(from).expect("[d_sae]", dSae));
    }

    /** The bias of the decoder. */
    void putDecoderBias(String from) {
        put("b_dec", stored(from).expect(dOut == dIn ? "[d_in]" : "[d_out]", dOut));
    }

    /** A transcoder's linear path past the features, [d_out, d_in]. */
    void putSkip(String from, boolean transposed) {
        StoredTensor stored = stored(from);
        put("W_skip", transposed ? stored.expect("[d_in, d_out]", dIn, dOut).permuted(1, 0) : stored.expect("[d_out, d_in]", dOut, dIn));
        skip = true;
    }

    /** Reads a parameter of a known shape under its own name. */
    void put(String name, int[] shape) {
        put(name, stored(name).expect(Arrays.toString(shape), shape));
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

    /** Adds the exponentials of a tensor [d_sae]. */
    void putExponential(String name, String from) {
        putExponential(name, from, stored(from).expect("[d_sae]", dSae));
    }

    /** Adds the exponentials of a tensor of d_sae elements, which has been checked. */
    void putExponential(String name, String from, StoredTensor stored) {
        float[] values = stored.read(arena).toArray();
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.exp(values[i]);
        }
        put(name, table.path() + ": exp(" + from + ")", Tensor.of(values, values.length));
    }

    /** {@return the tensors of another file, which lives as long as this} */
    TensorTable open(Path file) {
        return WeightFiles.open(file, arena);
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

    /** Sets where the input comes from; a name that is no hook point is noted. */
    void hook(Optional<String> name) {
        hook = known(name, "hook point");
    }

    /** Makes it a transcoder and sets where its output belongs. */
    void transcoder(Optional<String> out) {
        transcoder = true;
        applyBDecToInput = false;
        hookOut = known(out, "the output's hook point");
    }

    private Optional<HookPoint> known(Optional<String> name, String what) {
        Optional<HookPoint> point = name.flatMap(HookPoint::parse);
        if (name.isPresent() && point.isEmpty()) {
            note(what + " \"" + name.get() + "\" is not one that is known here: give the hook point yourself");
        }
        return point;
    }

    void refuseUnknown(Predicate<String> ignorable) {
        table.refuseUnknown(used, ignorable);
    }

    SaeConfig config() {
        try {
            SaeConfig.Builder config = SaeConfig.builder(architecture, dIn, dSae).k(k).applyBDecToInput(applyBDecToInput)
                    .normalization(normalization).hook(hook).modelName(modelName).skip(skip);
            settings.forEach(config::setting);
            SaeConfig built = (transcoder ? config.transcoder(dOut, hookOut) : config).build();
            CoderArchitectures.of(built);
            return built;
        } catch (IllegalArgumentException e) {
            throw new FormatException(String.valueOf(e.getMessage()), table.path().toString(),
                    "check that the config belongs to these weights", e);
        }
    }

    Map<String, Tensor> parameters() {
        return parameters;
    }
}
