package org.sae4j.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.Tensor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Broken and malicious files: a {@link FormatException} that names the file, never another failure, never a huge allocation. */
class HostileFilesTest {
    @TempDir
    private Path folder;

    private static Path golden(String path) {
        return GoldenFiles.folder("sae").resolveSibling(path);
    }

    /** Copies a case, and gives the path of one of its files there. */
    private Path copy(String source, String file) throws IOException {
        try (Stream<Path> files = Files.list(golden(source))) {
            for (Path from : files.toList()) {
                Files.copy(from, folder.resolve(from.getFileName()));
            }
        }
        return folder.resolve(file);
    }

    private void readAnything() {
        if (Files.exists(folder.resolve("config.json")) && !Files.exists(folder.resolve("ae.pt"))) {
            TransformerFiles.read(folder).close();
        } else {
            SaeFiles.read(folder).close();
        }
    }

    @ParameterizedTest
    @CsvSource({"sae/saelens_f16, sae_weights.safetensors", "sae/saelens_f16, cfg.json", "sae/saelens_standard, sparsity.safetensors",
            "sae/nanda_f16, 0.pt", "sae/nanda_f16, 0_cfg.json", "sae/gemma_scope_compressed, params.npz", "sae/gemma_scope, params.npz",
            "sae/sparsify/skip, sae.safetensors", "sae/sparsify/transcode, cfg.json", "sae/dl_topk, ae.pt", "sae/dl_topk, config.json",
            "sae/openai_topk, autoencoder.pt", "transformer/hf_f32, config.json", "transformer/lens_pth, config.json",
            "transformer/hf_sharded_untied, model.safetensors.index.json", "transformer/hf_scaled, pytorch_model.bin.index.json"})
    void truncationAtAnyByteIsRefused(String source, String file) throws IOException {
        Path path = copy(source, file);
        refuseEveryTruncation(path, this::readAnything);
    }

    @ParameterizedTest
    @CsvSource({"transformer/hf_f32, model.safetensors", "transformer/hf_bin_bf16, pytorch_model.bin",
            "transformer/lens_pth, model_final.pth"})
    void truncationOfATransformerIsRefused(String source, String file) throws IOException {
        Path path = copy(source, file);
        byte[] whole = Files.readAllBytes(path);
        readAnything();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            // Larger files: every byte of the first thousand and of the last, every 97th between.
            for (int length = whole.length - 1; length >= 0; length -= length > 1000 && length < whole.length - 1000 ? 97 : 1) {
                channel.truncate(length);
                assertThatThrownBy(this::readAnything).as("%d of %d bytes", length, whole.length).isInstanceOf(FormatException.class);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"sae/saelens_f16, sae_weights.safetensors", "sae/nanda_f16, 0.pt", "sae/gemma_scope_compressed, params.npz"})
    void truncationAtAnyByteIsRefusedByTheInspector(String source, String file) throws IOException {
        Path path = copy(source, file);
        refuseEveryTruncation(path, () -> Inspector.inspect(path));
    }

    @ParameterizedTest
    @ValueSource(strings = {"vocab.json", "merges.txt", "special_tokens_map.json", "tokenizer_config.json"})
    void truncationOfATokenizersFilesAtAnyByteIsRefused(String file) throws IOException {
        JsonNode json = new JsonMapper().readTree(Files.readString(golden("FormatFuzzTestInputs/tokenizer/small")));
        Files.writeString(folder.resolve("vocab.json"), json.get("model").get("vocab").toString());
        Files.writeString(folder.resolve("merges.txt"), "#version: 0.2\n" + json.get("model").get("merges").valueStream()
                .map(merge -> merge.isString() ? merge.stringValue() : merge.get(0).stringValue() + " " + merge.get(1).stringValue())
                .collect(Collectors.joining("\n")));
        Files.writeString(folder.resolve("special_tokens_map.json"), "{\"bos_token\": \"<|endoftext|>\"}");
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"bos_token\": {\"content\": \"<|endoftext|>\"}}");
        refuseEveryTruncation(folder.resolve(file), () -> TokenizerFiles.read(folder));
    }

    @Test
    void truncationOfATokenizerAtAnyByteIsRefused() throws IOException {
        Path path = Files.copy(golden("FormatFuzzTestInputs/tokenizer/small"), folder.resolve("tokenizer.json"));
        refuseEveryTruncation(path, () -> TokenizerFiles.read(path));
    }

    private static void refuseEveryTruncation(Path path, ThrowingCallable read) throws IOException {
        byte[] whole = Files.readAllBytes(path);
        assertThatCode(read).doesNotThrowAnyException();
        boolean text = path.toString().endsWith(".json");
        int sound = text ? new String(whole, StandardCharsets.ISO_8859_1).stripTrailing().length() : whole.length;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            for (int length = sound - 1; length >= 0; length--) {
                channel.truncate(length);
                assertThatThrownBy(read).as("%d of %d bytes", length, whole.length).isInstanceOf(FormatException.class);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"sae/saelens_f16, sae_weights.safetensors, 150", "sae/saelens_gated, cfg.json, 300", "sae/nanda_views, 47.pt, 300",
            "sae/dl_backup, ae.pt, 300", "sae/openai_topk, autoencoder.pt, 300", "sae/gemma_scope_compressed, params.npz, 300",
            "sae/gemma_scope, params.npz, 150", "transformer/hf_bin_bf16, pytorch_model.bin, 200", "transformer/lens_pth, config.json, 200",
            "transformer/hf_sharded_untied, model.safetensors.index.json, 100"})
    void flippedBitsAreReadOrRefused(String source, String file, int rounds) throws IOException {
        Path path = copy(source, file);
        byte[] whole = Files.readAllBytes(path);
        SplittableRandom random = new SplittableRandom(11);
        for (int round = 0; round < rounds; round++) {
            byte[] flipped = whole.clone();
            int count = 1 + random.nextInt(3);
            for (int i = 0; i < count; i++) {
                int at = random.nextBoolean() ? random.nextInt(Math.min(600, whole.length)) : random.nextInt(whole.length);
                flipped[at] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(path, flipped);
            try {
                readAnything();
                Inspector.inspect(path);
            } catch (FormatException refused) {
                assertThat(refused.where()).as("round %d", round).isNotBlank();
            }
        }
    }

    @Test
    void flippedBitsInATokenizerAreReadOrRefused() throws IOException {
        byte[] whole = Files.readAllBytes(TokenizerOracleTest.BASE);
        SplittableRandom random = new SplittableRandom(12);
        Path path = folder.resolve("tokenizer.json");
        for (int round = 0; round < 60; round++) {
            byte[] flipped = whole.clone();
            flipped[round % 2 == 0 ? random.nextInt(1500) : random.nextInt(whole.length)] ^= (byte) (1 << random.nextInt(7));
            Files.write(path, flipped);
            try {
                var tokenizer = TokenizerFiles.read(path);
                tokenizer.decode(tokenizer.encode("The capital of France is Paris.").ids());
            } catch (FormatException refused) {
                assertThat(refused.where()).contains("tokenizer.json");
            }
        }
    }

    private Path safetensors(String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(json.length).put(json);
        return Files.write(folder.resolve("x.safetensors"), file.array());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}} | 12 | gap
            {"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[12,16]}} | 16 | gap
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}} | 12 | gap or overlap
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} | 12 | the file has 12
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} | 4 | leave the file
            {"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}} | 8 | needs 3 x 4 bytes
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}} | 8 | leave the file
            {"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}} | 8 | from 0 to 2^31-1
            {"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,8]}} | 8 | too many elements
            {"a":{"dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8]}} | 8 | from 0 to 2^31-1
            {"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,8]}} | 8 | from 0 to 2^31-1
            {"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}} | 8 | F8_E4M3
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} | 8 | not valid JSON
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x | 8 | not valid JSON
            {"a":7} | 0 | two data_offsets
            {"__metadata__":{"a":1}} | 0 | expected a string
            {"a": | 0 | not valid JSON
            [1,2] | 0 | begins with {
            """)
    void unsoundSafetensorsAreRefused(String header, int bytes, String reason) throws IOException {
        Path path = safetensors(header, bytes);
        assertThatThrownBy(() -> SafetensorsFile.open(path)).isInstanceOf(FormatException.class).hasMessageContaining(reason)
                .hasMessageContaining("x.safetensors");
    }

    @Test
    void namesFromAFileCannotBreakAMessage() throws IOException {
        Path path = safetensors("{\"a\\n\\u001b[31m\":{\"dtype\":\"X\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8);
        assertThatThrownBy(() -> SafetensorsFile.open(path)).isInstanceOf(FormatException.class).hasMessageContaining("a??[31m")
                .message().doesNotContain("\n", "\u001b");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, Long.MAX_VALUE, -1, Long.MIN_VALUE, 1L << 40, 33L << 20})
    void absurdHeaderLengthsAreRefusedWithoutAllocating(long length) throws IOException {
        Path path = Files.write(folder.resolve("x.safetensors"), ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN).putLong(length)
                .array());
        assertThatThrownBy(() -> SafetensorsFile.open(path)).isInstanceOf(FormatException.class).hasMessageContaining("header's length");
    }

    @Test
    void deepJsonIsRefused() throws IOException {
        Path path = safetensors("{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}", 0);
        assertThatThrownBy(() -> SafetensorsFile.open(path)).isInstanceOf(FormatException.class).hasMessageContaining("not valid JSON");
    }

    @Test
    void otherEncodingsOfJsonAreRefused() throws IOException {
        Files.write(folder.resolve("config.json"), "{}".getBytes(StandardCharsets.UTF_16BE));
        assertThatThrownBy(() -> TransformerFiles.read(folder)).isInstanceOf(FormatException.class);
        Files.write(folder.resolve("config.json"), new byte[] {'{', '"', (byte) 0xc3, '"', ':', '1', '}'});
        assertThatThrownBy(() -> TransformerFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("UTF-8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../outside.safetensors", "/etc/passwd", "sub/../../x", "a\\\\b", "..", "model.safetensors.index.json", ""})
    void anIndexCannotPointOutsideItsFolder(String shard) throws IOException {
        Path index = copy("transformer/hf_sharded_untied", "model.safetensors.index.json");
        Files.writeString(index, Files.readString(index).replaceFirst("model-00001-of-00002.safetensors", shard.replace("\\", "\\\\")));
        assertThatThrownBy(() -> TransformerFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("plain file name");
    }

    @Test
    void aZipBombIsRefusedBeforeItIsInflated() throws IOException {
        Path path = folder.resolve("params.npz");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path))) {
            zip.putNextEntry(new ZipEntry("W_enc.npy"));
            byte[] zeros = new byte[1 << 20];
            byte[] header = "{'descr': '<f4', 'fortran_order': False, 'shape': (128, 262112), }\n".getBytes(StandardCharsets.US_ASCII);
            zip.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) header.length, 0});
            zip.write(header);
            for (int i = 0; i < 128; i++) {
                zip.write(zeros);
            }
        }
        assertThat(Files.size(path)).isLessThan(1 << 20);
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("claims to inflate");
    }

    /** A torch file with a pickle of our own. */
    private Path torch(byte[] pickle) throws IOException {
        Path path = folder.resolve("0.pt");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(path))) {
            zip.setMethod(ZipOutputStream.STORED);
            ZipEntry entry = new ZipEntry("archive/data.pkl");
            CRC32 crc = new CRC32();
            crc.update(pickle);
            entry.setSize(pickle.length);
            entry.setCrc(crc.getValue());
            zip.putNextEntry(entry);
            zip.write(pickle);
        }
        return path;
    }

    private static byte[] bytes(Object... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (Object part : parts) {
            if (part instanceof Integer value) {
                out.write(value);
            } else {
                out.writeBytes(part.toString().getBytes(StandardCharsets.ISO_8859_1));
            }
        }
        return out.toByteArray();
    }

    @Test
    void picklesThatCallCodeAreRefusedByName() throws IOException {
        torch(bytes(0x80, 2, "cposix\nsystem\n(X", 4, 0, 0, 0, "truetR."));
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("posix.system");
        torch(bytes(0x80, 2, "cbuiltins\neval\n."));
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("builtins.eval");
        torch(bytes(0x80, 4, "}."));
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("protocol 4");
        torch(bytes(0x80, 2, "i"));
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("opcode 0x69");
    }

    @Test
    void unsoundPicklesAreRefused() throws IOException {
        for (byte[] pickle : new byte[][] {bytes(), bytes('.'), bytes("a"), bytes("t"), bytes("(."), bytes("}(u."), bytes("NN."),
                bytes("](e"),
                bytes("h", 7, "."), bytes("X", 255, 255, 255, 255), bytes("U", 200, "a"), bytes(0x8a, 255, 1), bytes("}}Ns."),
                bytes("N)R."),
                bytes("}", 0x86, "."), bytes("NQ."), bytes("]q", 0, "h", 0, "a."), bytes("}q", 0, "X", 1, 0, 0, 0, "ah", 0, "s.")}) {
            torch(pickle);
            assertThatThrownBy(() -> SaeFiles.read(folder)).as(Arrays.toString(pickle)).isInstanceOf(FormatException.class);
            assertThatCode(() -> {
                try {
                    Inspector.inspect(folder);
                } catch (FormatException refused) {
                    assertThat(refused.where()).contains("0.pt");
                }
            }).doesNotThrowAnyException();
        }
    }

    @Test
    void legacyTorchFilesAreNamed() throws IOException {
        Files.write(folder.resolve("0.pt"), bytes(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'));
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class)
                .hasMessageContaining("legacy format of torch before 1.6");
    }

    /** A config that is a device would be read without end. */
    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void devicesAndFoldersAreNotRead() throws IOException {
        Path cfg = copy("sae/saelens_standard", "cfg.json");
        Files.delete(cfg);
        Files.createSymbolicLink(cfg, Path.of("/dev/zero"));
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("not a regular file")
                .hasMessageContaining("cfg.json");
        Files.delete(cfg);
        Files.createDirectory(cfg);
        assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining("a folder where a file");
    }

    @Test
    void configsThatDisagreeWithTheArchitectureAreRefused() throws IOException {
        Path cfg = copy("sae/saelens_standard", "cfg.json");
        String json = Files.readString(cfg);
        for (String[] change : new String[][] {{"\"standard\"", "\"crosscoder\"", "crosscoder"}, {"\"standard\"", "\"topk\"", "without k"},
                {"\"standard\"", "\"jumprelu\"", "threshold"}, {"\"standard\"", "\"gated\"", "b_gate"},
                {"\"none\"", "\"softmax\"", "softmax"},
                {"\"standard\"", "\"transcoder\"", "apply_b_dec_to_input"}, {"true", "1", "expected true or false"},
                {"12", "\"x\"", "expected an integer"}}) {
            Files.writeString(cfg, json.replaceFirst(change[0], change[1]));
            assertThatThrownBy(() -> SaeFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining(change[2]);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "gpt2" | "mamba" | mamba
            "add_cross_attention": false | "add_cross_attention": true | cross-attention
            "gelu_new" | "silu" | silu
            "n_layer": 2 | "n_layer": 3 | has 3 blocks
            "n_head": 3 | "n_head": 5 | not a multiple
            "n_head": 3 | "n_head": 0 | not a multiple
            "layer_norm_epsilon": 1e-05 | "layer_norm_epsilon": -1 | epsilon
            "tie_word_embeddings": true | "tie_word_embeddings": false | lm_head
            """)
    void transformersThatAreNotSupportedAreRefusedWithTheReason(String from, String to, String reason) throws IOException {
        Path config = copy("transformer/hf_f32", "config.json");
        String json = Files.readString(config);
        assertThat(json).contains(from);
        Files.writeString(config, json.replace(from, to));
        assertThatThrownBy(() -> TransformerFiles.read(folder)).isInstanceOf(FormatException.class).hasMessageContaining(reason)
                .hasMessageContaining("config.json");
    }

    @Test
    void aTransformerWithAWeightThatIsNotFiniteIsRefusedByName() throws IOException {
        Path weights = copy("transformer/hf_f32", "model.safetensors");
        Map<String, Tensor> tensors = new TreeMap<>();
        try (SafetensorsFile file = SafetensorsFile.open(weights)) {
            for (String name : file.names()) {
                tensors.put(name, Tensor.of(file.tensor(name).toArray(), file.shape(name)));
            }
        }
        float[] broken = tensors.get("transformer.h.1.mlp.c_fc.weight").toArray();
        broken[17] = Float.NEGATIVE_INFINITY;
        tensors.put("transformer.h.1.mlp.c_fc.weight", Tensor.of(broken, tensors.get("transformer.h.1.mlp.c_fc.weight").shape()));
        SafetensorsWriter.write(weights, tensors, Map.of());
        assertThatThrownBy(() -> TransformerFiles.read(folder)).isInstanceOf(FormatException.class)
                .hasMessageContaining("transformer.h.1.mlp.c_fc.weight").hasMessageContaining("-Infinity at element 17");
    }
}
