package org.sae4j.core.internal.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sae4j.core.internal.format.GgufBytes.int32;
import static org.sae4j.core.internal.format.GgufBytes.int64;
import static org.sae4j.core.internal.format.GgufBytes.join;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.GgufBytes;
import org.sae4j.core.internal.format.JsonFile;
import org.sae4j.core.internal.format.WeightFiles;

/** What llama.cpp's converter changes is undone, and keys become those of config.json or are refused by name. */
class GgufModelTest {
    private static final int VOCABULARY = 5;

    @TempDir
    private Path folder;
    private Arena arena;

    @BeforeEach
    void open() {
        arena = Arena.ofShared();
    }

    @AfterEach
    void close() {
        arena.close();
    }

    private static byte[] float32(double value) {
        return int32(Float.floatToIntBits((float) value));
    }

    private static float[] counting(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = i;
        }
        return values;
    }

    /** The keys that every architecture has. */
    private static GgufBytes keys(String architecture, int layers, int dModel, int heads) {
        String a = architecture + ".";
        GgufBytes bytes = new GgufBytes().text("general.architecture", architecture).uint32(a + "block_count", layers)
                .uint32(a + "embedding_length", dModel).uint32(a + "feed_forward_length", 7).uint32(a + "context_length", 32)
                .pair(a + "attention.head_count", 5, int32(heads))
                .pair(a + (architecture.startsWith("gpt") || architecture.equals("phi2") ? "attention.layer_norm_epsilon"
                        : "attention.layer_norm_rms_epsilon"), 6, float32(1e-5))
                .floats("token_embd.weight", new float[VOCABULARY * dModel], dModel, VOCABULARY);
        for (int layer = 0; layer < layers; layer++) {
            bytes.floats("blk." + layer + ".ffn_down.weight", new float[1], 1, 1);
        }
        return bytes;
    }

    private static GgufBytes llama() {
        return keys("llama", 1, 8, 2).pair("llama.attention.head_count_kv", 10, int64(1));
    }

    private GgufModel read(GgufBytes bytes) throws IOException {
        return GgufModel.of(WeightFiles.open(bytes.write(folder.resolve("m.gguf")), arena), arena);
    }

    private Tensor tensor(GgufModel model, String name) {
        return model.tensors().get(name).read(arena);
    }

    @Test
    void rotaryPairsOfLlamaComeApart() throws IOException {
        GgufModel model = read(llama().floats("blk.0.attn_q.weight", counting(8), 1, 8).floats("blk.0.attn_k.weight", counting(4), 1, 4)
                .floats("blk.0.attn_v.weight", counting(4), 1, 4).floats("blk.0.attn_q.bias", counting(8), 8)
                .floats("blk.0.attn_output.weight", counting(64), 8, 8).floats("blk.0.ffn_norm.weight", counting(8), 8));
        String block = "model.layers.0.";
        assertThat(tensor(model, block + "self_attn.q_proj.weight").toArray()).containsExactly(0, 2, 1, 3, 4, 6, 5, 7);
        assertThat(tensor(model, block + "self_attn.q_proj.bias").toArray()).containsExactly(0, 2, 1, 3, 4, 6, 5, 7);
        assertThat(tensor(model, block + "self_attn.k_proj.weight").toArray()).containsExactly(0, 2, 1, 3);
        assertThat(tensor(model, block + "self_attn.v_proj.weight").toArray()).containsExactly(0, 1, 2, 3);
        assertThat(tensor(model, block + "post_attention_layernorm.weight").toArray()).containsExactly(counting(8));
        // Hugging Face's Llama has all biases or none.
        assertThat(tensor(model, block + "self_attn.k_proj.bias").toArray()).containsOnly(0).hasSize(4);
        assertThat(tensor(model, block + "self_attn.o_proj.bias").toArray()).containsOnly(0).hasSize(8);
        JsonFile config = model.config();
        assertThat(config.flag("attention_bias", false)).isTrue();
        assertThat(config.flag("mlp_bias", true)).isFalse();
        assertThat(config.flag("tie_word_embeddings", false)).isTrue();
        assertThat(config.string("model_type")).contains("llama");
        assertThat(config.integer("num_key_value_heads")).hasValue(1);
        assertThat(config.integer("head_dim")).hasValue(4);
        assertThat(config.integer("vocab_size")).hasValue(VOCABULARY);
        assertThat(config.number("rms_norm_eps")).hasValue(1e-5);
        assertThat(config.number("rope_theta")).hasValue(10000);
        assertThat(config.has("rope_scaling")).isFalse();
    }

    @Test
    void headsOfNeoxComeTogether() throws IOException {
        GgufModel model = read(keys("gptneox", 1, 4, 2).pair("gptneox.use_parallel_residual", 7, new byte[] {0})
                .uint32("gptneox.rope.dimension_count", 1).floats("blk.0.attn_qkv.weight", counting(12), 1, 12)
                .floats("blk.0.attn_qkv.bias", counting(12), 12).floats("output.weight", counting(20), 4, 5));
        for (String name : new String[] {"weight", "bias"}) {
            assertThat(tensor(model, "gpt_neox.layers.0.attention.query_key_value." + name).toArray())
                    .containsExactly(0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11);
        }
        assertThat(model.tensors().get("embed_out.weight").shape()).containsExactly(5, 4);
        assertThat(model.config().flag("use_parallel_residual", true)).isFalse();
        assertThat(model.config().flag("tie_word_embeddings", true)).isFalse();
        assertThat((int) (model.config().number("rotary_pct").orElseThrow() * 2)).isEqualTo(1);
    }

    @Test
    void weightsOfGpt2AreTransposedAndGainsOfGemmaLoseTheirOne() throws IOException {
        GgufModel gpt2 = read(keys("gpt2", 1, 2, 1).floats("blk.0.ffn_up.weight", counting(6), 2, 3)
                .floats("position_embd.weight", counting(64), 2, 32));
        assertThat(tensor(gpt2, "transformer.h.0.mlp.c_fc.weight").shape()).containsExactly(2, 3);
        assertThat(tensor(gpt2, "transformer.h.0.mlp.c_fc.weight").row(1)).containsExactly(1, 3, 5);
        assertThat(gpt2.config().integer("n_positions")).hasValue(32);
        GgufModel gemma = read(keys("gemma2", 2, 4, 2).floats("blk.1.post_ffw_norm.weight", new float[] {1, 1.5f, 0, 3}, 4)
                .floats("output_norm.weight", new float[] {2, 1, 1, 1}, 4));
        assertThat(tensor(gemma, "model.layers.1.post_feedforward_layernorm.weight").toArray()).containsExactly(0, 0.5f, -1, 2);
        assertThat(tensor(gemma, "model.norm.weight").toArray()).containsExactly(1, 0, 0, 0);
        assertThat(gemma.config().number("attn_logit_softcapping")).hasValue(50);
        assertThat(gemma.config().number("query_pre_attn_scalar")).hasValue(2);
    }

    @Test
    void fusedQueriesOfPhiComeApart() throws IOException {
        GgufModel model = read(keys("phi2", 1, 4, 2).uint32("phi2.rope.dimension_count", 1).floats("blk.0.attn_qkv.bias", counting(12), 12)
                .floats("output.bias", counting(5), 5));
        assertThat(tensor(model, "model.layers.0.self_attn.k_proj.bias").toArray()).containsExactly(4, 5, 6, 7);
        assertThat(model.tensors().find("lm_head.bias")).isNotNull();
    }

    @Test
    void windowsAndBasesOfGemma3() throws IOException {
        UnaryOperator<GgufBytes> more = bytes -> bytes.uint32("gemma3.attention.sliding_window", 6)
                .pair("gemma3.rope.freq_base", 6, float32(1e6)).text("gemma3.rope.scaling.type", "linear")
                .pair("gemma3.rope.scaling.factor", 6, float32(8));
        JsonFile config = read(more.apply(keys("gemma3", 2, 4, 2))).config();
        assertThat(config.string("model_type")).contains("gemma3_text");
        assertThat(config.integer("sliding_window_pattern")).hasValue(6);
        assertThat(config.number("rope_theta")).hasValue(1e6);
        assertThat(config.number("rope_local_base_freq")).hasValue(10000);
        assertThat(config.object("rope_scaling").orElseThrow().number("factor")).hasValue(8);
        assertThat(config.has("final_logit_softcapping")).isFalse();
        JsonFile listed = read(more.apply(keys("gemma3", 2, 4, 2)).pair("gemma3.attention.sliding_window_pattern", 9,
                join(int32(7), int64(2), new byte[] {1, 0}))).config();
        assertThat(listed.node().get("layer_types").toString()).isEqualTo("[\"sliding_attention\",\"full_attention\"]");
    }

    @Test
    void scalingOfRotaryPositions() throws IOException {
        JsonFile yarn = read(llama().text("llama.rope.scaling.type", "yarn").pair("llama.rope.scaling.factor", 6, float32(4))
                .uint32("llama.rope.scaling.original_context_length", 16)).config().object("rope_scaling").orElseThrow();
        assertThat(yarn.string("rope_type")).contains("yarn");
        assertThat(yarn.integer("original_max_position_embeddings")).hasValue(16);
        assertThat(yarn.has("attention_factor")).isFalse();
        JsonFile older = read(llama().pair("llama.rope.scale_linear", 6, float32(2))).config().object("rope_scaling").orElseThrow();
        assertThat(older.string("rope_type")).contains("linear");
        JsonFile factors = read(llama().floats("rope_freqs.weight", new float[] {1, 8}, 2)).config().object("rope_scaling").orElseThrow();
        assertThat(factors.node().get("divisors").toString()).isEqualTo("[1.0,8.0]");
        assertThatThrownBy(() -> read(llama().floats("rope_freqs.weight", new float[] {1, 0}, 2))).isInstanceOf(FormatException.class)
                .hasMessageContaining("rope_freqs.weight").hasMessageContaining("positive");
    }

    static Stream<Arguments> refused() {
        return Stream.of(Arguments.of("adapter", llama().text("general.type", "adapter"), "general.type", "adapter"),
                Arguments.of("architecture", keys("mamba", 1, 8, 2), "general.architecture", "\"mamba\" is not supported (llama, qwen2"),
                Arguments.of("no architecture", new GgufBytes(), "general.architecture", "missing"),
                Arguments.of("unknown key", llama().uint32("llama.attention.fancy", 1), "llama.attention.fancy", "not known"),
                Arguments.of("experts", llama().uint32("llama.expert_count", 8), "llama.expert_count", "only 0.0"),
                Arguments.of("causal", llama().pair("llama.attention.causal", 7, new byte[] {0}), "llama.attention.causal", "causal"),
                Arguments.of("long rope", llama().text("llama.rope.scaling.type", "longrope"), "llama.rope.scaling.type", "longrope"),
                Arguments.of("partial rope", llama().uint32("llama.rope.dimension_count", 2), "llama.rope.dimension_count", "expected"),
                Arguments.of("layers", keys("llama", -1, 8, 2), "llama.block_count", "4294967295"),
                Arguments.of("more layers than blocks", new GgufBytes().text("general.architecture", "llama")
                        .uint32("llama.block_count", 3).floats("blk.0.ffn_down.weight", new float[1], 1, 1), "llama.block_count",
                        "the 1 blocks"),
                Arguments.of("no heads", keys("llama", 1, 8, 0), "llama.attention.head_count", "found 0"),
                Arguments.of("odd heads", keys("llama", 1, 8, 3), "llama.attention.head_count", "divisor"),
                Arguments.of("key heads", keys("llama", 1, 8, 2).uint32("llama.attention.head_count_kv", 3), "head_count_kv", "divisor"),
                Arguments.of("value size", llama().uint32("llama.attention.value_length", 3), "llama.attention.value_length", "found 3"),
                Arguments.of("width", keys("llama", 1, 8, 2).uint32("llama.vocab_size", 6), "llama.vocab_size", "found 6"),
                Arguments.of("heads as text", new GgufBytes().text("general.architecture", "llama").uint32("llama.block_count", 1)
                        .floats("blk.0.ffn_down.weight", new float[1], 1, 1).uint32("llama.embedding_length", 8)
                        .text("llama.attention.head_count", "2"), "head_count", "the string \"2\""),
                Arguments.of("unequal blocks", new GgufBytes().text("general.architecture", "llama").uint32("llama.block_count", 2)
                        .floats("blk.1.ffn_down.weight", new float[1], 1, 1).uint32("llama.embedding_length", 8).pair("llama.attention.head_count", 9,
                                join(int32(5), int64(2), int32(2), int32(4))), "llama.attention.head_count", "different sizes"),
                Arguments.of("base", llama().pair("llama.rope.freq_base", 6, float32(Double.NaN)), "llama.rope.freq_base", "finite"),
                Arguments.of("negative base", llama().pair("llama.rope.freq_base", 6, float32(-1)), "llama.rope.freq_base", "found -1"),
                Arguments.of("unknown tensor", llama().floats("blk.0.attn_sinks.weight", new float[1], 1), "blk.0.attn_sinks", "no tensor"),
                Arguments.of("block beyond", llama().floats("blk.1.attn_norm.weight", new float[8], 8), "blk.1.attn_norm", "no tensor"),
                Arguments.of("rows", llama().floats("blk.0.attn_q.weight", new float[6], 1, 6), "blk.0.attn_q.weight", "expected shape"),
                Arguments.of("no embedding", new GgufBytes().text("general.architecture", "llama").uint32("llama.block_count", 1)
                        .floats("blk.0.ffn_down.weight", new float[1], 1, 1).uint32("llama.embedding_length", 8)
                        .uint32("llama.attention.head_count", 2), "token_embd.weight", "missing"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void refused(String name, GgufBytes bytes, String where, String rule) {
        assertThatThrownBy(() -> read(bytes)).isInstanceOf(FormatException.class).hasMessageContaining("m.gguf").hasMessageContaining(where)
                .hasMessageContaining(rule);
    }

    @Test
    void everyArchitectureNamesEveryTensorOnce() {
        for (GgufArchitecture architecture : GgufArchitecture.values()) {
            assertThat(architecture.blockNames().values()).as(architecture.key()).doesNotHaveDuplicates();
            assertThat(architecture.topNames()).as(architecture.key()).containsKeys("token_embd", "output_norm", "output");
            assertThat(Arrays.asList("attn_output", "ffn_up", "ffn_down")).allMatch(architecture.blockNames()::containsKey);
        }
    }
}
