package org.sae4j.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/**
 * Standard output that remembers whether all of it was delivered: print streams swallow failures, and a command whose output is lost has not
 * succeeded.
 */
final class StandardOutput extends OutputStream {
    private final OutputStream out;
    private @Nullable IOException failure;

    StandardOutput(OutputStream out) {
        this.out = out;
    }

    /** Takes the place of the process's standard output. */
    static StandardOutput install() {
        StandardOutput installed = new StandardOutput(new FileOutputStream(FileDescriptor.out));
        System.setOut(new PrintStream(installed, true, System.out.charset()));
        return installed;
    }

    /** {@return a writer for commands, on which no file can move the cursor} */
    static PrintWriter writer() {
        return new PrintWriter(Printable.writer(new PrintWriter(System.out, true, System.out.charset())), true);
    }

    @Override
    public synchronized void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public synchronized void write(byte[] bytes, int from, int length) throws IOException {
        if (failure == null) {
            try {
                out.write(bytes, from, length);
            } catch (IOException e) {
                failure = e;
                throw e;
            }
        }
    }

    /**
     * The exit code of a command that has printed all it had to say. A reader that has gone, as {@code head} does, has what it wanted.
     *
     * @param code the command's own
     */
    synchronized int exitCode(int code, CommandLine command) {
        if (failure == null || String.valueOf(failure.getMessage()).contains("Broken pipe")) {
            return code;
        }
        return Failures.undelivered(failure, code, command);
    }
}
