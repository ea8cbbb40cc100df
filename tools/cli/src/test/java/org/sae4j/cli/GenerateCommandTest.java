package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.model.Tokenizer;
import org.sae4j.core.format.TokenizerFiles;
import org.sae4j.demoworld.DemoWorld;
import picocli.CommandLine;

/** Text out of a model, from the command line. */
class GenerateCommandTest {
    @TempDir
    private Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    private String model() {
        return DemoWorld.extractModel(DemoWorld.GPT2_4L, folder.resolve("gpt2")).toString();
    }

    @Test
    void theModelRecallsAFactAndPrintsOneObject() {
        String model = model();
        // The model's texts begin with this token, which its tokenizer does not add by itself.
        Tokenizer tokenizer = TokenizerFiles.read(Path.of(model));
        String begin = tokenizer.token(tokenizer.bos().orElseThrow());
        assertThat(run("generate", "--model", model, "--text", begin + "The capital of France is", "--max-new-tokens", "3", "--json"))
                .as(err.toString()).isZero();
        assertThat(out.toString().strip()).matches("\\{\"tokens\": ?\\[\\d+, ?\\d+, ?\\d+], ?\"text\": ?\" Paris.*\"}");
    }

    @Test
    void tokensAreContinuedAsTheyAreAndSeedsRepeat() {
        String model = model();
        String[] args = {"generate", "--model", model, "--tokens", "5,6,7", "--max-new-tokens", "8", "--temperature", "1.5", "--top-k", "40",
            "--seed", "3", "--json"};
        assertThat(run(args)).as(err.toString()).isZero();
        String first = out.toString();
        out.getBuffer().setLength(0);
        assertThat(run(args)).isZero();
        assertThat(out.toString()).isEqualTo(first);
    }

    @Test
    void wrongUsageIsExplained() {
        String model = model();
        assertThat(run("generate", "--model", model, "--text", "a", "--max-new-tokens", "0")).isEqualTo(2);
        assertThat(run("generate", "--model", model, "--text", "a", "--max-new-tokens", "2", "--steer", "1=2")).isEqualTo(2);
        assertThat(run("generate", "--model", model, "--text", "a", "--max-new-tokens", "2", "--top-p", "0")).isEqualTo(2);
        assertThat(run("generate", "--model", model, "--tokens", "99999999", "--max-new-tokens", "2")).isEqualTo(1);
        assertThat(err.toString()).contains("--max-new-tokens must be at least 1", "--sae needs either", "top-p", "token id 99999999");
    }
}
