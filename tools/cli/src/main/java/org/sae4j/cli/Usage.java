package org.sae4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/** What is wrong with a command line rather than with what it names. */
final class Usage {
    private Usage() {
    }

    /** Reads an argument; what it refuses, such as a name that nothing has, is wrong usage. */
    static <T> T argument(CommandSpec spec, Supplier<T> parsed) {
        try {
            return parsed.get();
        } catch (Sae4jException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    /**
     * What a command line lacks.
     *
     * @param required in turn what is required, as the message says it, and its value
     * @return the names of what has no value
     */
    static List<String> absent(@Nullable Object... required) {
        List<String> missing = new ArrayList<>();
        for (int i = 0; i < required.length; i += 2) {
            if (required[i + 1] == null) {
                missing.add(String.valueOf(required[i]));
            }
        }
        return missing;
    }

    /** {@return the refusal of a command line that lacks something} */
    static ParameterException missing(CommandLine command, List<String> missing) {
        return new ParameterException(command, message(missing));
    }

    /**
     * What to say where the parser misses something: that, and what else the command needs.
     *
     * @param error the parser's
     * @return all that is missing
     */
    static String message(MissingParameterException error) {
        List<String> missing = new ArrayList<>();
        for (ArgSpec argument : error.getMissing()) {
            missing.add(argument instanceof OptionSpec option ? "'" + option.longestName() + "=" + option.paramLabel() + "'"
                    : "'" + argument.paramLabel() + "'");
        }
        if (missing.isEmpty()) {
            return String.valueOf(error.getMessage());
        }
        if (error.getCommandLine().getCommand() instanceof Needs needs) {
            missing.addAll(needs.missing());
        }
        return message(missing);
    }

    private static String message(List<String> missing) {
        long options = missing.stream().filter(m -> m.startsWith("'-")).count();
        String what = options == missing.size() ? "option" : options == 0 ? "parameter" : "argument";
        return "Missing required " + what + (missing.size() == 1 ? ": " : "s: ") + String.join(", ", missing);
    }
}
