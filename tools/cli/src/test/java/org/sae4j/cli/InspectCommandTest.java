package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.SafetensorsWriter;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine;

/** What the command line shows of files. */
class InspectCommandTest {
    @TempDir
    private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int inspect(Path path) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute("inspect", path.toString());
    }

    @Test
    void showsTensorsAndMetadata() {
        Path file = folder.resolve("a.safetensors");
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("W_enc", Tensor.zeros(12, 20));
        tensors.put("b", Tensor.zeros(20));
        SafetensorsWriter.write(file, tensors, Map.of("model", "tiny"));
        assertThat(inspect(file)).as(err.toString()).isZero();
        assertThat(out.toString().lines().map(line -> line.replaceAll(" +", " "))).contains("kind: safetensors file",
                "tensor type shape bytes", "W_enc F32 [12, 20] 960", "b F32 [20] 80", "metadata", " model: tiny");
    }

    @Test
    void knowsAModelsFolder() {
        assertThat(inspect(DemoWorld.extractModel(DemoWorld.GPT2_4L, folder.resolve("gpt2")))).as(err.toString()).isZero();
        assertThat(out.toString()).contains("kind: Hugging Face GPT-2").contains("model_type: gpt2").contains("tensors, ");
    }

    @Test
    void controlCharactersOfAFileDoNotReachTheTerminal() {
        Path file = folder.resolve("evil.safetensors");
        SafetensorsWriter.write(file, Map.of("a\u001b[2Jb", Tensor.zeros(1)), Map.of("c", "d\u001b]0;x\u0007"));
        assertThat(inspect(file)).as(err.toString()).isZero();
        assertThat(out.toString()).contains("a?[2Jb").contains("c: d?]0;x?").doesNotContain("\u001b");
    }

    @Test
    void whatCannotBeReadIsExplained() {
        assertThat(inspect(folder.resolve("nothing"))).isEqualTo(1);
        assertThat(inspect(folder)).isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(2).allMatch(line -> line.startsWith("error: "));
        assertThat(err.toString()).contains("No such file or directory").contains("no file of weights and no tokenizer");
    }
}
