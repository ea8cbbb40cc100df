package org.sae4j.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.experiment.Interval;
import org.sae4j.api.experiment.Metric;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.core.internal.json.JsonWriter;
import tools.jackson.core.JsonGenerator;

/** Writes the page: text as HTML, figures as JSON that the page's script draws. */
final class Page {
    private static final List<String> SCRIPTS = List.of("core.js", "color.js", "points.js", "charts.js", "markup.js", "export.js",
            "catalog.js", "main.js");
    /** More numbers than these are listed, one a line, and the rest is folded. */
    private static final int TILES = 8;
    /** Of more sections than these, all but the first are folded, so that the page begins with what was found. */
    private static final int UNFOLDED = 3;

    private final StringBuilder out = new StringBuilder();
    private final String title;
    private final String subtitle;
    private final Map<String, ?> provenance;
    private final List<Section> sections;
    private final @Nullable Catalog catalog;

    Page(String title, String subtitle, Map<String, ?> provenance, List<Section> sections, @Nullable Catalog catalog) {
        this.title = title;
        this.subtitle = subtitle;
        this.provenance = provenance;
        this.sections = sections;
        this.catalog = catalog;
    }

    /** {@return the HTML of a section alone, for a page that has the scripts} */
    static String fragment(Section section) {
        Page page = new Page("", "", Map.of(), List.of(), null);
        page.section(section, 2, false);
        return page.out.toString();
    }

    String html() {
        PlotlySource plotly = PlotlySource.get();
        String script = SCRIPTS.stream().map(Page::resource).collect(Collectors.joining("\n", "\"use strict\";\n(() => {\n", "})();\n"));
        // A page from disk is of no origin; its own files are those of the scheme.
        String policy = "default-src 'none'; script-src " + (catalog == null ? "" : "'self' file: ") + PlotlySource.csp(script.getBytes(StandardCharsets.UTF_8)) + " " + plotly.csp()
                + "; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'";
        out.append("""
                <!DOCTYPE html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta http-equiv="Content-Security-Policy" content="%s">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="color-scheme" content="light dark">
                <meta name="generator" content="sae4j">
                <title>%s</title>
                <style>
                %s</style>
                </head>
                <body>
                <a class="skip" href="#_content">Skip to the content</a>
                """.formatted(policy, Text.html(title), resource("report.css")));
        contents();
        out.append("<main id=\"_content\">\n<header class=\"masthead\">\n<h1 dir=\"auto\">").append(Text.html(title)).append("</h1>\n");
        if (!subtitle.isEmpty()) {
            paragraph("subtitle", subtitle);
        }
        out.append("<noscript><p class=\"alert\">The figures need JavaScript, which is switched off.</p></noscript>\n</header>\n");
        for (int i = 0; i < sections.size(); i++) {
            section(sections.get(i), 2, i > 0 && sections.size() > UNFOLDED);
        }
        if (catalog != null) {
            catalog(catalog);
        }
        provenance();
        out.append("<footer class=\"colophon\"><p>Drag to zoom, with shift to move; a double click shows everything. ")
                .append("Numbers in figures have the precision of float32; result files have all digits. Drawn with ")
                .append("Plotly.js ").append(Text.html(plotly.version())).append(", © Plotly, Inc., MIT license.</p></footer>\n</main>\n");
        out.append("<!--\nPlotly.js is inlined below.\n\n").append(plotly.license().replace("--", "- -")).append("\n-->\n");
        out.append("<script type=\"text/plain\" id=\"_plotly\">").append(plotly.gzipBase64()).append("</script>\n");
        out.append("<script>").append(script).append("</script>\n</body>\n</html>\n");
        return out.toString();
    }

    private void contents() {
        out.append("<nav class=\"contents\" aria-label=\"Contents\">\n<details id=\"_contents\" open>\n<summary>Contents</summary>\n");
        contents(sections);
        out.append("</details>\n</nav>\n");
    }

    private void contents(List<Section> parts) {
        out.append("<ol>\n");
        for (Section part : parts) {
            out.append("<li><a href=\"#").append(part.id()).append("\"><bdi>").append(Text.html(part.title())).append("</bdi></a>");
            if (!part.subsections().isEmpty()) {
                out.append('\n');
                contents(part.subsections());
            }
            out.append("</li>\n");
        }
        if (parts == sections && catalog != null) {
            out.append("<li><a href=\"#_catalog_section\"><bdi>").append(Text.html(catalog.title())).append("</bdi></a></li>\n");
        }
        if (parts == sections && !provenance.isEmpty()) {
            out.append("<li><a href=\"#_provenance\">Provenance</a></li>\n");
        }
        out.append("</ol>\n");
    }

    private void section(Section section, int level, boolean folded) {
        String heading = "h" + Math.min(level, 5);
        out.append("<section id=\"").append(section.id()).append("\" class=\"level").append(level).append("\" aria-labelledby=\"")
                .append(section.id()).append("__h\">\n").append(folded ? "<details class=\"fold\"><summary>" : "").append('<').append(heading).append(" id=\"").append(section.id())
                .append("__h\" dir=\"auto\">")
                .append(Text.html(section.title())).append("</").append(heading).append(">");
        if (folded) {
            teaser(section).ifPresent(text -> out.append("<span class=\"teaser\" dir=\"auto\">").append(Text.html(text)).append("</span>"));
            out.append("</summary>");
        }
        out.append('\n');
        section.lead().forEach(p -> paragraph("lead", p));
        list("findings", "Findings", section.findings());
        metrics(section.metrics());
        figures(section, Math.min(level + 1, 6));
        list("notes", "Notes", section.notes());
        if (!section.commands().isEmpty()) {
            out.append("<p class=\"label\">Go on from here</p>\n");
        }
        section.commands().forEach(command -> out.append("<div class=\"command\"><code>").append(Text.html(command))
                .append("</code></div>\n"));
        section.subsections().forEach(s -> section(s, level + 1, false));
        out.append(folded ? "</details>\n</section>\n" : "</section>\n");
    }

    /** What a folded section is about: its first finding, or what leads into it. */
    private static Optional<String> teaser(Section section) {
        return Stream.concat(section.findings().stream(), section.lead().stream()).findFirst();
    }

    private void catalog(Catalog all) {
        out.append("<section id=\"_catalog_section\" class=\"level2\" aria-labelledby=\"_catalog_h\">\n<h2 id=\"_catalog_h\">")
                .append(Text.html(all.title())).append("</h2>\n");
        all.lead().forEach(p -> paragraph("lead", p));
        figures(Section.builder("catalog", all.title()).figure(all.table()).build(), 3);
        String json = JsonWriter.compact(Map.of("folder", all.folder(), "perShard", all.perShard(), "sections", all.sections()));
        out.append("<script type=\"application/json\" id=\"_catalog\">").append(Text.scriptJson(json)).append("</script>\n")
                .append("<div id=\"_card\" aria-live=\"polite\"></div>\n</section>\n");
    }

    private void paragraph(String kind, String text) {
        out.append("<p class=\"").append(kind).append("\" dir=\"auto\">").append(Text.html(text)).append("</p>\n");
    }

    private void list(String kind, String label, List<String> sentences) {
        if (sentences.isEmpty()) {
            return;
        }
        out.append("<div class=\"").append(kind).append("\">\n<p class=\"label\">").append(label).append("</p>\n<ul>\n");
        for (String sentence : sentences) {
            out.append("<li dir=\"auto\">").append(Text.html(sentence)).append("</li>\n");
        }
        out.append("</ul>\n</div>\n");
    }

    private void metrics(List<Metric> metrics) {
        if (metrics.isEmpty()) {
            return;
        }
        if (metrics.size() <= TILES) {
            metrics("metrics", metrics);
            return;
        }
        metrics("metrics listed", metrics.subList(0, TILES));
        out.append("<details class=\"rest\"><summary>").append(metrics.size() - TILES).append(" more numbers</summary>\n");
        metrics("metrics listed", metrics.subList(TILES, metrics.size()));
        out.append("</details>\n");
    }

    private void metrics(String style, List<Metric> metrics) {
        out.append("<dl class=\"").append(style).append("\">\n");
        for (Metric metric : metrics) {
            out.append("<div class=\"metric\"><dt><bdi>").append(Text.html(metric.name())).append("</bdi></dt><dd class=\"value\">")
                    .append(Text.number(metric.value()));
            if (!metric.unit().isEmpty()) {
                out.append(" <span class=\"unit\">").append(Text.html(metric.unit())).append("</span>");
            }
            out.append("</dd>");
            metric.interval().ifPresent(this::interval);
            if (metric.n() > 0) {
                out.append("<dd class=\"n\"><i>n</i> = ").append(Text.number(metric.n())).append("</dd>");
            }
            out.append("</div>\n");
        }
        out.append("</dl>\n");
    }

    private void interval(Interval interval) {
        out.append("<dd class=\"interval\">").append(Text.number(interval.low())).append(" to ").append(Text.number(interval.high()))
                .append(" (").append(Text.number(interval.level() * 100)).append("%)</dd><dd class=\"method\">")
                .append(Text.html(interval.method())).append("</dd>");
    }

    private void figures(Section section, int level) {
        if (section.figures().isEmpty()) {
            return;
        }
        List<FigureView> views = section.figures().stream().map(FigureView::of).toList();
        out.append("<div class=\"figures\">\n");
        for (int i = 0; i < views.size(); i++) {
            // Two compact figures in a row share a line; one alone gets the whole.
            boolean pair = views.get(i).compact() && i + 1 < views.size() && views.get(i + 1).compact();
            figure(section, views.get(i), level, pair ? "half" : "full");
            if (pair) {
                figure(section, views.get(++i), level, "half");
            }
        }
        out.append("</div>\n");
    }

    private void figure(Section section, FigureView view, int level, String width) {
        var figure = view.figure();
        String id = section.id() + "_" + figure.id();
        String kind = JsonValues.kind(figure.getClass());
        out.append("<figure id=\"").append(id).append("\" class=\"figure ").append(width).append("\" data-kind=\"").append(kind)
                .append("\" aria-labelledby=\"").append(id).append("__t\" aria-describedby=\"").append(id).append("__c\">\n")
                .append("<div class=\"figure-head\"><h").append(level).append(" id=\"").append(id).append("__t\" dir=\"auto\">")
                .append(Text.html(figure.title())).append("</h").append(level).append("><div class=\"tools\"></div></div>\n")
                .append("<div class=\"drawing\"");
        if (view.height() > 0) {
            out.append(" style=\"--height:").append(view.height()).append("px\"");
        }
        out.append("></div>\n<figcaption id=\"").append(id).append("__c\" dir=\"auto\">").append(Text.html(figure.caption()));
        for (String remark : view.remarks()) {
            out.append(" <span class=\"remark\">").append(Text.html(remark)).append("</span>");
        }
        out.append("</figcaption>\n<script type=\"application/json\">").append(view.json()).append("</script>\n</figure>\n");
    }

    private void provenance() {
        if (provenance.isEmpty()) {
            return;
        }
        out.append("<section id=\"_provenance\" class=\"level2\" aria-labelledby=\"_provenance_h\">\n")
                .append("<h2 id=\"_provenance_h\">Provenance</h2>\n<dl class=\"provenance\">\n");
        var text = new StringWriter();
        try (JsonGenerator json = JsonWriter.compactTo(text)) {
            new JsonValues(json, JsonValues.Precision.FULL).write(provenance, "provenance");
        }
        var rows = new LinkedHashMap<String, String>();
        try {
            flatten("", JsonReader.read(text.toString()), rows);
        } catch (JsonException e) {
            throw new IllegalStateException("JSON that was just written", e);
        }
        rows.forEach((name, value) -> out.append("<div><dt>").append(Text.html(name)).append("</dt><dd><bdi>").append(Text.html(value))
                .append("</bdi></dd></div>\n"));
        out.append("</dl>\n</section>\n");
    }

    private static void flatten(String name, JsonNode node, Map<String, String> rows) {
        if (node.isObject()) {
            node.properties().forEach(p -> flatten(name.isEmpty() ? p.getKey() : name + "." + p.getKey(), p.getValue(), rows));
        } else if (node.isArray()) {
            rows.put(name, Stream.iterate(0, i -> i < node.size(), i -> i + 1).map(node::get)
                    .map(n -> n.isString() ? n.stringValue() : n.toString()).collect(Collectors.joining(", ")));
        } else {
            rows.put(name, node.isString() ? node.stringValue() : node.toString());
        }
    }

    private static String resource(String name) {
        try (InputStream in = Page.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the jar of sae-report lacks " + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
