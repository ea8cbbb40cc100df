package org.sae4j.site;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.sae4j.site.Navigation.Entry;
import org.sae4j.site.Navigation.Group;

/**
 * Makes the documentation site of the repository's Markdown. Pages need no script and load nothing from the network. Arguments: the
 * repository's root, the folder to write, and optionally the folder that {@code ./sae demo} wrote, whose reports go into the gallery.
 */
public final class Site {
    private final Path repository;
    private final Path site;
    private final Markdown markdown;

    private Site(Path repository, Path site, Markdown markdown) {
        this.repository = repository;
        this.site = site;
        this.markdown = markdown;
    }

    /**
     * Makes the site.
     *
     * @param args see above
     * @throws IOException if a file cannot be read or written
     */
    public static void main(String[] args) throws IOException {
        Optional<Path> demo = args.length > 2 && !args[2].isEmpty() ? Optional.of(Path.of(args[2])) : Optional.empty();
        if (demo.isPresent() && !Files.isRegularFile(demo.get().resolve("report.html"))) {
            throw new IllegalArgumentException("no report.html in " + demo.get() + "; ./sae demo writes it");
        }
        build(Path.of(args[0]), Path.of(args[1]), demo);
        System.out.println("Wrote " + Path.of(args[1]).resolve("index.html"));
    }

    static void build(Path repository, Path site, Optional<Path> demo) throws IOException {
        delete(site);
        Files.createDirectories(site.resolve("images"));
        new Site(repository, site, new Markdown(Navigation.outputs())).write(demo);
    }

    private void write(Optional<Path> demo) throws IOException {
        try (InputStream style = Site.class.getResourceAsStream("site.css")) {
            Files.copy(style, site.resolve("site.css"));
        }
        if (demo.isPresent()) {
            Files.copy(demo.get().resolve("report.html"), site.resolve("demo-report.html"));
        }
        for (Entry entry : Navigation.entries()) {
            String text;
            if (entry.output().equals(Javadoc.PAGE)) {
                text = Javadoc.unpack(repository, site);
            } else {
                text = Files.readString(repository.resolve(entry.source()));
            }
            if (entry.source().toString().endsWith(".ipynb")) {
                text = Notebook.toMarkdown(text);
            }
            if (entry.output().equals("gallery.html") && demo.isPresent()) {
                text += "\n## The whole report\n\nThe demo's report, as `./sae demo` wrote it: [open it](#report).\n";
            }
            Markdown.Rendered page = markdown.render(entry.source(), text);
            String body = page.html().replace("href=\"#report\"", "href=\"demo-report.html\"");
            Files.writeString(site.resolve(entry.output()), page(entry, page.title(), body));
        }
        for (Path image : markdown.images()) {
            Files.copy(repository.resolve(image), site.resolve("images").resolve(image.getFileName()));
        }
        Files.copy(repository.resolve("docs/images/logo.svg"), site.resolve("images/favicon.svg"));
    }

    private static String page(Entry entry, String title, String body) {
        boolean landing = entry.output().equals("index.html");
        return """
                <!DOCTYPE html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="color-scheme" content="light dark">
                <title>%s</title>
                <link rel="icon" href="images/favicon.svg">
                <link rel="stylesheet" href="site.css">
                </head>
                <body%s>
                <a class="skip" href="#content">Skip to the content</a>
                <header><a class="brand" href="index.html"><img src="images/favicon.svg" alt="" width="28" height="28">sae4j</a></header>
                <details class="menu"><summary>Menu</summary>
                %s</details>
                <div class="frame">
                <nav aria-label="Pages">
                %s</nav>
                <main id="content">
                %s</main>
                </div>
                <footer>sae4j is free software under the Apache License 2.0.</footer>
                </body>
                </html>
                """.formatted(landing ? "sae4j: sparse autoencoders on the JVM" : escape(title) + " · sae4j",
                        landing ? " class=\"landing\"" : "", menu(entry), menu(entry), body + (landing ? "" : neighbors(entry)));
    }

    private static String menu(Entry current) {
        StringBuilder menu = new StringBuilder();
        for (Group group : Navigation.GROUPS) {
            menu.append("<p>").append(escape(group.title())).append("</p>\n<ul>\n");
            for (Entry entry : group.entries()) {
                menu.append("<li><a href=\"").append(entry.output()).append('"')
                        .append(entry.equals(current) ? " aria-current=\"page\"" : "").append('>').append(escape(entry.title()))
                        .append("</a></li>\n");
            }
            menu.append("</ul>\n");
        }
        return menu.toString();
    }

    private static String neighbors(Entry entry) {
        List<Entry> all = Navigation.entries();
        int at = all.indexOf(entry);
        List<String> links = new ArrayList<>();
        if (at > 0) {
            links.add(link(all.get(at - 1), "prev", "← "));
        }
        if (at + 1 < all.size()) {
            links.add(link(all.get(at + 1), "next", ""));
        }
        return "<div class=\"neighbors\">" + String.join("", links) + "</div>\n";
    }

    private static String link(Entry entry, String relation, String before) {
        return "<a rel=\"%s\" href=\"%s\">%s%s%s</a>".formatted(relation, entry.output(), before, escape(entry.title()),
                relation.equals("next") ? " →" : "");
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }

    private static void delete(Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> files = Files.walk(folder)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }
}
