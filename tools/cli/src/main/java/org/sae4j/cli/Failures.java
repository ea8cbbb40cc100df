package org.sae4j.cli;

import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import org.sae4j.api.Sae4jException;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns failures into one line and an exit code. */
final class Failures {
    static final int FAILED = 1;
    static final int WRONG_USAGE = 2;
    static final int INTERRUPTED = 130;

    private Failures() {
    }

    static int wrongUsage(ParameterException error, String[] args) {
        CommandLine command = error.getCommandLine();
        // Where one of several options is missing, picocli puts a word of its own before the message.
        String message = error instanceof MissingParameterException missing ? Usage.message(missing)
                : Objects.requireNonNull(error.getMessage());
        message = message.replaceFirst("^Error: ", "");
        List<String> suggestions =
                error instanceof UnmatchedArgumentException unmatched ? unmatched.getSuggestions() : List.of();
        if (!suggestions.isEmpty()) {
            message += ", did you mean " + String.join(" or ", suggestions) + "?";
        }
        print(command, message + ", see " + command.getCommandSpec().qualifiedName() + " --help");
        return WRONG_USAGE;
    }

    static int failed(Throwable error, CommandLine command, boolean stacktrace) {
        int code = FAILED;
        switch (error) {
            case Sae4jException known -> print(command, Remedies.forCommands(Objects.requireNonNull(known.getMessage())));
            case CancellationException cancelled -> {
                print(command, "interrupted");
                code = INTERRUPTED;
            }
            default -> print(command, "unexpected " + error.getClass().getSimpleName() + ": " + error.getMessage() + ", "
                    + command.getCommandSpec().qualifiedName() + ", run again with --stacktrace and report it");
        }
        if (stacktrace) {
            error.printStackTrace(command.getErr());
        }
        return code;
    }

    static int outOfMemory(OutOfMemoryError error, CommandLine command) {
        print(command, "out of memory (" + error.getMessage() + "), the heap may have " + Runtime.getRuntime().maxMemory()
                + " bytes, raise it with SAE_JAVA_OPTS=-Xmx or use a smaller batch");
        return FAILED;
    }

    static int undelivered(IOException error, int code, CommandLine command) {
        print(command, "standard output cannot be written (" + error.getMessage() + "); the output of the command is lost, "
                + "write it to a disk with free space");
        return code == 0 ? FAILED : code;
    }

    private static void print(CommandLine command, String message) {
        Terminal.endLine();
        command.getErr().println("error: " + Printable.line(message.strip().replaceAll("\\s*\\R\\s*", " ")));
        command.getErr().flush();
    }
}
