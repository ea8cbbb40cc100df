package org.sae4j.report;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Metric;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.core.internal.json.JsonWriter;
import org.sae4j.core.output.OutputFile;
import tools.jackson.core.JsonGenerator;

/**
 * Results as JSON. The file is an object with, in this order,
 *
 * <ul>
 * <li>{@code schema}: {@value #SCHEMA}
 * <li>{@code experiment}: an object with {@code id}, {@code title} and {@code description}
 * <li>{@code provenance}: seed, versions, engine, device, model and autoencoder hashes, configuration: whatever the caller knows
 * <li>{@code findings}: strings
 * <li>{@code metrics}: objects with {@code name}, {@code value}, {@code unit}, {@code interval} (or null) and {@code n}
 * <li>{@code notes}: strings
 * <li>{@code data}: the typed record of the result
 * <li>{@code figures}: the records of {@link Figure}, each with its {@code kind} in front, such as {@code token-strips}
 * </ul>
 *
 * <p>Records are objects with their components in the order of declaration. Maps keep their order, or are sorted by key if they have none.
 * Enums are their names, an empty optional is null. Numbers have the fewest digits that give the same bits back. NaN and the infinities are
 * the strings {@code "NaN"}, {@code "Infinity"} and {@code "-Infinity"}, which JavaScript's {@code Number} and Python's {@code float} read:
 * null would not tell a value that is not defined from one that is missing. The same result gives the same bytes.
 */
public final class ResultJson {
    /** What the files say they are. The number grows when the meaning of a member changes; new members may come without. */
    public static final String SCHEMA = "sae4j/result/1";

    private static final Map<String, Class<?>> KINDS = Stream.of(Figure.class.getPermittedSubclasses())
            .collect(Collectors.toUnmodifiableMap(JsonValues::kind, c -> c));

    private ResultJson() {}

    /**
     * Writes a result. The file appears as a whole; its folder is made if there is none.
     *
     * @param file the file
     * @param experiment what was run
     * @param result what it found
     * @param provenance where the numbers come from; values may be anything that data may hold
     * @throws Sae4jException if the result holds something that has no form in JSON, or if the file cannot be written
     */
    public static void write(Path file, Experiment<?, ?> experiment, ExperimentResult<?> result, Map<String, ?> provenance) {
        OutputFile.write(file, toJson(experiment, result, provenance).getBytes(StandardCharsets.UTF_8));
    }

    /**
     * The text that {@link #write} writes.
     *
     * @param experiment what was run
     * @param result what it found
     * @param provenance where the numbers come from
     * @return JSON, ending with a line feed
     * @throws Sae4jException if the result holds something that has no form in JSON
     */
    public static String toJson(Experiment<?, ?> experiment, ExperimentResult<?> result, Map<String, ?> provenance) {
        var text = new StringWriter();
        try (JsonGenerator out = JsonWriter.indentedTo(text)) {
            var values = new JsonValues(out, JsonValues.Precision.FULL);
            out.writeStartObject();
            out.writeStringProperty("schema", SCHEMA);
            out.writeName("experiment");
            out.writeStartObject();
            out.writeStringProperty("id", experiment.id());
            out.writeStringProperty("title", experiment.title());
            out.writeStringProperty("description", experiment.description());
            out.writeEndObject();
            member(out, values, "provenance", provenance);
            member(out, values, "findings", result.findings());
            member(out, values, "metrics", result.metrics());
            member(out, values, "notes", result.notes());
            member(out, values, "data", result.data());
            member(out, values, "figures", result.figures());
            out.writeEndObject();
        }
        return Text.wellFormedJson(text.toString()) + "\n";
    }

    /**
     * Writes data that belongs to no experiment: an object with {@code schema}, {@code provenance} and {@code data}, in the same form as in
     * a result file. The file appears as a whole; its folder is made if there is none.
     *
     * @param file the file
     * @param schema what the file says it is, with a version at its end, such as {@code sae4j/features/1}
     * @param provenance where the numbers come from
     * @param data the typed record
     * @throws Sae4jException if the data holds something that has no form in JSON, or if the file cannot be written
     */
    public static void writeData(Path file, String schema, Map<String, ?> provenance, Record data) {
        var text = new StringWriter();
        try (JsonGenerator out = JsonWriter.indentedTo(text)) {
            var values = new JsonValues(out, JsonValues.Precision.FULL);
            out.writeStartObject();
            out.writeStringProperty("schema", schema);
            member(out, values, "provenance", provenance);
            member(out, values, "data", data);
            out.writeEndObject();
        }
        OutputFile.write(file, (Text.wellFormedJson(text.toString()) + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private static void member(JsonGenerator out, JsonValues values, String name, @Nullable Object value) {
        out.writeName(name);
        values.write(value, name);
    }

    /**
     * A figure alone, as it stands in the list of a result file.
     *
     * @param figure the figure
     * @return JSON, ending with a line feed
     */
    public static String toJson(Figure figure) {
        var text = new StringWriter();
        try (JsonGenerator out = JsonWriter.indentedTo(text)) {
            new JsonValues(out, JsonValues.Precision.FULL).write(figure, figure.id());
        }
        return Text.wellFormedJson(text.toString()) + "\n";
    }

    /**
     * Writes each figure to a file of its own, {@code ID.json}.
     *
     * @param folder where to
     * @param figures the figures
     * @throws Sae4jException if a file cannot be written
     */
    public static void writeFigures(Path folder, List<? extends Figure> figures) {
        for (Figure figure : figures) {
            OutputFile.write(folder.resolve(figure.id() + ".json"), toJson(figure).getBytes(StandardCharsets.UTF_8));
        }
    }

    /**
     * Reads a file that {@link #write} wrote, so that it can be shown again.
     *
     * @param file the file
     * @return all but the typed data
     * @throws Sae4jException if the file cannot be read, is no result or of another version, or does not hold what the schema asks for
     */
    public static SavedResult read(Path file) {
        JsonNode root;
        try {
            root = JsonReader.read(Files.readString(file));
        } catch (CharacterCodingException e) {
            throw new Sae4jException("the result is not UTF-8", file.toString(), "pass a result.json of sae4j", e);
        } catch (JsonException e) {
            throw new Sae4jException("the result is not JSON: " + e.reason(), file.toString(), "pass a result.json of sae4j", e);
        } catch (IOException e) {
            throw new Sae4jException("cannot read the result: " + e.getMessage(), file.toString(), "pass a result.json of sae4j", e);
        }
        String schema = root.path("schema").asString("nothing");
        if (!schema.equals(SCHEMA)) {
            throw new Sae4jException("expected the schema " + SCHEMA + ", found " + schema, file.toString(),
                    "pass a result.json that this version of sae4j wrote");
        }
        RecordReader records = new RecordReader(file.toString());
        JsonNode experiment = root.path("experiment");
        SavedResult saved = new SavedResult(records.text(experiment.path("id"), "experiment.id"),
                records.text(experiment.path("title"), "experiment.title"),
                records.text(experiment.path("description"), "experiment.description"), provenance(root, records),
                elements(root, "findings", records, records::text),
                elements(root, "metrics", records, (node, where) -> records.read(node, Metric.class, where)),
                elements(root, "figures", records, (node, where) -> figure(node, records, where)),
                elements(root, "notes", records, records::text));
        try {
            Section.of(saved);
        } catch (IllegalArgumentException e) {
            throw new Sae4jException("the result cannot be shown: " + e.getMessage(), file.toString(), "pass a result.json of sae4j", e);
        }
        return saved;
    }

    private static <T> List<T> elements(JsonNode root, String name, RecordReader records, BiFunction<JsonNode, String, T> read) {
        JsonNode list = root.path(name);
        if (!list.isArray()) {
            throw records.mismatch(list, "a list", name);
        }
        List<T> elements = new ArrayList<>(list.size());
        for (JsonNode node : list) {
            elements.add(read.apply(node, name + "[" + elements.size() + "]"));
        }
        return elements;
    }

    private static Map<String, Object> provenance(JsonNode root, RecordReader records) {
        JsonNode node = root.path("provenance");
        if (!node.isObject()) {
            throw records.mismatch(node, "an object", "provenance");
        }
        Map<String, Object> provenance = new LinkedHashMap<>();
        node.toMap().forEach((key, value) -> {
            if (value == null) {
                throw records.mismatch(node.path(key), "a value", "provenance." + key);
            }
            provenance.put(key, value);
        });
        return provenance;
    }

    private static Figure figure(JsonNode node, RecordReader records, String where) {
        Class<?> type = KINDS.get(node.path("kind").asString(""));
        if (type == null) {
            throw records.mismatch(node.path("kind"), "one of " + KINDS.keySet().stream().sorted().toList(), where + ".kind");
        }
        return (Figure) records.read(node, type, where);
    }
}
