package org.sae4j.core.internal.format;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import org.sae4j.api.Tensor;
import org.sae4j.api.sae.SaeConfig.Architecture;
import org.sae4j.api.sae.SaeConfig.Normalization;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.json.JsonNode;

/**
 * How SAELens scaled the activations of an autoencoder: at run time, by a factor or a whitening that its trainer keeps in files of their own
 * until the training ends, or by a factor that only its directory of releases knows.
 */
final class SaeLensScaling {
    private static final String NORMALIZE = "normalize_activations";
    private static final String AVERAGE = "expected_average_only_in";
    private static final String WHITENING = "covariance_whitening";
    private static final String SCALER = "activation_scaler.json";
    private static final String WHITENING_FILE = "activation_whitening.safetensors";

    private final SaeBuilder sae;
    private final SaeSource source;
    private final JsonFile cfg;
    private final boolean thresholdOfRescaled;
    private final Optional<KnownReleases.Added> release;
    private final Optional<JsonFile> scaler;
    private final String kind;

    /**
     * Looks at the config and the files beside the weights.
     *
     * @param thresholdOfRescaled whether the threshold compares activations times the decoder's norms
     */
    SaeLensScaling(SaeBuilder sae, JsonFile cfg, SaeSource source, boolean thresholdOfRescaled) {
        this.sae = sae;
        this.source = source;
        this.cfg = cfg;
        this.thresholdOfRescaled = thresholdOfRescaled;
        release = KnownReleases.find(cfg, source.parent(1), sae.dIn(), sae.dSae());
        scaler = source.json(SCALER);
        JsonNode value = cfg.get(NORMALIZE);
        String written = value == null ? "none" : value.isBoolean() ? value.booleanValue() ? AVERAGE : "none"
                : cfg.string(NORMALIZE).orElseThrow();
        kind = release.map(KnownReleases.Added::normalization).orElse(written);
    }

    Optional<KnownReleases.Added> release() {
        return release;
    }

    /** {@return what is done to every input at run time} */
    Normalization normalization() {
        return switch (kind) {
            case "none", AVERAGE, WHITENING -> Normalization.NONE;
            case "layer_norm" -> Normalization.LAYER_NORM;
            case "constant_norm_rescale" -> {
                release.map(KnownReleases.Added::normalization).ifPresent(added -> sae.note(NORMALIZE + " " + added
                        + ", which SAELens' directory adds to release " + release.get().name()));
                yield Normalization.CONSTANT_NORM_RESCALE;
            }
            default -> throw new FormatException(NORMALIZE + " \"" + kind + "\" is not supported (none, layer_norm, constant_norm_rescale, "
                    + AVERAGE + ", " + WHITENING + " are)", cfg.at(NORMALIZE), "use an autoencoder of one of these");
        };
    }

    /** Folds the factor of the activations into the weights, or says that it is not known. */
    void foldFactor() {
        OptionalDouble beside = scaler.map(file -> file.number("scaling_factor")).orElse(OptionalDouble.empty());
        OptionalDouble factor = beside.isPresent() || !kind.equals(AVERAGE) ? beside
                : release.map(KnownReleases.Added::factor).orElse(OptionalDouble.empty());
        if (factor.isEmpty()) {
            if (kind.equals(AVERAGE)) {
                sae.note("trained on inputs scaled to a mean norm of sqrt(d_in) (" + AVERAGE + "); like SAELens, nothing is scaled"
                        + " at run time: the inputs must be scaled already unless the scale was folded into these weights");
            }
            return;
        }
        double s = factor.getAsDouble();
        fold(s);
        sae.note("saved for activations times " + s + " (" + (beside.isPresent() ? SCALER : "SAELens' directory, release "
                + release.orElseThrow().name()) + "): the factor is folded into the weights");
    }

    private void fold(double s) {
        String where = source.weights().toString();
        SaeFolds folds = new SaeFolds(sae);
        if (!sae.architecture.equals(Architecture.MATCHING_PURSUIT)) {
            folds.inputScale(s, s, where);
            if (thresholdOfRescaled) {
                folds.scale("threshold", 1 / s);
            }
            return;
        }
        // Its encoder is the decoder, so W_enc s and W_dec / s leave it as it is.
        if (!(s > 0) || Double.isInfinite(s)) {
            throw new FormatException("the factor of the activations must be positive, found " + s, where, "use the final checkpoint");
        }
        folds.scale("b_dec", 1 / s);
        sae.settings.computeIfPresent("residual_threshold", (name, threshold) -> (Double) threshold / s);
    }

    /** Folds the whitening beside the weights into them. */
    void foldWhitening() {
        boolean whitened = kind.equals(WHITENING) || scaler.isPresent() && scaler.get().flag("has_whitening", false);
        if (!whitened) {
            return;
        }
        Path file = source.folder().resolve(WHITENING_FILE);
        if (!Files.isRegularFile(file)) {
            throw new FormatException(WHITENING + " needs " + WHITENING_FILE + ", which is not next to the weights",
                    source.weights().toString(), "copy it from the training's checkpoint, or use the final autoencoder");
        }
        if (!sae.parameters().containsKey("W_enc")) {
            throw new FormatException(WHITENING + " is not defined for this architecture", cfg.at(NORMALIZE), "correct the config");
        }
        TensorTable table = sae.open(file);
        int d = sae.dIn();
        new SaeFolds(sae).whitening(values(table, "mean", d), values(table, "matrix", d, d), values(table, "inverse_matrix", d, d));
        sae.note("saved for whitened activations (" + WHITENING_FILE + "): the whitening is folded into the weights");
    }

    private double[] values(TensorTable table, String name, int... shape) {
        StoredTensor stored = table.get(name).expect("[d_in" + (shape.length == 1 ? "]" : ", d_in]"), shape);
        Tensor tensor = Finite.check(stored.where(), sae.values(stored, shape.length == 1 ? new int[] {0} : new int[] {0, 1}));
        float[] values = tensor.toArray();
        double[] result = new double[values.length];
        Arrays.setAll(result, i -> values[i]);
        return result;
    }
}
