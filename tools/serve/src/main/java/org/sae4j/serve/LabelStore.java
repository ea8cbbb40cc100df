package org.sae4j.serve;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.features.FeatureLabels;
import org.sae4j.core.features.FeatureLabels.Label;

/** The file of labels, read again when another program has changed it. */
final class LabelStore {
    private final Path file;
    private FeatureLabels labels = FeatureLabels.NONE;
    private Optional<Object> version = Optional.empty();

    LabelStore(Path file) {
        this.file = file;
        of("");
    }

    Path file() {
        return file;
    }

    synchronized SortedMap<Integer, Label> of(String fingerprint) {
        Optional<Object> now = version(file);
        if (!now.equals(version)) {
            labels = FeatureLabels.read(file);
            version = now;
        }
        return labels.of(fingerprint);
    }

    synchronized void put(String fingerprint, Map<Integer, Label> changed) {
        labels = FeatureLabels.change(file, all -> all.with(fingerprint, changed));
        version = version(file);
    }

    synchronized FeatureLabels all() {
        of("");
        return labels;
    }

    private static Optional<Object> version(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            @Nullable Object key = attributes.fileKey();
            return Optional.of(java.util.List.of(attributes.lastModifiedTime(), attributes.size(), key == null ? "" : key));
        } catch (IOException e) {
            // Not there: reading says what else may be wrong.
            return Optional.empty();
        }
    }
}
