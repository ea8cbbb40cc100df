package org.sae4j.core.features;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.sae.SparseAutoencoder;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.core.internal.json.JsonWriter;

/**
 * The names that people give to features: a plain text file, {@value #FILE} by custom, with one JSON object a line. Immutable; a change
 * gives other labels.
 *
 * <pre>{@code {"autoencoder":"<fingerprint>","feature":12,"label":"Arabic script","note":"also digits","rating":4}}</pre>
 *
 * <p>An autoencoder is named by its {@linkplain SparseAutoencoder#fingerprint() fingerprint}, so that a file may hold labels of many
 * autoencoders, and labels follow an autoencoder wherever its file goes. {@code note} and {@code rating} may be missing. Lines are sorted
 * by autoencoder and feature, so that versions of the file can be compared.
 */
public final class FeatureLabels {
    /** The customary name of the file. */
    public static final String FILE = "labels.jsonl";
    /** The most characters of a label. */
    public static final int MAX_LABEL = 500;
    /** The most characters of a note. */
    public static final int MAX_NOTE = 20_000;
    /** The largest rating. */
    public static final int MAX_RATING = 5;

    private static final Set<String> KEYS = Set.of("autoencoder", "feature", "label", "note", "rating");

    /**
     * What somebody said about a feature.
     *
     * @param text the feature's name, one line; may be empty
     * @param note anything else; may be empty
     * @param rating how well the name fits, from 1 to {@value FeatureLabels#MAX_RATING}; empty for none
     */
    public record Label(String text, String note, OptionalInt rating) {
        /**
         * Checks the lengths and the rating. White space around the texts is dropped.
         *
         * @throws IllegalArgumentException if the name has more than one line or {@value FeatureLabels#MAX_LABEL} characters, the note more
         *     than {@value FeatureLabels#MAX_NOTE}, or the rating is out of its range
         */
        public Label {
            text = text.strip();
            note = note.strip();
            if (text.length() > MAX_LABEL || text.lines().count() > 1) {
                throw new IllegalArgumentException("a label is one line of at most " + MAX_LABEL + " characters, found " + text.length()
                        + " characters in " + text.lines().count() + " lines");
            }
            if (note.length() > MAX_NOTE) {
                throw new IllegalArgumentException("a note has at most " + MAX_NOTE + " characters, found " + note.length());
            }
            if (rating.isPresent() && (rating.getAsInt() < 1 || rating.getAsInt() > MAX_RATING)) {
                throw new IllegalArgumentException("a rating is from 1 to " + MAX_RATING + ", found " + rating.getAsInt());
            }
        }

        /**
         * A name alone.
         *
         * @param text the name
         * @return a label without note and rating
         */
        public static Label of(String text) {
            return new Label(text, "", OptionalInt.empty());
        }

        /** {@return whether it says nothing} */
        public boolean isEmpty() {
            return text.isEmpty() && note.isEmpty() && rating.isEmpty();
        }
    }

    /** No labels. */
    public static final FeatureLabels NONE = new FeatureLabels(new TreeMap<>());

    private final SortedMap<String, SortedMap<Integer, Label>> byAutoencoder;

    private FeatureLabels(SortedMap<String, SortedMap<Integer, Label>> byAutoencoder) {
        this.byAutoencoder = byAutoencoder;
    }

    /**
     * The labels of an autoencoder.
     *
     * @param fingerprint of the autoencoder
     * @return its labels by feature; a view that does not change
     */
    public SortedMap<Integer, Label> of(String fingerprint) {
        return Collections.unmodifiableSortedMap(byAutoencoder.getOrDefault(fingerprint, new TreeMap<>()));
    }

    /** {@return the fingerprints of autoencoders that have labels, sorted} */
    public Set<String> autoencoders() {
        return Collections.unmodifiableSet(byAutoencoder.keySet());
    }

    /**
     * The name of a feature.
     *
     * @param fingerprint of the autoencoder
     * @param feature the feature
     * @return its name; empty if nobody gave it one
     */
    public Optional<String> name(String fingerprint, int feature) {
        return Optional.ofNullable(of(fingerprint).get(feature)).map(Label::text).filter(text -> !text.isEmpty());
    }

    /**
     * These labels with one more or another one.
     *
     * @param fingerprint of the autoencoder
     * @param feature the feature, at least 0
     * @param label its label; an empty one removes what is there
     * @return the labels
     * @throws IllegalArgumentException if the feature is below 0
     */
    public FeatureLabels with(String fingerprint, int feature, Label label) {
        return with(fingerprint, Map.of(feature, label));
    }

    /**
     * These labels with others of an autoencoder.
     *
     * @param fingerprint of the autoencoder
     * @param labels by feature; they replace those of the same features, and empty ones remove them
     * @return the labels
     * @throws IllegalArgumentException if a feature is below 0
     */
    public FeatureLabels with(String fingerprint, Map<Integer, Label> labels) {
        SortedMap<String, SortedMap<Integer, Label>> all = new TreeMap<>(byAutoencoder);
        SortedMap<Integer, Label> own = new TreeMap<>(all.getOrDefault(fingerprint, new TreeMap<>()));
        labels.forEach((feature, label) -> {
            if (feature < 0) {
                throw new IllegalArgumentException("features are from 0, found " + feature);
            }
            if (label.isEmpty()) {
                own.remove(feature);
            } else {
                own.put(feature, label);
            }
        });
        all.put(fingerprint, own);
        all.values().removeIf(Map::isEmpty);
        return new FeatureLabels(all);
    }

    /**
     * Reads a file.
     *
     * @param file the file; one that is not there holds no labels
     * @return its labels; of a feature that is named twice, the later line counts
     * @throws FormatException if it cannot be read, or a line is no label, with the line's number
     */
    public static FeatureLabels read(Path file) {
        SortedMap<String, SortedMap<Integer, Label>> all = new TreeMap<>();
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            int number = 0;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                number++;
                if (!line.isBlank()) {
                    add(all, line, file + " line " + number);
                }
            }
        } catch (NoSuchFileException e) {
            return NONE;
        } catch (IOException e) {
            throw new FormatException("the labels cannot be read (" + e + ")", file.toString(), "check the path and that the file is UTF-8",
                    e);
        }
        all.values().removeIf(Map::isEmpty);
        return new FeatureLabels(all);
    }

    private static void add(SortedMap<String, SortedMap<Integer, Label>> all, String line, String where) {
        JsonNode object = object(line, where);
        for (String key : object.propertyNames()) {
            if (!KEYS.contains(key)) {
                throw new FormatException("a label has an unknown key \"" + key + "\"", where,
                        "use autoencoder, feature, label, note and rating");
            }
        }
        JsonNode feature = object.path("feature");
        JsonNode rating = object.path("rating");
        boolean rated = !rating.isMissingNode() && !rating.isNull();
        if (!object.path("autoencoder").isString() || !feature.canConvertToInt() || feature.intValue() < 0
                || rated && !rating.canConvertToInt() || isOther(object, "label") || isOther(object, "note")) {
            throw new FormatException("the line is no label: " + abbreviated(line), where, "write {\"autoencoder\": FINGERPRINT, \"feature\": "
                    + "NUMBER, \"label\": TEXT}, with a \"note\" and a \"rating\" from 1 to " + MAX_RATING + " if you like");
        }
        Label label;
        try {
            label = new Label(object.path("label").asString(""), object.path("note").asString(""),
                    rated ? OptionalInt.of(rating.intValue()) : OptionalInt.empty());
        } catch (IllegalArgumentException e) {
            throw new FormatException(String.valueOf(e.getMessage()), where, "change the line", e);
        }
        SortedMap<Integer, Label> own = all.computeIfAbsent(object.path("autoencoder").stringValue(), f -> new TreeMap<>());
        if (label.isEmpty()) {
            own.remove(feature.intValue());
        } else {
            own.put(feature.intValue(), label);
        }
    }

    private static boolean isOther(JsonNode object, String key) {
        return object.has(key) && !object.path(key).isString();
    }

    private static String abbreviated(String line) {
        return line.length() <= 80 ? line : line.substring(0, 80) + "...";
    }

    private static JsonNode object(String line, String where) {
        try {
            JsonNode node = JsonReader.read(line);
            if (node.isObject()) {
                return node;
            }
            throw new FormatException("the line is no JSON object: " + abbreviated(line), where, "write one object a line");
        } catch (JsonException e) {
            throw new FormatException("the line is no JSON (" + e.reason() + ")", where, "write one object a line", e);
        }
    }

    /**
     * Writes a file as a whole; if it fails, what stood there is unchanged.
     *
     * @param file the file; it is replaced, and its folder is made if there is none
     * @throws FormatException if it cannot be written
     */
    public void write(Path file) {
        List<String> lines = new ArrayList<>();
        byAutoencoder.forEach((fingerprint, labels) -> labels.forEach((feature, label) -> {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("autoencoder", fingerprint);
            line.put("feature", feature);
            line.put("label", label.text());
            if (!label.note().isEmpty()) {
                line.put("note", label.note());
            }
            label.rating().ifPresent(rating -> line.put("rating", rating));
            lines.add(JsonWriter.compact(line) + "\n");
        }));
        AtomicFile.write(file, out -> out.write(String.join("", lines).getBytes(StandardCharsets.UTF_8)));
    }

    /**
     * Changes a file: reads it, applies the change, and writes it as a whole. Threads of this process do so one after the other.
     *
     * @param file the file; one that is not there holds no labels
     * @param change from the labels that the file holds to those that it shall hold
     * @return the new labels
     * @throws FormatException if the file cannot be read or written, or holds a line that is no label; it is then unchanged
     */
    public static FeatureLabels change(Path file, UnaryOperator<FeatureLabels> change) {
        synchronized (FeatureLabels.class) {
            FeatureLabels changed = change.apply(read(file));
            changed.write(file);
            return changed;
        }
    }

    /**
     * Reads explanations as Neuronpedia exports them: a JSON list of objects, or one object a line, with {@code index} and
     * {@code description}; plain or compressed with gzip. Other keys are not read.
     *
     * @param file the file
     * @param dSae number of features of the autoencoder
     * @return by feature the first explanation as its label; further ones, one a line, as its note
     * @throws FormatException if it cannot be read, an object lacks one of the two, or an index is not below {@code dSae}
     */
    public static SortedMap<Integer, Label> readNeuronpedia(Path file, int dSae) {
        return NeuronpediaExplanations.read(file, dSae);
    }

    /**
     * Writes the names of an autoencoder's features as Neuronpedia's explanations, one object a line: {@code modelId}, {@code layer},
     * {@code index}, {@code description}, {@code notes}. Ratings have no place there.
     *
     * @param file the file; it is replaced, and compressed with gzip if its name ends with {@code .gz}
     * @param fingerprint of the autoencoder
     * @param modelId Neuronpedia's name of the model, such as {@code gpt2-small}
     * @param layer Neuronpedia's name of the autoencoder, such as {@code 6-res-jb}
     * @throws FormatException if it cannot be written
     */
    public void writeNeuronpedia(Path file, String fingerprint, String modelId, String layer) {
        NeuronpediaExplanations.write(file, of(fingerprint), modelId, layer);
    }

    /** {@return whether the other object holds the same labels} */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof FeatureLabels labels && byAutoencoder.equals(labels.byAutoencoder);
    }

    @Override
    public int hashCode() {
        return byAutoencoder.hashCode();
    }

    /** {@return how many there are} */
    @Override
    public String toString() {
        return "FeatureLabels[" + byAutoencoder.values().stream().mapToInt(Map::size).sum() + " of " + byAutoencoder.size()
                + " autoencoders]";
    }
}
