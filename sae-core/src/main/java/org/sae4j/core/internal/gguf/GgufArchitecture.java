package org.sae4j.core.internal.gguf;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.GgufMetadata;

/** The architectures that can be read: what their tensors are called in GGUF and in a Hugging Face folder. */
enum GgufArchitecture {
    /** Llama and Mistral. */
    LLAMA("llama", "llama", Names.MODEL, Names.with(Names.GATED)),
    QWEN2("qwen2", "qwen2", Names.MODEL, Names.with(Names.GATED)),
    QWEN3("qwen3", "qwen3", Names.MODEL, Names.with(Names.GATED, Names.HEAD_NORMS)),
    GEMMA("gemma", "gemma", Names.MODEL, Names.with(Names.GATED)),
    GEMMA2("gemma2", "gemma2", Names.MODEL, Names.with(Names.GATED, Names.FOUR_NORMS)),
    GEMMA3("gemma3", "gemma3_text", Names.MODEL, Names.with(Names.GATED, Names.FOUR_NORMS, Names.HEAD_NORMS)),
    OLMO2("olmo2", "olmo2", Names.MODEL, Names.with(Names.GATED, Names.POST_NORMS, Names.HEAD_NORMS)),
    PHI2("phi2", "phi", Names.PHI, Names.with(Names.ATTENTION, Names.PHI_BLOCK)),
    GPTNEOX("gptneox", "gpt_neox", Names.NEOX, Names.with(Names.NEOX_BLOCK)),
    GPT2("gpt2", "gpt2", Names.GPT2, Names.with(Names.GPT2_BLOCK));

    private final String key;
    private final String modelType;
    private final Top top;
    private final Map<String, String> block;

    GgufArchitecture(String key, String modelType, Top top, Map<String, String> block) {
        this.key = key;
        this.modelType = modelType;
        this.top = top;
        this.block = block;
    }

    /**
     * Names outside of blocks, and what a block's number comes after.
     *
     * @param blocks prefix of a block's number
     * @param names Hugging Face's by GGUF's, without {@code .weight} and {@code .bias}
     */
    record Top(String blocks, Map<String, String> names) {}

    /** Hugging Face's names by GGUF's, as far as architectures share them. */
    private static final class Names {
        static final Top MODEL = new Top("model.layers.", Map.of("token_embd", "model.embed_tokens", "output_norm", "model.norm", "output",
                "lm_head"));
        static final Top PHI = new Top("model.layers.", Map.of("token_embd", "model.embed_tokens", "output_norm", "model.final_layernorm",
                "output", "lm_head"));
        static final Top NEOX = new Top("gpt_neox.layers.", Map.of("token_embd", "gpt_neox.embed_in", "output_norm",
                "gpt_neox.final_layer_norm", "output", "embed_out"));
        static final Top GPT2 = new Top("transformer.h.", Map.of("token_embd", "transformer.wte", "position_embd", "transformer.wpe",
                "output_norm", "transformer.ln_f", "output", "lm_head"));

        static final Map<String, String> ATTENTION = Map.of("attn_q", "self_attn.q_proj", "attn_k", "self_attn.k_proj", "attn_v",
                "self_attn.v_proj", "attn_output", "self_attn.o_proj", "attn_norm", "input_layernorm");
        static final Map<String, String> GATED = with(ATTENTION, Map.of("ffn_norm", "post_attention_layernorm", "ffn_gate",
                "mlp.gate_proj", "ffn_up", "mlp.up_proj", "ffn_down", "mlp.down_proj"));
        static final Map<String, String> HEAD_NORMS = Map.of("attn_q_norm", "self_attn.q_norm", "attn_k_norm", "self_attn.k_norm");
        static final Map<String, String> FOUR_NORMS = Map.of("post_attention_norm", "post_attention_layernorm", "ffn_norm",
                "pre_feedforward_layernorm", "post_ffw_norm", "post_feedforward_layernorm");
        /** An empty name takes one away. */
        static final Map<String, String> POST_NORMS = Map.of("attn_norm", "", "ffn_norm", "", "post_attention_norm",
                "post_attention_layernorm", "post_ffw_norm", "post_feedforward_layernorm");
        static final Map<String, String> PHI_BLOCK = Map.of("attn_output", "self_attn.dense", "ffn_up", "mlp.fc1", "ffn_down", "mlp.fc2");
        static final Map<String, String> NEOX_BLOCK = Map.of("attn_norm", "input_layernorm", "attn_qkv", "attention.query_key_value",
                "attn_output", "attention.dense", "ffn_norm", "post_attention_layernorm", "ffn_up", "mlp.dense_h_to_4h", "ffn_down",
                "mlp.dense_4h_to_h");
        static final Map<String, String> GPT2_BLOCK = Map.of("attn_norm", "ln_1", "attn_qkv", "attn.c_attn", "attn_output", "attn.c_proj",
                "ffn_norm", "ln_2", "ffn_up", "mlp.c_fc", "ffn_down", "mlp.c_proj");

        private Names() {}

        @SafeVarargs
        static Map<String, String> with(Map<String, String>... parts) {
            Map<String, String> all = new LinkedHashMap<>();
            for (Map<String, String> part : parts) {
                all.putAll(part);
            }
            all.values().removeIf(String::isEmpty);
            return Map.copyOf(all);
        }
    }

    /**
     * The architecture of a file.
     *
     * @throws FormatException if the file is no model, or one of an architecture that is not known
     */
    static GgufArchitecture of(GgufMetadata metadata) {
        String kind = metadata.string("general.type").orElse("model");
        if (!kind.equals("model")) {
            throw new FormatException("the file is of type \"" + kind + "\", not a model", metadata.at("general.type"),
                    "give the GGUF file of a whole model");
        }
        String name = metadata.string("general.architecture").orElseThrow(() -> new FormatException("the key is missing",
                metadata.at("general.architecture"), "give the GGUF file of a language model"));
        String known = Arrays.stream(values()).map(architecture -> architecture.key).collect(Collectors.joining(", "));
        return Arrays.stream(values()).filter(architecture -> architecture.key.equals(name)).findFirst().orElseThrow(
                () -> new FormatException("architecture \"" + name + "\" is not supported (" + known + " are)",
                        metadata.at("general.architecture"), "use a model of one of these"));
    }

    /** {@return the name in GGUF, with which its keys begin} */
    String key() {
        return key;
    }

    /** {@return the {@code model_type} of a Hugging Face configuration} */
    String modelType() {
        return modelType;
    }

    /** {@return what comes before a block's number in Hugging Face's names} */
    String blocks() {
        return top.blocks();
    }

    /** {@return Hugging Face's names by GGUF's of tensors outside of blocks, without {@code .weight} and {@code .bias}} */
    Map<String, String> topNames() {
        return top.names();
    }

    /** {@return Hugging Face's names by GGUF's of a block's tensors, without {@code .weight} and {@code .bias}} */
    Map<String, String> blockNames() {
        return block;
    }

    /** Whether heads can only be equal parts of the residual stream, each with keys and values of its own. */
    boolean hasEqualHeads() {
        return this == GPTNEOX || this == GPT2;
    }

    /** Whether gains of norms are stored with 1 added. */
    boolean storesGainsPlusOne() {
        return this == GEMMA || this == GEMMA2 || this == GEMMA3;
    }
}
