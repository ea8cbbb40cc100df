package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class MainTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        CommandLine commandLine = Main.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(args);
    }

    @Test
    void versionIsTheOneOfTheBuild() {
        assertThat(run("--version")).isZero();
        assertThat(out.toString()).startsWith("sae4j ").containsPattern("\\d+\\.\\d+\\.\\d+").doesNotContain("${");
    }

    @Test
    void helpListsTheCommands() {
        assertThat(run("--help")).isZero();
        assertThat(out.toString()).contains("Usage: sae").contains("doctor");
    }

    @Test
    void doctorNamesTheRunningJava() {
        assertThat(run("doctor")).isZero();
        assertThat(out.toString()).contains(Runtime.version().toString());
    }

    @Test
    void anUnknownCommandIsWrongUsageEvenWhereHelpIsAskedFor() {
        assertThat(run("nonsense", "--help")).isEqualTo(2);
        assertThat(err.toString()).contains("nonsense");
        assertThat(run("store", "nonsense", "--help")).isEqualTo(2);
        assertThat(run("store", "shuffle", "--help")).isZero();
    }

    @Test
    void threadsAreCheckedBeforeAnythingIsOpened() {
        for (String threads : new String[] {"-1", "1025"}) {
            err.getBuffer().setLength(0);
            assertThat(run("encode", "--sae", ".", "--input", ".", "--tensor", "x", "--output", "o", "--threads", threads)).isEqualTo(2);
            assertThat(err.toString()).contains("--threads is 0, for one per processor, to 1024, found " + threads);
        }
    }

    @Test
    void outputThatIsNotDeliveredIsAFailureAndAReaderThatHasGoneIsNone() {
        CommandLine command = Main.commandLine();
        command.setErr(new PrintWriter(err, true));
        for (String reason : new String[] {"No space left on device", "Bad file descriptor", "Broken pipe"}) {
            StandardOutput output = new StandardOutput(new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    throw new IOException(reason);
                }
            });
            assertThat(output.exitCode(0, command)).as("nothing was printed").isZero();
            err.getBuffer().setLength(0);
            PrintStream stream = new PrintStream(output, true, StandardCharsets.UTF_8);
            stream.println("a line");
            if (reason.equals("Broken pipe")) {
                assertThat(output.exitCode(0, command)).isZero();
                assertThat(err.toString()).isEmpty();
            } else {
                assertThat(output.exitCode(0, command)).isEqualTo(1);
                assertThat(output.exitCode(2, command)).isEqualTo(2);
                assertThat(err.toString()).contains("standard output cannot be written (" + reason + ")");
            }
        }
    }

    @Test
    void nothingThatIsNamedMovesTheCursor() {
        assertThat(run("inspect", "no\u001b[31msuch\u202e\u0007file")).isEqualTo(1);
        assertThat(err.toString()).contains("no?[31msuch??file").doesNotContain("\u001b");
        StringWriter masked = new StringWriter();
        try (PrintWriter writer = new PrintWriter(Printable.writer(masked))) {
            writer.printf("a\u009b2Jb\tc %s%n", "\ud83d\ude00\r");
            writer.write('\u001b');
        }
        assertThat(masked.toString()).isEqualTo("a?2Jb\tc \ud83d\ude00?" + System.lineSeparator() + "?");
        assertThat(Printable.line("a\nb")).isEqualTo("a?b");
    }

    @Test
    void noCommandIsWrongUsage() {
        assertThat(run()).isEqualTo(2);
        assertThat(err.toString()).contains("a command is missing");
    }
}
