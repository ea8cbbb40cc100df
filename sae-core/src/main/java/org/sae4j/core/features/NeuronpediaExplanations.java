package org.sae4j.core.features;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.sae4j.core.features.FeatureLabels.Label;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.core.internal.json.JsonWriter;

/** Explanations of features as Neuronpedia exports them. */
final class NeuronpediaExplanations {
    /** So long a text is no list of explanations: 64 bytes would be left for each of a million features. */
    private static final int MAX_BYTES = 1 << 28;

    private NeuronpediaExplanations() {}

    static SortedMap<Integer, Label> read(Path file, int dSae) {
        String text = text(file);
        Map<Integer, List<String>> all = new TreeMap<>();
        if (text.stripLeading().startsWith("[")) {
            JsonNode list = parse(text, file.toString());
            for (int i = 0; i < list.size(); i++) {
                add(all, list.get(i), dSae, file + " object " + (i + 1));
            }
        } else {
            int number = 0;
            for (String line : text.lines().toList()) {
                number++;
                if (!line.isBlank()) {
                    add(all, parse(line, file + " line " + number), dSae, file + " line " + number);
                }
            }
        }
        SortedMap<Integer, Label> labels = new TreeMap<>();
        all.forEach((feature, texts) -> labels.put(feature, label(texts)));
        return labels;
    }

    /** A label is one short line; what does not fit is in the note. */
    private static Label label(List<String> texts) {
        String first = texts.getFirst().replaceAll("\\s+", " ");
        boolean fits = first.length() <= FeatureLabels.MAX_LABEL;
        String note = String.join("\n", texts.subList(fits ? 1 : 0, texts.size()));
        return new Label(fits ? first : cut(first, FeatureLabels.MAX_LABEL), cut(note, FeatureLabels.MAX_NOTE), OptionalInt.empty());
    }

    private static String cut(String text, int length) {
        return text.length() <= length ? text
                : text.substring(0, Character.isHighSurrogate(text.charAt(length - 1)) ? length - 1 : length);
    }

    private static void add(Map<Integer, List<String>> all, JsonNode object, int dSae, String where) {
        JsonNode index = object.path("index");
        // Neuronpedia writes the number as a string.
        String number = index.isString() ? index.stringValue() : index.canConvertToInt() ? Integer.toString(index.intValue()) : "";
        if (!number.matches("[0-9]{1,9}") || !object.path("description").isString()) {
            throw new FormatException("an explanation needs an \"index\" and a \"description\"", where,
                    "give a file of explanations that Neuronpedia exported");
        }
        int feature = Integer.parseInt(number);
        if (feature >= dSae) {
            throw new FormatException("the explanation is of feature " + feature + ", but the autoencoder has " + dSae + " features", where,
                    "give the explanations of this autoencoder");
        }
        String description = object.path("description").stringValue().strip();
        if (!description.isEmpty()) {
            all.computeIfAbsent(feature, f -> new ArrayList<>()).add(description);
        }
    }

    private static JsonNode parse(String text, String where) {
        try {
            return JsonReader.read(text);
        } catch (JsonException e) {
            throw new FormatException("the explanations are no JSON (" + e.reason() + " in line " + e.line() + ")", where,
                    "give a file of explanations that Neuronpedia exported", e);
        }
    }

    private static String text(Path file) {
        try (BufferedInputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            in.mark(2);
            boolean compressed = in.read() == 0x1f && in.read() == 0x8b;
            in.reset();
            try (InputStream plain = compressed ? new GZIPInputStream(in) : in) {
                byte[] bytes = plain.readNBytes(MAX_BYTES + 1);
                if (bytes.length > MAX_BYTES) {
                    throw new FormatException("the explanations have more than " + MAX_BYTES + " bytes", file.toString(),
                            "give a file of explanations of one autoencoder");
                }
                return StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(bytes)).toString();
            }
        } catch (CharacterCodingException e) {
            throw new FormatException("the explanations are not UTF-8", file.toString(), "convert the file", e);
        } catch (IOException e) {
            throw new FormatException("the explanations cannot be read (" + e + ")", file.toString(), "check the path", e);
        }
    }

    static void write(Path file, SortedMap<Integer, Label> labels, String modelId, String layer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = file.toString().endsWith(".gz") ? new GZIPOutputStream(bytes) : bytes) {
            for (Map.Entry<Integer, Label> label : labels.entrySet()) {
                if (!label.getValue().text().isEmpty()) {
                    Map<String, Object> line = new LinkedHashMap<>();
                    line.put("modelId", modelId);
                    line.put("layer", layer);
                    line.put("index", Integer.toString(label.getKey()));
                    line.put("description", label.getValue().text());
                    line.put("notes", label.getValue().note());
                    out.write((JsonWriter.compact(line) + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        AtomicFile.write(file, out -> out.write(bytes.toByteArray()));
    }
}
