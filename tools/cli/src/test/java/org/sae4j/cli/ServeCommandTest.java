package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What is refused before anything is opened; the server itself is tested in its module. */
class ServeCommandTest {
    @TempDir
    private Path folder;
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    @Test
    void wrongUsageIsExplained() throws IOException {
        String model = Files.createDirectory(folder.resolve("model")).toString();
        assertThat(run("serve", "--model", model)).isEqualTo(2);
        assertThat(run("serve", "--model", model, "--sae", model, "--port", "70000")).isEqualTo(2);
        assertThat(run("serve", "--model", model, "--sae", model, "--max-documents", "0")).isEqualTo(2);
        assertThat(run("serve", "--model", model, "--sae", model, "--tokens", model)).isEqualTo(2);
        assertThat(run("serve", "--model", model, "--sae", folder.resolve("none").toString())).isEqualTo(1);
        assertThat(run("serve", "--model", model, "--sae", model, "--watch", folder.resolve("none").toString())).isEqualTo(1);
        assertThat(err.toString()).contains("Missing required option: '--sae=PATH", "--port is from 0 to 65535, found 70000",
                "--max-documents is at least 1", "--tokens are not texts", "--sae", "--watch").doesNotContain("unexpected");
    }
}
