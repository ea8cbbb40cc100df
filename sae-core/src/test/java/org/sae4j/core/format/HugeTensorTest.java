package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.model.Activations;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.model.HookPoint;
import org.sae4j.api.model.Transformer;
import org.sae4j.core.Engines;
import org.sae4j.core.Transformers;
import org.sae4j.core.internal.format.GgufBytes;
import org.sae4j.testkit.ReferenceEngine;

/** An embedding of more than 2^31 elements, in a file that is a hole but for its last row. */
class HugeTensorTest {
    private static final int WIDTH = 256;
    private static final int VOCABULARY = (1 << 23) + 3;
    private static final int LAST = VOCABULARY - 1;
    private static final int Q2_K = 10;
    private static final int ROW_BYTES = 84;

    @TempDir
    private static Path folder;
    private static Path file;

    @BeforeAll
    static void write() throws IOException {
        GgufBytes gguf = new GgufBytes().text("general.architecture", "llama").uint32("llama.block_count", 1)
                .uint32("llama.embedding_length", WIDTH).uint32("llama.feed_forward_length", 1).uint32("llama.context_length", 8)
                .uint32("llama.attention.head_count", 1)
                .pair("llama.attention.layer_norm_rms_epsilon", 6, GgufBytes.int32(Float.floatToRawIntBits(1e-5f)));
        for (String norm : List.of("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")) {
            float[] ones = new float[WIDTH];
            Arrays.fill(ones, 1);
            gguf.floats(norm + ".weight", ones, WIDTH);
        }
        for (String matrix : List.of("attn_q", "attn_k", "attn_v", "attn_output")) {
            gguf.floats("blk.0." + matrix + ".weight", new float[WIDTH * WIDTH], WIDTH, WIDTH);
        }
        gguf.floats("blk.0.ffn_gate.weight", new float[WIDTH], WIDTH, 1).floats("blk.0.ffn_up.weight", new float[WIDTH], WIDTH, 1)
                .floats("blk.0.ffn_down.weight", new float[WIDTH], 1, WIDTH);
        long offset = (3L * WIDTH + 4L * WIDTH * WIDTH + 3L * WIDTH) * Float.BYTES;
        file = gguf.info("token_embd.weight", Q2_K, offset, WIDTH, VOCABULARY).write(folder.resolve("huge.gguf"));
        // Scales and quants of 1, the factor 1 as float16, no minimum: a row of ones.
        byte[] row = new byte[ROW_BYTES];
        Arrays.fill(row, 0, 16, (byte) 1);
        Arrays.fill(row, 16, 80, (byte) 0x55);
        ByteBuffer.wrap(row).order(ByteOrder.LITTLE_ENDIAN).putShort(80, (short) 0x3c00);
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.seek(sparse.length() + (long) LAST * ROW_BYTES);
            sparse.write(row);
        }
    }

    @Test
    void theLastRowIsEmbeddedAndUnembedded() {
        try (Engine engine = Engines.open("cpu", EngineOptions.DEFAULT);
                Transformer model = Transformers.openWithoutTokenizer(file, List.of(), engine)) {
            assertThat(model.parameters().get("embed.W_E").size()).isGreaterThan(Integer.MAX_VALUE);
            HookPoint embed = HookPoint.parse("hook_embed").orElseThrow();
            Activations values = model.forward(new int[][] {{1, LAST}},
                    ForwardPlan.builder().capture(embed, HookPoint.LOGITS).logitsAt(1).build());
            assertThat(values.get(embed).row(0)).containsOnly(0);
            assertThat(values.get(embed).row(1)).containsOnly(1);
            float[] logits = values.logits().toArray();
            assertThat(logits[LAST]).isCloseTo(WIDTH, within(0.01f));
            logits[LAST] = 0;
            assertThat(logits).containsOnly(0);
        }
    }

    /** An engine that reads float32 alone would need it in one Java array. */
    @Test
    void isRefusedByNameWhereItMustBeOneArray() {
        try (Engine engine = new ReferenceEngine(); Transformer model = Transformers.openWithoutTokenizer(file, List.of(), engine)) {
            assertThatThrownBy(() -> Transformers.requireMemory(model, 1, 1)).isInstanceOf(Sae4jException.class)
                    .hasMessageContaining("embed.W_E").hasMessageContaining("1 x " + (long) WIDTH * VOCABULARY + " floats")
                    .hasMessageContaining("the longest has");
        }
    }
}
