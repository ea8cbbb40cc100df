package org.sae4j.cli;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.core.internal.json.JsonWriter;
import org.sae4j.core.output.OutputFile;

/**
 * What an exploration does, decided once and kept beside what it makes, so that the same command goes on with it.
 *
 * @param inputs what it was decided for: model, texts and the options that the user set, by name
 * @param hook the hook point
 * @param features number of features
 * @param recipe the recipe's name
 * @param k features active for a token
 * @param context tokens in a context
 * @param rows activations that are stored
 * @param steps training steps
 * @param batch activations in a step
 * @param evaluated held-out tokens that the autoencoder is evaluated on
 * @param profiled tokens that features are profiled on
 * @param seconds how long each stage was said to take, by its name
 */
record ExplorePlan(Map<String, String> inputs, String hook, int features, String recipe, int k, int context, long rows, long steps,
        int batch, long evaluated, long profiled, Map<String, Double> seconds) {
    static final String SCHEMA = "sae4j/exploration/1";

    /** {@return the sum of all stages} */
    double total() {
        return seconds.values().stream().mapToDouble(Double::doubleValue).sum();
    }

    void write(Path file) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("schema", SCHEMA);
        json.put("inputs", inputs);
        json.put("hook", hook);
        json.put("features", features);
        json.put("recipe", recipe);
        json.put("k", k);
        json.put("context", context);
        json.put("rows", rows);
        json.put("steps", steps);
        json.put("batch", batch);
        json.put("evaluated", evaluated);
        json.put("profiled", profiled);
        json.put("seconds", seconds);
        OutputFile.write(file, JsonWriter.indented(json).getBytes(StandardCharsets.UTF_8));
    }

    static ExplorePlan read(Path file) {
        try {
            JsonNode json = JsonReader.read(java.nio.file.Files.readString(file));
            Map<String, String> inputs = new LinkedHashMap<>();
            json.path("inputs").properties().forEach(p -> inputs.put(p.getKey(), p.getValue().asString("")));
            Map<String, Double> seconds = new LinkedHashMap<>();
            json.path("seconds").properties().forEach(p -> seconds.put(p.getKey(), p.getValue().doubleValue()));
            return new ExplorePlan(inputs, json.path("hook").asString(""), (int) json.path("features").asLong(0),
                    json.path("recipe").asString(""), (int) json.path("k").asLong(0), (int) json.path("context").asLong(0),
                    json.path("rows").asLong(0), json.path("steps").asLong(0), (int) json.path("batch").asLong(0),
                    json.path("evaluated").asLong(0), json.path("profiled").asLong(0), seconds);
        } catch (java.io.IOException | JsonException e) {
            throw new Sae4jException("the plan of the exploration cannot be read (" + e.getMessage() + ")", file.toString(),
                    "explore into another folder, or give --overwrite", e);
        }
    }

    /** {@return what was picked, and the option that picks otherwise, line by line} */
    List<String> lines() {
        return List.of(line("hook point", hook, "--hook"), line("features", String.format(Locale.ROOT, "%,d", features), "--features"),
                line("recipe", recipe + ", " + k + " features for a token", "--recipe, --k"),
                line("training", String.format(Locale.ROOT, "%,d activations, %,d steps of %,d, contexts of %d tokens", rows, steps, batch,
                        context), "--minutes"),
                line("measuring", String.format(Locale.ROOT, "%,d held-out tokens; every feature on %,d tokens", evaluated, profiled),
                        "--minutes"));
    }

    private static String line(String name, String value, String option) {
        return String.format(Locale.ROOT, "  %-11s %-58s %s", name, value, option);
    }

    /** {@return how long it takes, by stage} */
    String time() {
        StringBuilder text = new StringBuilder("about " + Terminal.time(total()) + " in all: ");
        seconds.forEach((stage, value) -> text.append(stage).append(' ').append(Terminal.time(value)).append(", "));
        return text.substring(0, text.length() - 2);
    }
}
