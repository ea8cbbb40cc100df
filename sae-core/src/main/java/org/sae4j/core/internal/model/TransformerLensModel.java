package org.sae4j.core.internal.model;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.IntToDoubleFunction;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.sae4j.api.Tensor;
import org.sae4j.api.model.TransformerConfig;
import org.sae4j.api.model.TransformerConfig.Activation;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.format.TensorTable;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.program.Description;

/** A model as TransformerLens names and stores it: its configuration and the reading of its tensors. */
public final class TransformerLensModel {
    private static final Predicate<String> BUFFER = Pattern.compile("blocks\\.[0-9]+\\.attn\\.(mask|IGNORE|rotary_cos|rotary_sin)")
            .asMatchPredicate();
    /** Flags that change the computation in a way that is not described. */
    private static final List<String> UNSUPPORTED_FLAGS = List.of("use_normalization_before_and_after", "use_qk_norm", "post_embedding_ln",
            "rotary_adjacent_pairs", "use_NTK_by_parts_rope", "use_dynamic_ntk_rope", "use_yarn_rope", "use_logn_attn",
            "use_attention_sinks");
    /** Numbers that change the computation if they are set at all. */
    private static final List<String> UNSUPPORTED_VALUES = List.of("num_experts", "clip_qkv", "rotary_base_local",
            "relative_attention_max_distance");
    private static final Set<String> NORMS = Set.of("LN", "LNPre", "RMS", "RMSPre", "");

    private TransformerLensModel() {}

    /**
     * Reads the tensors.
     *
     * @param name the model's name where the config has none
     * @param notes receives what a user should know
     * @throws FormatException if the architecture is not supported or the tensors do not fit together
     */
    public static ModelTensors read(String name, JsonFile json, TensorTable table, Arena arena, List<String> notes) {
        requireSupported(json, table);
        ModelTensors.Builder builder = new ModelTensors.Builder(table, arena);
        StoredTensor embed = builder.stored("embed.W_E", "[d_vocab, d_model]", -1, -1);
        TransformerConfig config = config(name, json, table, embed, notes);
        String normalization = normalization(json, table);
        boolean weightless = normalization.endsWith("Pre");
        if (weightless) {
            notes.add("the model's norms have no weights (" + normalization + ", folded by TransformerLens): they are read as ones and zeros");
        }
        Lens.Settings settings = settings(json, table, config);
        Description description = Lens.describe(settings.isGpt2(config) ? config.toBuilder().family("gpt2").build() : config, settings);
        description.parameters().forEach((key, parameter) -> {
            String grouped = key.replaceFirst("\\.attn\\.([Wb]_[KV])$", ".attn._$1");
            String stored = builder.has(key) || !builder.has(grouped) ? key : grouped;
            if (!builder.has(stored) && (weightless && key.matches("(.*\\.)?(ln[12]|ln_final|ln)\\.[wb]") || key.equals("unembed.b_U"))) {
                float[] same = new float[parameter.cols()];
                Arrays.fill(same, key.endsWith(".w") ? 1 : 0);
                builder.put(key, Tensor.of(same, same.length));
            } else {
                builder.put(key, builder.stored(stored, Arrays.toString(parameter.shape()), parameter.shape()));
            }
        });
        table.refuseUnknown(builder.used(), BUFFER);
        return builder.build(description);
    }

    private static TransformerConfig config(String name, JsonFile json, TensorTable table, StoredTensor embed, List<String> notes) {
        int d = embed.dim(1);
        int layers = ModelTensors.layers(json.integer("n_layers", "n_layer"), table, json);
        int heads = json.integer("n_heads", "n_head").orElse(1);
        int head = json.integer("d_head").orElse(Math.max(1, d / Math.max(1, heads)));
        boolean attnOnly = json.flag("attn_only", false);
        int mlp = attnOnly ? 0 : json.integer("d_mlp").orElse(4 * d);
        if (layers > 0) {
            StoredTensor queries = table.get("blocks.0.attn.W_Q").expect("[n_heads, d_model, d_head]", -1, d, -1);
            heads = queries.dim(0);
            head = queries.dim(2);
            mlp = attnOnly ? 0 : table.get("blocks.0.mlp.W_in").expect("[d_model, d_mlp]", d, -1).dim(1);
            ModelTensors.compare(json, "n_heads", json.integer("n_heads", "n_head"), heads, notes);
            ModelTensors.compare(json, "d_head", json.integer("d_head"), head, notes);
            ModelTensors.compare(json, "d_mlp", attnOnly ? OptionalInt.empty() : json.integer("d_mlp"), mlp, notes);
        }
        StoredTensor positions = table.find("pos_embed.W_pos");
        int context = positions != null && positions.rank() == 2 ? positions.dim(0) : json.integer("n_ctx").orElse(2048);
        ModelTensors.compare(json, "d_model", json.integer("d_model"), d, notes);
        ModelTensors.compare(json, "d_vocab", json.integer("d_vocab"), embed.dim(0), notes);
        ModelTensors.compare(json, "n_ctx", json.integer("n_ctx"), context, notes);
        return ModelTensors.config(json, TransformerConfig.builder(json.string("model_name").orElse(name)).family("transformer_lens")
                .layers(layers).dModel(d).heads(heads).keyValueHeads(json.integer("n_key_value_heads").orElse(0)).dHead(head).dMlp(mlp)
                .nCtx(context).dVocab(embed.dim(0)).activation(attnOnly ? Activation.GELU : activation(json))
                .normEps(ModelTensors.eps(json, json.number("eps", "layer_norm_eps", "ln_eps").orElse(1e-5))));
    }

    private static Activation activation(JsonFile json) {
        String name = json.string("act_fn", "act_name").orElseThrow(
                () -> new FormatException("the activation function act_fn is missing", json.where(), "add it to the config"));
        return switch (name) {
            case "silu" -> Activation.SILU;
            case "solu", "solu_ln" -> Activation.SOLU;
            default -> ModelTensors.activation(json, "act_fn", name);
        };
    }

    private static Lens.Settings settings(JsonFile json, TensorTable table, TransformerConfig config) {
        Parts.Norm norm = switch (normalization(json, table)) {
            case "LN", "LNPre" -> Parts.Norm.LAYER_NORM_AFTER;
            case "RMS", "RMSPre" -> Parts.Norm.RMS_NORM;
            default -> Parts.Norm.NONE;
        };
        Lens.Positions positions = switch (json.string("positional_embedding_type").orElse("standard")) {
            case "standard" -> Lens.Positions.STANDARD;
            case "shortformer" -> Lens.Positions.SHORTFORMER;
            case "rotary" -> Lens.Positions.ROTARY;
            default -> throw new FormatException("positions of this type are not supported (standard, shortformer and rotary are)",
                    json.at("positional_embedding_type"), "use another model");
        };
        Angles rotary = null;
        if (positions == Lens.Positions.ROTARY) {
            int turning = json.integer("rotary_dim").orElse(config.dHead());
            double base = json.number("rotary_base").orElse(10000);
            double factor = json.number("rotary_scaling_factor").orElse(1);
            if (turning < 2 || turning % 2 != 0 || turning > config.dHead() || !(base > 0) || !(factor > 0)) {
                throw new FormatException("rotary positions need an even rotary_dim from 2 to d_head " + config.dHead()
                        + " and a positive base and factor, found " + turning + ", " + base + ", " + factor, json.at("rotary_dim"),
                        "correct the config");
            }
            double[] frequencies = new double[turning / 2];
            Arrays.setAll(frequencies, k -> Math.pow(base, -2.0 * k / turning) / factor);
            rotary = new Angles("rotary", frequencies, 1);
        }
        IntToDoubleFunction scale = attentionScale(json, config.dHead());
        List<Double> scales = IntStream.range(0, config.nLayers()).mapToObj(scale::applyAsDouble).toList();
        boolean finalRms = json.flag("final_rms", false) && norm != Parts.Norm.NONE;
        return new Lens.Settings(norm, finalRms ? Parts.Norm.RMS_NORM : norm, positions, rotary, json.flag("attn_only", false),
                json.flag("parallel_attn_mlp", false), json.flag("gated_mlp", false),
                json.string("act_fn", "act_name").orElse("").endsWith("_ln"), scales, windows(json, config.nLayers()),
                Math.max(0, json.number("attn_scores_soft_cap").orElse(0)), Math.max(0, json.number("output_logits_soft_cap").orElse(0)));
    }

    private static List<Integer> windows(JsonFile json, int layers) {
        if (!json.flag("use_local_attn", false)) {
            return Collections.nCopies(layers, 0);
        }
        int window = json.integer("window_size").orElse(0);
        JsonNode types = json.get("attn_types");
        if (window < 1 || types == null || !types.isArray() || types.size() < layers) {
            throw new FormatException("local attention needs a positive window_size and an entry in attn_types for each block",
                    json.at("attn_types"), "correct the config");
        }
        return IntStream.range(0, layers).mapToObj(layer -> types.get(layer).asString("").equals("local") ? window : 0).toList();
    }

    /** Where the config is silent, the tensors say whether there are LayerNorms with weights. */
    private static String normalization(JsonFile json, TensorTable table) {
        if (json.node().has("normalization_type") && json.node().path("normalization_type").isNull()) {
            return "";
        }
        return json.string("normalization_type", "normalization").orElse(table.find("ln_final.w") != null ? "LN" : "none");
    }

    private static void requireSupported(JsonFile json, TensorTable table) {
        if (table.find("embed.W_E") == null) {
            throw new FormatException("the config has no model_type, so TransformerLens names such as embed.W_E are expected, but there"
                    + " are "
                    + table.sample(), table.path().toString(),
                    "give a Hugging Face model (config.json with model_type) or a TransformerLens model");
        }
        String normalization = normalization(json, table);
        if (!NORMS.contains(normalization)) {
            throw new FormatException("normalization_type \"" + normalization + "\" is not supported (LN, LNPre, RMS, RMSPre and null are)",
                    json.where(), "use another model");
        }
        JsonNode direction = json.get("attention_dir");
        if (direction != null && !direction.asString("").equals("causal")) {
            throw new FormatException("only \"causal\" is supported, found " + direction, json.at("attention_dir"), "use another model");
        }
        for (String flag : UNSUPPORTED_FLAGS) {
            if (json.flag(flag, false)) {
                throw new FormatException(flag + " = true is not supported", json.at(flag), "use another model");
            }
        }
        for (String key : UNSUPPORTED_VALUES) {
            JsonNode value = json.get(key);
            if (value != null && !value.isNull()) {
                throw new FormatException(key + " is not supported", json.at(key), "use another model");
            }
        }
    }

    /** The factor of the scores of each block. */
    private static IntToDoubleFunction attentionScale(JsonFile json, int head) {
        double usual = Math.sqrt(head);
        double declared = json.number("attn_scale").orElse(-1);
        double scale = !json.flag("use_attn_scale", true) ? 1 : declared == -1 ? usual : declared;
        if (!(scale > 0) || Double.isInfinite(scale)) {
            throw new FormatException("attn_scale must be positive or -1, found " + scale, json.at("attn_scale"), "correct the config");
        }
        // Some configs have the root with a few digits only.
        double divisor = Math.abs(scale - usual) <= 1e-4 ? usual : scale;
        boolean byLayer = json.flag("scale_attn_by_inverse_layer_idx", false);
        return layer -> 1 / (byLayer ? divisor * (layer + 1) : divisor);
    }
}
