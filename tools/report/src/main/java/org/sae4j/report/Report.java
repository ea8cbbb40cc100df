package org.sae4j.report;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.output.OutputFile;

/**
 * A report: sections in one HTML file that opens from disk, with its figures interactive, and loads nothing from anywhere. Scripts are
 * inline and allowed by their hashes; a Content-Security-Policy forbids the rest. Figures are drawn when they come into view, or all at
 * once before printing, on calling {@code window.__saeDrawAll()}, or with {@code ?draw=all} behind the address.
 *
 * {@snippet :
 * Report.builder("Random walks")
 *         .subtitle("gelu-1l, layer 0")
 *         .provenance(provenance)
 *         .section(Section.of(experiment, result))
 *         .build()
 *         .write(Path.of("report.html"));
 * }
 */
public final class Report {
    private final String title;
    private final String subtitle;
    private final Map<String, ?> provenance;
    private final List<Section> sections;
    private final @Nullable Catalog catalog;

    private Report(Builder builder) {
        title = builder.title;
        subtitle = builder.subtitle;
        provenance = new LinkedHashMap<>(builder.provenance);
        sections = List.copyOf(builder.sections);
        catalog = builder.catalog;
        requireUniqueIds(sections, new HashSet<>());
    }

    private static void requireUniqueIds(List<Section> sections, Set<String> seen) {
        for (Section section : sections) {
            if (!seen.add(section.id())) {
                throw new IllegalArgumentException("two sections have the id " + section.id());
            }
            requireUniqueIds(section.subsections(), seen);
        }
    }

    /**
     * Begins a report.
     *
     * @param title the heading
     * @return a builder
     */
    public static Builder builder(String title) {
        return new Builder(title);
    }

    /**
     * Writes the report. The file appears as a whole; its folder is made if there is none.
     *
     * @param file the file, by custom with the ending {@code .html}
     * @throws Sae4jException if the file cannot be written, if Plotly's webjar is missing, or if the provenance holds something that has no
     *     form in JSON
     */
    public void write(Path file) {
        OutputFile.write(file, html().getBytes(StandardCharsets.UTF_8));
    }

    /**
     * The page that {@link #write} writes.
     *
     * @return HTML
     * @throws Sae4jException if Plotly's webjar is missing, or if the provenance holds something that has no form in JSON
     */
    public String html() {
        return new Page(title, subtitle, provenance, sections, catalog).html();
    }

    /** Gathers the parts of a report. Not safe for use by several threads. */
    public static final class Builder {
        private final String title;
        private final List<Section> sections = new ArrayList<>();
        private String subtitle = "";
        private Map<String, ?> provenance = Map.of();
        private @Nullable Catalog catalog;

        private Builder(String title) {
            this.title = title;
        }

        /**
         * Sets the line below the title.
         *
         * @param text plain text
         * @return this
         */
        public Builder subtitle(String text) {
            subtitle = text;
            return this;
        }

        /**
         * Sets where the numbers come from. The report shows it at its end.
         *
         * @param values strings, numbers, booleans, enums, and records, lists and maps of these
         * @return this
         */
        public Builder provenance(Map<String, ?> values) {
            provenance = values;
            return this;
        }

        /**
         * Adds a section.
         *
         * @param section the section
         * @return this
         */
        public Builder section(Section section) {
            sections.add(section);
            return this;
        }

        /**
         * Adds, behind the sections, a table of sections that lie in files beside the page.
         *
         * @param sections the catalog
         * @return this
         */
        public Builder catalog(Catalog sections) {
            catalog = sections;
            return this;
        }

        /**
         * Makes the report.
         *
         * @return the report
         * @throws IllegalArgumentException if two sections, at whatever depth, have the same id
         */
        public Report build() {
            return new Report(this);
        }
    }
}
