package org.sae4j.core.internal.model;

import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.json.JsonNode;

/**
 * A Hugging Face {@code config.json} that remembers which keys were read, so that one that may change the computation and that nobody
 * understands is refused instead of ignored.
 */
final class HubConfig {
    /** Keys that say nothing of the forward pass of a decoder in inference. */
    private static final Set<String> HARMLESS = Set.of("architectures", "auto_map", "model_type", "torch_dtype", "dtype",
            "transformers_version", "use_cache", "initializer_range", "initializer_factor", "tokenizer_class", "task_specific_params",
            "id2label", "label2id", "is_decoder", "is_encoder_decoder", "problem_type", "pruned_heads", "finetuning_task",
            "chunk_size_feed_forward", "cross_attention_hidden_size", "tie_encoder_decoder", "return_dict", "return_dict_in_generate",
            "output_attentions", "output_hidden_states", "output_scores", "torchscript", "tf_legacy_loss", "use_bfloat16",
            "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id", "unk_token_id", "prefix",
            "forced_bos_token_id", "forced_eos_token_id", "suppress_tokens", "begin_suppress_tokens", "bad_words_ids",
            "max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature",
            "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size",
            "encoder_no_repeat_ngram_size", "num_return_sequences", "exponential_decay_length_penalty", "remove_invalid_values",
            "pretraining_tp", "gradient_checkpointing", "attn_implementation", "_attn_implementation", "_attn_implementation_internal",
            "cache_implementation", "_name_or_path", "name", "name_or_path", "_from_model_config", "_commit_hash", "summary_type",
            "summary_use_proj", "summary_activation", "summary_proj_to_labels", "summary_first_dropout", "reorder_and_upcast_attn",
            "is_llama_config", "transformers.js_config", "unsloth_version", "unsloth_fixed", "resid_pdrop", "embd_pdrop", "attn_pdrop",
            "layerdrop", "classifier_bias", "init_std");

    private final JsonFile json;
    private final Set<String> used = new HashSet<>();

    HubConfig(JsonFile json) {
        this.json = json;
    }

    JsonFile json() {
        return json;
    }

    private String[] note(String... keys) {
        used.addAll(Set.of(keys));
        return keys;
    }

    boolean has(String key) {
        note(key);
        JsonNode value = json.get(key);
        return value != null && !value.isNull();
    }

    /** A number that is {@code otherwise} where the key is missing, and 0 where it is null. */
    double numberOrNull(double otherwise, String key) {
        return number(json.node().has(key) ? 0 : otherwise, key);
    }

    /** An integer that is {@code otherwise} where the key is missing, and {@code absent} where it is null. */
    int integerOrNull(int otherwise, int absent, String key) {
        return integer(json.node().has(key) ? absent : otherwise, key);
    }

    int required(String... keys) {
        return json.integer(note(keys)).orElseThrow(() -> new FormatException("the key is missing", json.at(keys[0]),
                "use a config.json that belongs to the weights"));
    }

    int integer(int otherwise, String... keys) {
        return integer(keys).orElse(otherwise);
    }

    OptionalInt integer(String... keys) {
        return json.integer(note(keys));
    }

    double number(double otherwise, String... keys) {
        return number(keys).orElse(otherwise);
    }

    OptionalDouble number(String... keys) {
        return json.number(note(keys));
    }

    boolean flag(String key, boolean otherwise) {
        note(key);
        return has(key) ? json.flag(key, otherwise) : otherwise;
    }

    Optional<String> string(String... keys) {
        return json.string(note(keys));
    }

    Optional<JsonFile> object(String key) {
        note(key);
        return json.object(key);
    }

    @Nullable JsonNode value(String key) {
        note(key);
        JsonNode value = json.get(key);
        return value == null || value.isNull() ? null : value;
    }

    /** Keys that a family never looks at, whatever their value. */
    void ignore(String... keys) {
        note(keys);
    }

    /** Demands the value that the computation has, or none. */
    void require(String key, boolean expected, String what) {
        if (flag(key, expected) != expected) {
            throw new FormatException(what + " is not supported", json.at(key), "use a model with " + key + " = " + expected);
        }
    }

    /** Refuses a key that is set to anything. */
    void refuse(String key, String what) {
        if (value(key) != null) {
            throw new FormatException(what + " is not supported", json.at(key), "use another model");
        }
    }

    /**
     * Ends the reading.
     *
     * @throws FormatException if a key is left that nobody read and that is not known to be harmless
     */
    void finish() {
        refuse("quantization_config", "a folder of quantized weights");
        for (Map.Entry<String, JsonNode> entry : json.node().properties()) {
            String key = entry.getKey();
            if (!used.contains(key) && !isHarmless(key, entry.getValue())) {
                throw new FormatException("the key is not known for model_type " + json.string("model_type").orElse("?")
                        + " and may change the computation", json.at(key), "remove it from config.json if you know that it does not");
            }
        }
    }

    private static boolean isHarmless(String key, JsonNode value) {
        String lower = key.toLowerCase(Locale.ROOT);
        return HARMLESS.contains(key) || value.isNull() || value.isBoolean() && !value.booleanValue() || lower.contains("dropout")
                || lower.startsWith("_") || lower.endsWith("_token_id") || lower.endsWith("token_ids");
    }
}
