package org.sae4j.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.internal.json.JsonWriter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** The option that makes a command print one JSON object for programs, and nothing else, on standard output. */
final class JsonOption {
    @Option(names = "--json", description = "Print one JSON object for programs instead of text; notes and progress go to standard error.")
    private boolean json;

    @Spec(Target.MIXEE)
    private CommandSpec spec;

    JsonOption() {
    }

    /** Says, before a command says anything, where notes go; {@return whether JSON is asked for} */
    boolean begin() {
        Terminal.keepOutputForData(json);
        return json;
    }

    /**
     * Prints the object.
     *
     * @param kind what it is, such as {@code devices}: the schema is {@code sae4j/KIND/1}; the number grows when the meaning of a key
     *     changes, new keys may come without
     * @param values the members behind the schema, in order
     */
    void print(String kind, Map<String, ? extends @Nullable Object> values) {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        object.put("schema", "sae4j/" + kind + "/1");
        object.putAll(values);
        spec.commandLine().getOut().print(JsonWriter.indented(object));
        spec.commandLine().getOut().flush();
    }
}
