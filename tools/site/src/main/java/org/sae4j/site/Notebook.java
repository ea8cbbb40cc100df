package org.sae4j.site;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A Jupyter notebook (nbformat 4) as Markdown: its texts, its code, and what the code printed. */
final class Notebook {
    private Notebook() {}

    static String toMarkdown(String json) {
        StringBuilder markdown = new StringBuilder();
        for (JsonNode cell : JsonMapper.shared().readTree(json).path("cells")) {
            String source = lines(cell.path("source"));
            if (cell.path("cell_type").asString().equals("markdown")) {
                markdown.append(source).append("\n\n");
            } else {
                markdown.append("```java\n").append(source).append("\n```\n\n");
                for (JsonNode output : cell.path("outputs")) {
                    String text = lines(output.has("text") ? output.path("text") : output.path("data").path("text/plain"));
                    markdown.append("```output\n").append(text.strip()).append("\n```\n\n");
                }
            }
        }
        return markdown.toString();
    }

    /** A text of a notebook is a string or a list of lines. */
    private static String lines(JsonNode text) {
        if (!text.isArray()) {
            return text.asString();
        }
        StringBuilder joined = new StringBuilder();
        text.forEach(line -> joined.append(line.asString()));
        return joined.toString();
    }
}
