package org.sae4j.report;

import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Figure;
import org.sae4j.core.internal.json.JsonWriter;
import org.sae4j.core.output.OutputFile;

/**
 * Sections that are too many for one page: a table of all of them, and files beside the page that hold the sections and are loaded when one
 * is asked for. The files are scripts that call one function with an array of HTML, since pages that are opened from disk may load scripts
 * but no data.
 *
 * @param title the heading
 * @param lead paragraphs below it, plain text
 * @param table a row for each section; the first cell links to it ({@link Figure.Link})
 * @param folder the files' folder, relative to the page
 * @param perShard sections in a file
 * @param sections ids of the sections, in the order of the files
 */
public record Catalog(String title, List<String> lead, Figure.Table table, String folder, int perShard, List<String> sections) {
    /**
     * Copies the lists.
     *
     * @throws IllegalArgumentException if {@code perShard} is below 1, or the folder is no plain relative path
     */
    public Catalog {
        lead = List.copyOf(lead);
        sections = List.copyOf(sections);
        if (perShard < 1 || !folder.matches("[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")) {
            throw new IllegalArgumentException("a catalog has at least one section in a file and a plain folder, found " + perShard + " and "
                    + folder);
        }
    }

    /**
     * The name of a file of sections.
     *
     * @param shard from 0
     * @return such as {@code 003.js}
     */
    public static String shardName(int shard) {
        return String.format(Locale.ROOT, "%03d.js", shard);
    }

    /**
     * Writes a file of sections. The file appears as a whole; its folder is made if there is none.
     *
     * @param folder where to
     * @param shard its number, from 0
     * @param sections in order; the page's scripts draw their figures
     * @throws Sae4jException if the file cannot be written
     */
    public static void write(Path folder, int shard, List<Section> sections) {
        StringWriter text = new StringWriter();
        text.append("__saeShard(").append(Integer.toString(shard)).append(", ");
        text.append(JsonWriter.compact(sections.stream().map(Page::fragment).toList()).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"));
        text.append(");\n");
        OutputFile.write(folder.resolve(shardName(shard)), text.toString().getBytes(StandardCharsets.UTF_8));
    }
}
