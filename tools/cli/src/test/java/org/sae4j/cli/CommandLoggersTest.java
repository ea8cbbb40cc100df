package org.sae4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** What users see of what the libraries log. */
class CommandLoggersTest {
    private static String logged(boolean error, Runnable log) {
        PrintStream before = error ? System.err : System.out;
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(bytes, true, StandardCharsets.UTF_8);
        try {
            if (error) {
                System.setErr(stream);
            } else {
                System.setOut(stream);
            }
            log.run();
        } finally {
            if (error) {
                System.setErr(before);
            } else {
                System.setOut(before);
            }
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void notesAreLinesAndWarningsGoToStandardError() {
        System.Logger ours = System.getLogger("org.sae4j.test");
        System.Logger other = System.getLogger("other");
        assertThat(logged(false, () -> ours.log(System.Logger.Level.INFO, "{0}: {1}", "file", "it's {2} folded")).strip())
                .isEqualTo("note: file: it's {2} folded");
        assertThat(logged(false, () -> ours.log(System.Logger.Level.DEBUG, "no"))).isEmpty();
        assertThat(logged(false, () -> other.log(System.Logger.Level.INFO, "no"))).isEmpty();
        assertThat(logged(true, () -> other.log(System.Logger.Level.WARNING, "careful", new IllegalStateException("why"))).strip())
                .isEqualTo("warning: careful (java.lang.IllegalStateException: why)");
    }

    @Test
    void aCommandWhoseOutputIsDataLeavesTheNextOnesNotesAlone() {
        CommandLine devices = Main.commandLine();
        devices.setOut(new PrintWriter(new StringWriter()));
        assertThat(devices.execute("devices", "--json")).isZero();
        assertThat(logged(false, () -> System.getLogger("org.sae4j.test").log(System.Logger.Level.INFO, "again")).strip())
                .isEqualTo("note: again");
    }
}
