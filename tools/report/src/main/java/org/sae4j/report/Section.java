package org.sae4j.report;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;
import org.sae4j.api.experiment.Experiment;
import org.sae4j.api.experiment.ExperimentResult;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Metric;

/**
 * A part of a report. What it holds is shown in the order of the components; empty lists leave no trace.
 *
 * @param id unique in its report, for links: lower-case letters, digits and hyphens
 * @param title the heading
 * @param lead paragraphs below the heading, plain text
 * @param findings sentences, the most important first
 * @param metrics numbers to look at first
 * @param figures pictures and tables, with ids unique in the section
 * @param notes limits and how to read it, in sentences
 * @param commands lines for a shell, to copy
 * @param subsections parts of it
 */
public record Section(String id, String title, List<String> lead, List<String> findings, List<Metric> metrics, List<Figure> figures,
        List<String> notes, List<String> commands, List<Section> subsections) {
    private static final Pattern ID = Pattern.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?");

    /**
     * Copies the lists.
     *
     * @throws IllegalArgumentException if an id holds other characters than lower-case letters, digits and hyphens, or if two figures have
     *     the same id
     */
    public Section {
        lead = List.copyOf(lead);
        findings = List.copyOf(findings);
        metrics = List.copyOf(metrics);
        figures = List.copyOf(figures);
        notes = List.copyOf(notes);
        commands = List.copyOf(commands);
        subsections = List.copyOf(subsections);
        requireId(id, "section");
        for (Figure figure : figures) {
            requireId(figure.id(), "figure");
        }
        if (figures.stream().map(Figure::id).distinct().count() != figures.size()) {
            throw new IllegalArgumentException("figure ids of section " + id + " must be unique: "
                    + figures.stream().map(Figure::id).toList());
        }
    }

    private static void requireId(String id, String what) {
        if (!ID.matcher(id).matches()) {
            throw new IllegalArgumentException(what + " id '" + id + "': expected lower-case letters, digits and hyphens between them");
        }
    }

    /**
     * The section of an experiment: its id, title and description, and all that the result holds for people.
     *
     * @param experiment the experiment
     * @param result what it found
     * @return the section
     * @throws IllegalArgumentException if an id does not have the required form
     */
    public static Section of(Experiment<?, ?> experiment, ExperimentResult<?> result) {
        return builder(experiment.id(), experiment.title()).lead(experiment.description()).result(result).build();
    }

    /**
     * The section of a result that was read from a file.
     *
     * @param result the result
     * @return the section
     * @throws IllegalArgumentException if an id does not have the required form
     */
    public static Section of(SavedResult result) {
        return builder(result.experiment(), result.title()).lead(result.description()).findings(result.findings()).metrics(result.metrics())
                .figures(result.figures()).notes(result.notes()).build();
    }

    /**
     * Begins a section.
     *
     * @param id unique in its report: lower-case letters, digits and hyphens
     * @param title the heading
     * @return a builder
     */
    public static Builder builder(String id, String title) {
        return new Builder(id, title);
    }

    /** Gathers the parts of a section. Each call adds to what is there. Not safe for use by several threads. */
    public static final class Builder {
        private final String id;
        private final String title;
        private final List<String> lead = new ArrayList<>();
        private final List<String> findings = new ArrayList<>();
        private final List<Metric> metrics = new ArrayList<>();
        private final List<Figure> figures = new ArrayList<>();
        private final List<String> notes = new ArrayList<>();
        private final List<String> commands = new ArrayList<>();
        private final List<Section> subsections = new ArrayList<>();

        private Builder(String id, String title) {
            this.id = id;
            this.title = title;
        }

        /**
         * Adds paragraphs below the heading.
         *
         * @param paragraphs plain text
         * @return this
         */
        public Builder lead(String... paragraphs) {
            lead.addAll(List.of(paragraphs));
            return this;
        }

        /**
         * Adds findings.
         *
         * @param sentences the most important first
         * @return this
         */
        public Builder findings(Collection<String> sentences) {
            findings.addAll(sentences);
            return this;
        }

        /**
         * Adds metrics.
         *
         * @param numbers the metrics
         * @return this
         */
        public Builder metrics(Collection<Metric> numbers) {
            metrics.addAll(numbers);
            return this;
        }

        /**
         * Adds figures.
         *
         * @param pictures the figures
         * @return this
         */
        public Builder figures(Collection<? extends Figure> pictures) {
            figures.addAll(pictures);
            return this;
        }

        /**
         * Adds a figure.
         *
         * @param picture the figure
         * @return this
         */
        public Builder figure(Figure picture) {
            figures.add(picture);
            return this;
        }

        /**
         * Adds notes.
         *
         * @param sentences the notes
         * @return this
         */
        public Builder notes(Collection<String> sentences) {
            notes.addAll(sentences);
            return this;
        }

        /**
         * Adds commands to go on with.
         *
         * @param lines for a shell, one each
         * @return this
         */
        public Builder commands(String... lines) {
            commands.addAll(List.of(lines));
            return this;
        }

        /**
         * Adds findings, metrics, figures and notes of a result.
         *
         * @param result the result
         * @return this
         */
        public Builder result(ExperimentResult<?> result) {
            return findings(result.findings()).metrics(result.metrics()).figures(result.figures()).notes(result.notes());
        }

        /**
         * Adds a part of the section.
         *
         * @param section the part
         * @return this
         */
        public Builder subsection(Section section) {
            subsections.add(section);
            return this;
        }

        /**
         * Makes the section.
         *
         * @return the section
         * @throws IllegalArgumentException if an id does not have the required form, or if two figures have the same
         */
        public Section build() {
            return new Section(id, title, lead, findings, metrics, figures, notes, commands, subsections);
        }
    }
}
