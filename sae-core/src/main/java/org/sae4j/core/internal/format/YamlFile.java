package org.sae4j.core.internal.format;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The plain values at the top level of a YAML file, which is all that is needed of the publishers' configurations. */
final class YamlFile {
    private static final long MAX_BYTES = 1 << 20;
    private static final Pattern ENTRY = Pattern.compile("([A-Za-z_][A-Za-z0-9_-]*):[ \\t]+([^\\s#].*?)\\s*");
    private static final Pattern QUOTED = Pattern.compile("(?:\"([^\"\\\\]*)\"|'([^']*)')(?:\\s+#.*)?");

    private final Map<String, String> values = new HashMap<>();

    private YamlFile(String text) {
        text.lines().map(ENTRY::matcher).filter(Matcher::matches).forEach(entry -> {
            Matcher quoted = QUOTED.matcher(entry.group(2));
            values.put(entry.group(1), !quoted.matches() ? entry.group(2).replaceFirst("\\s+#.*$", "")
                    : quoted.group(1) == null ? quoted.group(2) : quoted.group(1));
        });
    }

    /**
     * Reads a file.
     *
     * @throws org.sae4j.core.format.FormatException if it cannot be read, or is too large
     */
    static Optional<YamlFile> read(Path path) {
        return Files.isRegularFile(path) ? Optional.of(new YamlFile(new String(MappedFile.bytes(path, MAX_BYTES), StandardCharsets.UTF_8)))
                : Optional.empty();
    }

    Optional<String> get(String key) {
        return Optional.ofNullable(values.get(key));
    }
}
