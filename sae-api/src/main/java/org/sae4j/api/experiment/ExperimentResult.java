package org.sae4j.api.experiment;

import java.util.List;
import java.util.Objects;

/**
 * What an experiment found.
 *
 * @param <R> the type of the data
 * @param data everything that was measured
 * @param findings what it means, in sentences with numbers, the most important first
 * @param metrics the numbers to look at first
 * @param figures pictures and tables as data
 * @param notes limits of the method and how to read it, in sentences
 */
public record ExperimentResult<R extends Record>(R data, List<String> findings, List<Metric> metrics, List<Figure> figures,
        List<String> notes) {
    /**
     * Copies the lists.
     *
     * @throws IllegalArgumentException if two figures have the same id, or one has other characters than lower-case letters, digits and
     *     hyphens between them
     */
    public ExperimentResult {
        Objects.requireNonNull(data, "data");
        Objects.requireNonNull(findings, "findings");
        Objects.requireNonNull(metrics, "metrics");
        Objects.requireNonNull(figures, "figures");
        Objects.requireNonNull(notes, "notes");
        findings = List.copyOf(findings);
        metrics = List.copyOf(metrics);
        figures = List.copyOf(figures);
        notes = List.copyOf(notes);
        if (figures.stream().map(Figure::id).distinct().count() != figures.size()) {
            throw new IllegalArgumentException("figure ids must be unique: " + figures.stream().map(Figure::id).toList());
        }
        for (Figure figure : figures) {
            // They become names of files.
            if (!figure.id().matches("[a-z0-9]([a-z0-9-]*[a-z0-9])?")) {
                throw new IllegalArgumentException("figure id '" + figure.id() + "': expected lower-case letters, digits and hyphens between"
                        + " them");
            }
        }
    }
}
