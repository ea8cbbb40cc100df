package org.sae4j.serve;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** The page's files: a fixed list, so that no address leads anywhere else. */
final class StaticFiles {
    private static final List<String> NAMES = List.of("index.html", "style.css", "app.js", "api.js", "dom.js", "charts.js", "tokens.js",
            "text.js", "feature.js", "features.js", "map.js", "steer.js", "compare.js", "names.js", "training.js", "icon.svg");

    /** A file and what it is. */
    record Content(byte[] bytes, String type) {}

    private final Map<String, Content> files = new LinkedHashMap<>();

    StaticFiles() {
        for (String name : NAMES) {
            try (InputStream in = StaticFiles.class.getResourceAsStream("page/" + name)) {
                if (in == null) {
                    throw new IllegalStateException("a file of the page is missing from the jar: " + name);
                }
                files.put("/" + name, new Content(in.readAllBytes(), type(name)));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        files.put("/", Objects.requireNonNull(files.get("/index.html")));
    }

    private static String type(String name) {
        return switch (name.substring(name.lastIndexOf('.') + 1)) {
            case "html" -> "text/html; charset=utf-8";
            case "css" -> "text/css; charset=utf-8";
            case "js" -> "text/javascript; charset=utf-8";
            default -> "image/svg+xml";
        };
    }

    Optional<Content> get(String path) {
        return Optional.ofNullable(files.get(path));
    }
}
