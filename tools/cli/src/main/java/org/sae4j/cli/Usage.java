package org.sae4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import picocli.CommandLine.Model.CommandSpec;
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
     * Refuses a command line that lacks something, and names all that it lacks.
     *
     * @param required in turn what is required, as the message says it, and its value
     */
    static void require(CommandSpec spec, @Nullable Object... required) {
        List<String> missing = new ArrayList<>();
        for (int i = 0; i < required.length; i += 2) {
            if (required[i + 1] == null) {
                missing.add(String.valueOf(required[i]));
            }
        }
        if (!missing.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "Missing required " + (missing.size() == 1 ? "option: " : "options: ")
                    + String.join(", ", missing));
        }
    }
}
