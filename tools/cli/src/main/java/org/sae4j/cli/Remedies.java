package org.sae4j.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The library says in terms of Java what can be done about a failure. These are the same in terms of commands: each name of a class or method
 * that a remedy may hold, and the option or command that stands for it.
 */
final class Remedies {
    private static final Map<String, String> COMMANDS = new LinkedHashMap<>();

    static {
        COMMANDS.put("ExperimentRun.Builder.autoencoder", "--sae DIR");
        COMMANDS.put("ExperimentRun.Builder.corpus", "--corpus FILE.tsv (label, tab, text)");
        COMMANDS.put("ExperimentRun.Builder.facts", "--facts FILE.json");
        COMMANDS.put("Experiments.installed", "sae experiments");
        COMMANDS.put("Plugins.in", "--plugin-path FOLDER");
    }

    private Remedies() {
    }

    /** {@return the names that are translated} */
    static Set<String> names() {
        return COMMANDS.keySet();
    }

    /** {@return the message of a failure, for people at a command line} */
    static String forCommands(String message) {
        String text = message;
        for (Map.Entry<String, String> command : COMMANDS.entrySet()) {
            text = text.replace(command.getKey(), command.getValue());
        }
        return text;
    }
}
