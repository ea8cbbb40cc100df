package org.sae4j.core.format;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/**
 * Arbitrary bytes as files, or as the part of a file that decides what is read. A normal run takes the seeds beside this class; with the
 * environment variable {@code JAZZER_FUZZ=1} Jazzer looks for new inputs in the one test that is asked for, for ten seconds.
 */
@Tag("fuzz")
class FormatFuzzTest {
    /** Golden cases, and the file in each that the fuzzer writes. */
    private static final List<Map.Entry<String, String>> CONFIGS = List.of(Map.entry("sae/saelens_standard", "cfg.json"),
            Map.entry("sae/nanda_f16", "0_cfg.json"), Map.entry("sae/sparsify/skip", "cfg.json"), Map.entry("sae/dl_topk", "config.json"),
            Map.entry("transformer/hf_f32", "config.json"), Map.entry("transformer/lens_pth", "config.json"),
            Map.entry("transformer/hf_sharded_untied", "model.safetensors.index.json"));

    @TempDir
    private Path folder;

    @FuzzTest(maxDuration = "10s")
    void weights(byte[] data) throws IOException {
        read(Files.write(folder.resolve("weights.pt"), data));
    }

    @FuzzTest(maxDuration = "10s")
    void safetensors(byte[] data) throws IOException {
        int header = Math.min(data.length, 400);
        ByteBuffer file = ByteBuffer.allocate(Long.BYTES + data.length).order(ByteOrder.LITTLE_ENDIAN).putLong(header).put(data);
        read(Files.write(folder.resolve("weights.safetensors"), file.array()));
    }

    @FuzzTest(maxDuration = "10s")
    void gguf(byte[] data) throws IOException {
        ByteBuffer file = ByteBuffer.allocate(2 * Integer.BYTES + data.length).order(ByteOrder.LITTLE_ENDIAN).putInt(0x46554747).putInt(3)
                .put(data);
        read(Files.write(folder.resolve("model.gguf"), file.array()));
    }

    /** The archive around the pickle is sound, which mutation alone would hardly find. */
    @FuzzTest(maxDuration = "10s")
    void pickle(byte[] data) throws IOException {
        read(zip("weights.pt", Map.of("archive/data.pkl", data, "archive/data/0", new byte[64])));
    }

    @FuzzTest(maxDuration = "10s")
    void npy(byte[] data) throws IOException {
        read(zip("params.npz", Map.of("W_enc.npy", data)));
    }

    @FuzzTest(maxDuration = "10s")
    void configs(byte[] data) throws IOException {
        if (data.length == 0) {
            return;
        }
        Map.Entry<String, String> config = CONFIGS.get((data[0] & 0xff) % CONFIGS.size());
        Path source = GoldenFiles.folder("sae").resolveSibling(config.getKey());
        Path target = Files.createDirectories(folder.resolve(config.getKey()));
        for (String name : source.toFile().list()) {
            if (!Files.exists(target.resolve(name))) {
                Files.copy(source.resolve(name), target.resolve(name));
            }
        }
        Path file = Files.write(target.resolve(config.getValue()), Arrays.copyOfRange(data, 1, data.length));
        try {
            Inspector.inspect(file);
            if (config.getKey().startsWith("sae")) {
                SaeFiles.read(target).close();
            } else {
                TransformerFiles.read(target).close();
            }
        } catch (FormatException refused) {
            // The only way in which a reader may fail.
        }
    }

    @FuzzTest(maxDuration = "10s")
    void tokenizer(byte[] data) throws IOException {
        Path file = Files.write(folder.resolve("tokenizer.json"), data);
        try {
            TokenizerFiles.read(file).encode("The capital of France is Paris");
        } catch (FormatException refused) {
            // The only way in which a reader may fail.
        }
    }

    private static void read(Path file) {
        try {
            Inspector.inspect(file);
            SaeFiles.read(file).close();
        } catch (FormatException refused) {
            // The only way in which a reader may fail.
        }
    }

    private Path zip(String name, Map<String, byte[]> entries) throws IOException {
        Path path = folder.resolve(name);
        try (OutputStream out = Files.newOutputStream(path); ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.setMethod(ZipOutputStream.STORED);
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                ZipEntry header = new ZipEntry(entry.getKey());
                CRC32 crc = new CRC32();
                crc.update(entry.getValue());
                header.setSize(entry.getValue().length);
                header.setCrc(crc.getValue());
                zip.putNextEntry(header);
                zip.write(entry.getValue());
            }
        }
        return path;
    }
}
