package org.sae4j.guards;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.SafetensorsWriter;

/** What does not fit in memory is refused in one line that says the bytes needed and available; no stack trace of an exhausted heap is seen. */
@Tag("packaged")
class MemoryTest {
    private static final int D_IN = 256;
    private static final int D_SAE = 1 << 18;
    private static final int VOCABULARY = 100_000;

    @TempDir
    private static Path folder;
    private static DemoFolders demo;

    @BeforeAll
    static void write() {
        demo = DemoFolders.writeTo(folder);
        SafetensorsWriter.write(folder.resolve("x.safetensors"), Map.of("x", Tensor.zeros(2, D_IN)), Map.of());
    }

    /** An autoencoder of zeros; its file takes no space where the file system leaves holes. */
    private static Path autoencoder(String type, int bytes, int features) throws IOException {
        Path path = Files.createDirectories(folder.resolve(type));
        long matrix = (long) D_IN * features * bytes;
        long encoderBias = (long) features * bytes;
        long end = 2 * matrix + encoderBias + (long) D_IN * bytes;
        String header = ("{\"W_enc\":{\"dtype\":\"%1$s\",\"shape\":[%2$d,%3$d],\"data_offsets\":[0,%4$d]},"
                + "\"W_dec\":{\"dtype\":\"%1$s\",\"shape\":[%3$d,%2$d],\"data_offsets\":[%4$d,%5$d]},"
                + "\"b_enc\":{\"dtype\":\"%1$s\",\"shape\":[%3$d],\"data_offsets\":[%5$d,%6$d]},"
                + "\"b_dec\":{\"dtype\":\"%1$s\",\"shape\":[%2$d],\"data_offsets\":[%6$d,%7$d]}}")
                .formatted(type, D_IN, features, matrix, 2 * matrix, 2 * matrix + encoderBias, end);
        write(path.resolve("sae_weights.safetensors"), header, end);
        Files.writeString(path.resolve("cfg.json"), """
                {"architecture": "topk", "d_in": %d, "d_sae": %d, "k": 4, "apply_b_dec_to_input": true, "dtype": "float32",
                 "activation_fn_kwargs": {"k": 4}, "normalize_activations": "none"}
                """.formatted(D_IN, features));
        return path;
    }

    /** Writes a safetensors file whose data are a hole. */
    private static void write(Path path, String header, long bytes) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).array());
            file.write(text);
            file.setLength(Long.BYTES + text.length + bytes);
        }
    }

    /** A Llama of one block and zeros, of 210 MB of which half are its unembedding. */
    private static Path transformer() throws IOException {
        Path path = Files.createDirectories(folder.resolve("llama"));
        Map<String, int[]> shapes = new LinkedHashMap<>();
        shapes.put("model.embed_tokens.weight", new int[] {VOCABULARY, D_IN});
        shapes.put("lm_head.weight", new int[] {VOCABULARY, D_IN});
        shapes.put("model.norm.weight", new int[] {D_IN});
        for (String norm : List.of("input_layernorm", "post_attention_layernorm")) {
            shapes.put("model.layers.0." + norm + ".weight", new int[] {D_IN});
        }
        for (String matrix : List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj",
                "mlp.up_proj", "mlp.down_proj")) {
            shapes.put("model.layers.0." + matrix + ".weight", new int[] {D_IN, D_IN});
        }
        StringJoiner header = new StringJoiner(",", "{", "}");
        long end = 0;
        for (Map.Entry<String, int[]> shape : shapes.entrySet()) {
            long from = end;
            end += Arrays.stream(shape.getValue()).asLongStream().reduce(Float.BYTES, (a, b) -> a * b);
            header.add("\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}".formatted(shape.getKey(),
                    Arrays.toString(shape.getValue()).replace(" ", ""), from, end));
        }
        write(path.resolve("model.safetensors"), header.toString(), end);
        Files.writeString(path.resolve("config.json"), """
                {"model_type": "llama", "vocab_size": %d, "hidden_size": %2$d, "intermediate_size": %2$d, "num_hidden_layers": 1,
                 "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 64, "rms_norm_eps": 1e-5,
                 "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": false}
                """.formatted(VOCABULARY, D_IN));
        return path;
    }

    private static Packaged.Outcome sae(String heap, String... arguments) {
        List<String> command = new ArrayList<>(List.of("-Xmx" + heap, "--add-modules", Packaged.VECTOR, "-cp", Packaged.classPath(),
                "org.sae4j.cli.Main"));
        command.addAll(List.of(arguments));
        return Packaged.java(folder, command.toArray(String[]::new));
    }

    private static String oneError(Packaged.Outcome outcome) {
        assertThat(outcome.exit()).as(outcome.err()).isEqualTo(1);
        List<String> lines = outcome.err().lines().filter(line -> !line.startsWith("WARNING")).filter(line -> !line.startsWith("engine"))
                .toList();
        assertThat(lines).hasSize(1);
        return lines.getFirst();
    }

    private static void assertRefused(Path autoencoder, String where) {
        String error = oneError(sae("160m", "encode", "--engine", "cpu", "--sae", autoencoder.toString(), "--input", "x.safetensors",
                "--tensor", "x", "--output", "out.safetensors"));
        assertThat(error).startsWith("error: ").containsPattern("needs \\d{8,} bytes").contains(where).containsPattern("available are \\d+")
                .contains("-Xmx");
        assertThat(folder.resolve("out.safetensors")).doesNotExist();
    }

    @Test
    void anAutoencoderThatDoesNotFitIntoTheHeapSaysBytesNeededAndAvailable() throws IOException {
        assertRefused(autoencoder("F32", 4, D_SAE), "of Java heap");
    }

    /** Half precision is converted, outside of the heap. */
    @Test
    void anAutoencoderThatDoesNotFitIntoTheMachineSaysBytesNeededAndAvailable() throws IOException {
        long memory = ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();
        assertRefused(autoencoder("F16", 2, (int) Math.min(1 << 30, 2 * memory / (D_IN * Float.BYTES))), "outside of the Java heap");
    }

    /** All that a whole pass needs is added up and refused at once, not weight by weight as they are made ready. */
    @Test
    void aTransformerThatDoesNotFitIsRefusedBeforeAnythingIsDone() throws IOException {
        String model = transformer().toString();
        String config = folder.resolve("llama/config.json").toString();
        List<List<String>> commands = List.of(List.of("generate", "--model", model, "--tokens", "1,2,3", "--max-new-tokens", "2"),
                List.of("activations", "--model", model, "--tokens", "1,2,3", "--hook", "logits", "--output", "llama.safetensors"),
                List.of("run", "causal-tracing", "--model", model, "--output", "traced", "--facts", config));
        for (List<String> command : commands) {
            List<String> all = new ArrayList<>(command);
            all.addAll(1, List.of("--engine", "cpu"));
            String error = oneError(sae("96m", all.toArray(String[]::new)));
            Matcher numbers = Pattern.compile("error: needs (\\d+) bytes of Java heap, available are (\\d+), .*-Xmx.*").matcher(error);
            assertThat(error).matches(numbers.pattern());
            assertThat(numbers.matches()).isTrue();
            assertThat(Long.parseLong(numbers.group(1))).isBetween((VOCABULARY + 7L * D_IN) * D_IN * Float.BYTES,
                    (VOCABULARY + 7L * D_IN) * D_IN * Float.BYTES + (4 << 20));
        }
        assertThat(folder.resolve("llama.safetensors")).doesNotExist();
        Packaged.Outcome early = sae("96m", "activations", "--engine", "cpu", "--model", model, "--tokens", "1,2,3", "--hook",
                "blocks.0.hook_resid_post", "--output", "early.safetensors");
        assertThat(early.exit()).as("a pass without logits has room: " + early.err()).isZero();
    }

    @Test
    void theSameAutoencoderCanBeInspectedWithLittleMemory() throws IOException {
        Packaged.Outcome outcome = sae("64m", "inspect", autoencoder("F32", 4, D_SAE).toString());
        assertThat(outcome.exit()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains(Integer.toString(D_SAE));
    }

    /** Checked before the model has read a text; nothing is written. */
    @Test
    void aBufferThatDoesNotFitIsRefusedBeforeTrainingBegins() {
        String error = oneError(sae("160m", "train", "--engine", "cpu", "--recipe", "openai-topk", "--model", demo.model().toString(),
                "--text", demo.model().resolve("config.json").toString(), "--hook", "hook_embed", "--buffer", "20000000", "--output", "t"));
        assertThat(error).containsPattern("needs \\d{9,} bytes of Java heap for a buffer of 20000000 activations, available are \\d+")
                .contains("choose a smaller buffer", "-Xmx");
        assertThat(folder.resolve("t/sae_weights.safetensors")).doesNotExist();
    }

    /** Somewhere between far too little and enough every kind of allocation is the one that fails. */
    @ParameterizedTest
    @ValueSource(strings = {"12m", "20m", "32m", "48m"})
    void anExhaustedHeapIsOneLine(String heap) {
        Packaged.Outcome outcome = sae(heap, "activations", "--engine", "cpu", "--model", demo.model().toString(), "--text",
                "The cat slept.", "--hook", "logits", "--output", "a" + heap + ".safetensors");
        if (outcome.exit() != 0) {
            assertThat(oneError(outcome)).startsWith("error: ").containsPattern("bytes|heap");
        }
    }
}
