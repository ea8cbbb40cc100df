package org.sae4j.site;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The site's pages in the order of its menu: which file of the repository becomes which page. */
final class Navigation {
    /**
     * A page.
     *
     * @param source the Markdown file or notebook, relative to the repository's root
     * @param output the HTML file, relative to the site's root
     * @param title what the menu calls it
     */
    record Entry(Path source, String output, String title) {}

    /** A group of the menu. */
    record Group(String title, List<Entry> entries) {}

    static final List<Group> GROUPS = List.of(
            group("Start", docs("index", "sae4j"), docs("install", "Install"), docs("getting-started", "Getting started"),
                    page("examples/quickstart/README.md", "quickstart.html", "JShell, JBang, notebook"),
                    page("examples/quickstart/features.ipynb", "notebook.html", "The notebook")),
            group("Understand", docs("concepts", "Concepts"), docs("read-the-report", "Read the report"), docs("gallery", "Gallery"),
                    docs("smollm2", "A real model: SmolLM2"), docs("evidence", "Evidence"), docs("agreement", "Agreement with the field\'s packages"),
                    docs("comparison", "Comparison"), docs("faq", "Questions and answers")),
            group("How to", docs("load-a-public-sae", "Load a public autoencoder"), docs("gguf", "Steer a GGUF model"),
                    docs("train", "Train"), docs("replicate-the-paper", "Replicate the paper"), docs("serve", "Look at features in a page"),
                    docs("gpu", "Run on a GPU"),
                    docs("spring-boot", "Spring Boot"), docs("write-an-experiment", "Write an experiment"),
                    docs("write-an-engine", "Write an engine")),
            group("Reference", page("", Javadoc.PAGE, "Javadoc"), docs("memory", "Memory"), docs("result-files", "Result files"),
                    docs("serve-api", "API of the page"),
                    docs("security", "Files from the internet"), docs("api-stability", "API stability"),
                    root("CHANGELOG", "Changelog")),
            group("Project", root("ARCHITECTURE", "Architecture"), root("CONTRIBUTING", "Contributing"),
                    root("BENCHMARKS", "Benchmarks"), page("SECURITY.md", "vulnerabilities.html", "Report a vulnerability")));

    private Navigation() {}

    private static Group group(String title, Entry... entries) {
        return new Group(title, List.of(entries));
    }

    private static Entry docs(String name, String title) {
        return page("docs/" + name + ".md", name + ".html", title);
    }

    private static Entry root(String name, String title) {
        return page(name + ".md", name.toLowerCase(Locale.ROOT) + ".html", title);
    }

    private static Entry page(String source, String output, String title) {
        return new Entry(Path.of(source), output, title);
    }

    /** All pages in order. */
    static List<Entry> entries() {
        List<Entry> all = new ArrayList<>();
        GROUPS.forEach(g -> all.addAll(g.entries()));
        return all;
    }

    /** The page that each file becomes. */
    static Map<Path, String> outputs() {
        Map<Path, String> outputs = new LinkedHashMap<>();
        entries().forEach(e -> outputs.put(e.source(), e.output()));
        return outputs;
    }
}
