package org.sae4j.core.internal.model;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonNode;

/** Reads how a configuration turns queries and keys: its base, the share of a head that turns, and the scaling of frequencies. */
final class Rope {
    private static final Set<String> READ = Set.of("type", "rope_type", "rope_theta", "partial_rotary_factor", "factor",
            "original_max_position_embeddings", "low_freq_factor", "high_freq_factor", "beta_fast", "beta_slow", "attention_factor",
            "mscale", "mscale_all_dim", "truncate", "divisors", "finetuned");

    private final HubConfig config;
    private final int dHead;
    private final int context;

    Rope(HubConfig config, int dHead, int context) {
        this.config = config;
        this.dHead = dHead;
        this.context = context;
    }

    /**
     * The angles of a model whose layers all turn alike.
     *
     * @param share part of a head that turns where the configuration is silent
     * @param shareKeys keys of that part
     * @return the angles
     */
    Angles angles(double share, String... shareKeys) {
        Optional<JsonFile> parameters = scaling();
        double theta = config.number(parameters.map(p -> p.number("rope_theta").orElse(10000)).orElse(10000.0), "rope_theta",
                "rotary_emb_base");
        double part = config.number(parameters.map(p -> p.number("partial_rotary_factor").orElse(share)).orElse(share), shareKeys);
        return angles("rotary", theta, part, parameters.orElse(null));
    }

    /** The newer {@code rope_parameters}, unless {@code rope_scaling} is there, which wins. */
    Optional<JsonFile> scaling() {
        Optional<JsonFile> older = config.value("rope_scaling") == null ? Optional.empty() : config.object("rope_scaling");
        Optional<JsonFile> newer = config.value("rope_parameters") == null ? Optional.empty() : config.object("rope_parameters");
        return older.isPresent() ? older : newer;
    }

    /**
     * Angles of one kind of layer.
     *
     * @param name unique in the model
     * @param theta the base
     * @param part the share of a head that turns
     * @param scaling how frequencies are scaled, or null for not at all
     * @return the angles
     */
    Angles angles(String name, double theta, double part, @Nullable JsonFile scaling) {
        int turning = part == 1 ? dHead : (int) (dHead * part);
        if (!(theta > 0) || Double.isInfinite(theta) || turning < 1 || turning > dHead) {
            throw new FormatException("rotary positions need a positive base and a share from 0 to 1 of heads of " + dHead
                    + ", found base " + theta + " and share " + part, config.json().where(), "correct the config");
        }
        if (turning == dHead && dHead % 2 == 1) {
            throw new FormatException("heads of odd width " + dHead + " cannot turn whole", config.json().where(), "use another model");
        }
        double[] frequencies = new double[(turning + 1) / 2];
        Arrays.setAll(frequencies, k -> Math.pow(theta, -2.0 * k / turning));
        if (scaling == null) {
            return new Angles(name, frequencies, 1);
        }
        for (String key : scaling.node().propertyNames()) {
            if (!READ.contains(key) && !scaling.node().path(key).isNull()) {
                throw new FormatException("the key is not known and may change the rotary positions", scaling.at(key), "use another model");
            }
        }
        String type = scaling.string("rope_type").or(() -> scaling.string("type")).orElse("default").toLowerCase(Locale.ROOT);
        return switch (type) {
            // Within the context, which passes do not exceed, dynamic scaling leaves the base as it is.
            case "default", "dynamic" -> new Angles(name, frequencies, 1);
            case "linear" -> {
                double factor = positive(scaling, "factor", 1);
                yield new Angles(name, Arrays.stream(frequencies).map(f -> f / factor).toArray(), 1);
            }
            case "divisors" -> divided(name, frequencies, scaling);
            case "llama3" -> llama3(name, frequencies, scaling);
            case "yarn" -> yarn(name, frequencies, theta, turning, scaling);
            default -> throw new FormatException("rotary scaling of type \"" + type + "\" is not supported (default, linear, dynamic, llama3"
                    + " and yarn are)", scaling.where(), "use another model");
        };
    }

    private double positive(JsonFile scaling, String key, double otherwise) {
        double value = scaling.number(key).orElse(otherwise);
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new FormatException("expected a positive number, found " + value, scaling.at(key), "correct the config");
        }
        return value;
    }

    private double original(JsonFile scaling) {
        double inside = scaling.number("original_max_position_embeddings").orElse(0);
        return inside > 0 ? inside : config.number(context, "original_max_position_embeddings");
    }

    private static Angles divided(String name, double[] frequencies, JsonFile scaling) {
        JsonNode divisors = scaling.get("divisors");
        if (divisors == null || !divisors.isArray() || divisors.size() != frequencies.length) {
            throw new FormatException("expected " + frequencies.length + " divisors", scaling.at("divisors"), "use a sound file");
        }
        double[] divided = new double[frequencies.length];
        Arrays.setAll(divided, k -> frequencies[k] / divisors.get(k).doubleValue());
        return new Angles(name, divided, 1);
    }

    private Angles llama3(String name, double[] frequencies, JsonFile scaling) {
        double factor = positive(scaling, "factor", 8);
        double low = positive(scaling, "low_freq_factor", 1);
        double high = positive(scaling, "high_freq_factor", 4);
        double original = original(scaling);
        double[] scaled = new double[frequencies.length];
        Arrays.setAll(scaled, k -> {
            double length = 2 * Math.PI / frequencies[k];
            if (length > original / low) {
                return frequencies[k] / factor;
            }
            if (length < original / high) {
                return frequencies[k];
            }
            double t = (original / length - low) / (high - low);
            return (1 - t) * frequencies[k] / factor + t * frequencies[k];
        });
        return new Angles(name, scaled, 1);
    }

    /** Peng et al. 2023. */
    private Angles yarn(String name, double[] frequencies, double theta, int turning, JsonFile scaling) {
        double factor = positive(scaling, "factor", context / original(scaling));
        boolean truncate = scaling.flag("truncate", true);
        double low = corrected(positive(scaling, "beta_fast", 32), theta, turning, original(scaling));
        double high = corrected(positive(scaling, "beta_slow", 1), theta, turning, original(scaling));
        double from = Math.clamp(truncate ? Math.floor(low) : low, 0, turning - 1);
        double to = Math.clamp(truncate ? Math.ceil(high) : high, 0, turning - 1);
        double end = to == from ? to + 0.001 : to;
        double[] scaled = new double[frequencies.length];
        Arrays.setAll(scaled, k -> {
            double ramp = Math.clamp((k - from) / (end - from), 0, 1);
            return frequencies[k] / factor * ramp + frequencies[k] * (1 - ramp);
        });
        return new Angles(name, scaled, attention(scaling, factor));
    }

    private static double corrected(double rotations, double theta, int turning, double original) {
        return turning * Math.log(original / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private double attention(JsonFile scaling, double factor) {
        if (scaling.number("attention_factor").isPresent()) {
            return positive(scaling, "attention_factor", 1);
        }
        double scale = scaling.number("mscale").orElse(0);
        double all = scaling.number("mscale_all_dim").orElse(0);
        return scale != 0 && all != 0 ? grown(factor, scale) / grown(factor, all) : grown(factor, 1);
    }

    private static double grown(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }
}
