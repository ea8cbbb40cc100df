package org.sae4j.core.format;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/**
 * Arbitrary bytes as files. A normal run takes the seeds beside this class; with the environment variable {@code JAZZER_FUZZ=1} Jazzer
 * looks for new inputs in the one test that is asked for, for ten seconds.
 */
@Tag("fuzz")
class FormatFuzzTest {
    @TempDir
    private Path folder;

    @FuzzTest(maxDuration = "10s")
    void weights(byte[] data) throws IOException {
        Path file = Files.write(folder.resolve("weights.pt"), data);
        try {
            Inspector.inspect(file);
            SaeFiles.read(file).close();
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
}
