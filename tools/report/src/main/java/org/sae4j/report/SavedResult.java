package org.sae4j.report;

import java.util.List;
import java.util.Map;
import org.sae4j.api.experiment.Figure;
import org.sae4j.api.experiment.Metric;

/**
 * A result as it was read from a file, without its typed data. A cell of a table that was NaN or infinite is the string that the file
 * holds.
 *
 * @param experiment id of the experiment
 * @param title title of the experiment
 * @param description what the experiment measures
 * @param provenance where the numbers come from: strings, numbers, booleans, and lists and maps of these
 * @param findings what it means, in sentences
 * @param metrics the numbers to look at first
 * @param figures pictures and tables
 * @param notes limits of the method, in sentences
 */
public record SavedResult(String experiment, String title, String description, Map<String, Object> provenance, List<String> findings,
        List<Metric> metrics, List<Figure> figures, List<String> notes) {
    /** Copies the lists. The map is kept, as copies lose its order. */
    public SavedResult {
        findings = List.copyOf(findings);
        metrics = List.copyOf(metrics);
        figures = List.copyOf(figures);
        notes = List.copyOf(notes);
    }
}
