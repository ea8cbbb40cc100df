package org.sae4j.core.internal.gguf;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.GgufArray;
import org.sae4j.core.internal.format.GgufMetadata;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.StoredTensor;
import org.sae4j.core.internal.json.JsonWriter;

/** What a Hugging Face folder of the same model would have in its {@code config.json}. */
final class GgufConfig {
    /** Keys of sizes, which {@link GgufSizes} reads, and of facts that change nothing in the computation. */
    private static final Set<String> READ = Set.of("block_count", "context_length", "embedding_length", "feed_forward_length",
            "attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length", "vocab_size",
            "rope.scaling.finetuned", "tensor_data_layout", "expert_used_count");
    private static final String RMS_EPS = "attention.layer_norm_rms_epsilon";
    private static final String EPS = "attention.layer_norm_epsilon";
    private static final String BASE = "rope.freq_base";
    private static final String LOCAL_BASE = "rope.freq_base_swa";
    private static final String WINDOW = "attention.sliding_window";
    private static final String PATTERN = "attention.sliding_window_pattern";
    private static final String SCORE_CAP = "attn_logit_softcapping";
    private static final String LOGIT_CAP = "final_logit_softcapping";
    private static final String PARALLEL = "use_parallel_residual";
    private static final double DEFAULT_BASE = 10000;

    private final GgufArchitecture architecture;
    private final GgufMetadata metadata;
    private final GgufSizes sizes;
    private final Set<String> tensors;
    private final Map<String, Object> config = new LinkedHashMap<>();
    private final Set<String> used = new TreeSet<>(READ);

    private GgufConfig(GgufArchitecture architecture, GgufMetadata metadata, GgufSizes sizes, Set<String> tensors) {
        this.architecture = architecture;
        this.metadata = metadata;
        this.sizes = sizes;
        this.tensors = tensors;
    }

    /**
     * Makes the configuration.
     *
     * @param tensors the tensors by Hugging Face's names
     * @param frequencies divisors of rotary frequencies, if the file has them
     * @throws FormatException if a key has a value that is not sound or not supported, or a key of the architecture is not known
     */
    static JsonFile of(GgufArchitecture architecture, GgufMetadata metadata, GgufSizes sizes, Map<String, StoredTensor> tensors,
            Optional<Tensor> frequencies) {
        GgufConfig made = new GgufConfig(architecture, metadata, sizes, tensors.keySet());
        made.common();
        made.family();
        made.rotary(frequencies);
        made.refuse();
        return JsonFile.parse(metadata.at("metadata"), JsonWriter.compact(made.config).getBytes(StandardCharsets.UTF_8));
    }

    private String full(String key) {
        used.add(key);
        return architecture.key() + "." + key;
    }

    private double number(String key, double otherwise, double least, double most) {
        double value = metadata.number(full(key)).orElse(otherwise);
        if (!(value >= least && value <= most)) {
            throw new FormatException("expected a number from " + least + " to " + most + ", found " + value, metadata.at(full(key)),
                    "use a file with valid metadata");
        }
        return value;
    }

    private double eps(String key) {
        if (!metadata.has(full(key))) {
            throw new FormatException("the key is missing", metadata.at(full(key)), "use a file with complete metadata");
        }
        return number(key, 0, 0, 1);
    }

    private void common() {
        config.put("model_type", architecture.modelType());
        metadata.string("general.name").ifPresent(name -> config.put("_name_or_path", name));
        config.put("vocab_size", sizes.vocabulary());
        config.put("num_hidden_layers", sizes.layers());
        config.put("num_attention_heads", sizes.heads());
        config.put("hidden_size", sizes.dModel());
        config.put("intermediate_size", sizes.dMlp());
        config.put("max_position_embeddings", sizes.context());
        config.put("tie_word_embeddings", !tensors.contains(architecture.topNames().get("output") + ".weight"));
    }

    private void family() {
        switch (architecture) {
            case LLAMA -> {
                grouped("silu");
                config.put("mlp_bias", tensors.contains("model.layers.0.mlp.up_proj.bias"));
                double window = number(WINDOW, 0, 0, Integer.MAX_VALUE);
                if (window > 0) {
                    config.put("model_type", "mistral");
                    config.put("sliding_window", (int) window);
                }
            }
            case QWEN2, QWEN3, OLMO2 -> grouped("silu");
            case GEMMA -> grouped("gelu_pytorch_tanh");
            case GEMMA2, GEMMA3 -> windows();
            case PHI2 -> {
                layerNorms("gelu_new", "layer_norm_eps");
                config.put("num_key_value_heads", sizes.keyHeads());
                if (sizes.heads() * sizes.headSize() != sizes.dModel()) {
                    config.put("head_dim", sizes.headSize());
                }
            }
            case GPTNEOX -> {
                layerNorms("gelu", "layer_norm_eps");
                config.put("use_parallel_residual", metadata.flag(full(PARALLEL), true));
                config.put("attention_bias", tensors.contains("gpt_neox.layers.0.attention.query_key_value.bias"));
            }
            case GPT2 -> {
                layerNorms("gelu_new", "layer_norm_epsilon");
                config.put("activation_function", "gelu_new");
                config.put("n_layer", sizes.layers());
                config.put("n_head", sizes.heads());
                config.put("n_embd", sizes.dModel());
                config.put("n_positions", sizes.context());
                config.put("n_inner", sizes.dMlp());
            }
        }
    }

    private void grouped(String activation) {
        config.put("num_key_value_heads", sizes.keyHeads());
        config.put("head_dim", sizes.headSize());
        config.put("rms_norm_eps", eps(RMS_EPS));
        config.put("hidden_act", activation);
        config.put("attention_bias", tensors.contains("model.layers.0.self_attn.o_proj.bias"));
    }

    private void layerNorms(String activation, String key) {
        config.put(key, eps(EPS));
        config.put("hidden_act", activation);
    }

    /** Gemma 2 and 3. The scale of queries is not in the file: that of heads but in the largest models, known by their blocks. */
    private void windows() {
        grouped("gelu_pytorch_tanh");
        boolean second = architecture == GgufArchitecture.GEMMA2;
        config.put("hidden_activation", "gelu_pytorch_tanh");
        config.put("query_pre_attn_scalar", sizes.layers() == (second ? 46 : 62) ? sizes.dModel() / sizes.heads() : sizes.headSize());
        if (second) {
            config.put("attn_logit_softcapping", number(SCORE_CAP, 50, 0, 1e6));
            config.put("final_logit_softcapping", number(LOGIT_CAP, 30, 0, 1e6));
            config.put("sliding_window", (int) number(WINDOW, 4096, 1, Integer.MAX_VALUE));
        } else {
            double cap = number(LOGIT_CAP, 0, 0, 1e6);
            if (cap > 0) {
                config.put("final_logit_softcapping", cap);
            }
            config.put("sliding_window", (int) number(WINDOW, 1024, 1, Integer.MAX_VALUE));
            config.put("rope_local_base_freq", number(LOCAL_BASE, DEFAULT_BASE, 1e-3, 1e12));
            if (!(metadata.values().get(full(PATTERN)) instanceof GgufArray)) {
                config.put("sliding_window_pattern", (int) number(PATTERN, 6, 1, Integer.MAX_VALUE));
            }
        }
        if (metadata.values().get(full(PATTERN)) instanceof GgufArray array) {
            int[] local = array.integers();
            if (local.length != sizes.layers()) {
                throw new FormatException("expected " + sizes.layers() + " elements, found " + local.length, metadata.at(full(PATTERN)),
                        "use a file with valid metadata");
            }
            config.put("layer_types", Arrays.stream(local).mapToObj(l -> l != 0 ? "sliding_attention" : "full_attention").toList());
        }
    }

    private void rotary(Optional<Tensor> frequencies) {
        if (architecture == GgufArchitecture.GPT2) {
            return;
        }
        double base = number(BASE, DEFAULT_BASE, 1e-3, 1e12);
        int dimensions = (int) number("rope.dimension_count", sizes.headSize(), 1, sizes.headSize());
        // Readers cut the product with the size of heads to an integer.
        double part = Math.nextUp((double) dimensions / sizes.headSize());
        part = dimensions == sizes.headSize() ? 1 : part;
        switch (architecture) {
            case GPTNEOX -> {
                config.put("rotary_emb_base", base);
                config.put("rotary_pct", part);
            }
            case PHI2 -> {
                config.put("rope_theta", base);
                config.put("partial_rotary_factor", part);
            }
            default -> {
                config.put("rope_theta", base);
                if (dimensions != sizes.headSize()) {
                    throw new FormatException("expected the heads' " + sizes.headSize() + ", found " + dimensions,
                            metadata.at(full("rope.dimension_count")), "use a model whose heads turn whole");
                }
            }
        }
        Map<String, Object> scaling = scaling();
        if (frequencies.isPresent()) {
            if (!scaling.isEmpty()) {
                throw new FormatException("a scaling of rotary positions by factors and by keys is not supported",
                        metadata.at(GgufTensors.ROPE_FREQUENCIES), "use a model with one of them");
            }
            scaling.put("rope_type", "divisors");
            scaling.put("divisors", divisors(frequencies.get()));
        }
        if (!scaling.isEmpty()) {
            config.put("rope_scaling", scaling);
        }
    }

    private List<Double> divisors(Tensor tensor) {
        List<Double> divisors = new ArrayList<>();
        for (float value : tensor.toArray()) {
            if (!(value > 0) || Float.isInfinite(value)) {
                throw new FormatException("divisors of frequencies must be positive, found " + value,
                        metadata.at(GgufTensors.ROPE_FREQUENCIES), "download or write the file again");
            }
            divisors.add((double) value);
        }
        if (divisors.size() != sizes.headSize() / 2) {
            throw new FormatException("expected a divisor for each of " + sizes.headSize() / 2 + " frequencies, found " + divisors.size(),
                    metadata.at(GgufTensors.ROPE_FREQUENCIES), "download or write the file again");
        }
        return divisors;
    }

    private Map<String, Object> scaling() {
        Map<String, Object> scaling = new LinkedHashMap<>();
        String key = full("rope.scaling.type");
        String older = full("rope.scale_linear");
        String type = metadata.string(key).orElse(metadata.has(older) ? "linear" : "none");
        double factor = number(metadata.has(full("rope.scaling.factor")) ? "rope.scaling.factor" : "rope.scale_linear", 1, 1e-3, 1e6);
        double original = number("rope.scaling.original_context_length", sizes.context(), 1, Integer.MAX_VALUE);
        double attention = number("rope.scaling.attn_factor", 1, 1e-6, 1e6);
        attention *= number("rope.scaling.yarn_attn_factor", 1, 1e-6, 1e6);
        double fast = number("rope.scaling.yarn_beta_fast", 32, 1e-6, 1e6);
        double slow = number("rope.scaling.yarn_beta_slow", 1, 1e-6, 1e6);
        plain("rope.scaling.yarn_ext_factor", 1);
        plain("rope.scaling.yarn_log_multiplier", 0);
        switch (type) {
            case "none" -> { }
            case "linear" -> {
                scaling.put("rope_type", "linear");
                scaling.put("factor", factor);
            }
            case "yarn" -> {
                scaling.put("rope_type", "yarn");
                scaling.put("factor", factor);
                scaling.put("original_max_position_embeddings", (int) original);
                scaling.put("beta_fast", fast);
                scaling.put("beta_slow", slow);
                if (attention != 1) {
                    scaling.put("attention_factor", attention * (0.1 * Math.log(factor) + 1));
                }
            }
            default -> throw new FormatException("scaling of rotary positions \"" + type
                    + "\" is not supported (none, linear and yarn are)", metadata.at(key), "use a model with one of these");
        }
        return scaling;
    }

    /** Demands that a key is absent or has the value that changes nothing. */
    private void plain(String key, double value) {
        if (metadata.number(full(key)).orElse(value) != value) {
            throw new FormatException("only " + value + " is supported, found " + metadata.values().get(full(key)), metadata.at(full(key)),
                    "use a model without it");
        }
    }

    /** An unknown key may change the computation. */
    private void refuse() {
        plain("expert_count", 0);
        if (!metadata.flag(full("attention.causal"), true)) {
            throw new FormatException("attention that is not causal is not supported", metadata.at(full("attention.causal")),
                    "use a decoder-only model");
        }
        String prefix = architecture.key() + ".";
        for (String key : metadata.values().keySet()) {
            if (key.startsWith(prefix) && !used.contains(key.substring(prefix.length()))) {
                throw new FormatException("the key is not known and may change what the model computes", metadata.at(key),
                        "use a model without it");
            }
        }
    }
}
