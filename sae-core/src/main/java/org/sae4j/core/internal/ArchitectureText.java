package org.sae4j.core.internal;

import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The name of an architecture and its settings as recipes and checkpoints have them: {@code name} or {@code name(key=value, key=value)}.
 *
 * @param name of the architecture
 * @param settings Long, Double, Boolean or String, by name
 */
public record ArchitectureText(String name, Map<String, Object> settings) {
    private static final Pattern FORM = Pattern.compile("([A-Za-z0-9_-]+)(?:\\((.*)\\))?");

    /**
     * Reads the text.
     *
     * @param text name, or name and settings
     * @return what it says
     * @throws IllegalArgumentException if it is neither
     */
    public static ArchitectureText parse(String text) {
        Matcher matcher = FORM.matcher(text.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException("no name, or name(key=value, key=value)");
        }
        Map<String, Object> settings = new TreeMap<>();
        String inner = matcher.group(2);
        for (String pair : inner == null || inner.isBlank() ? new String[0] : inner.split(",")) {
            String[] parts = pair.split("=", 2);
            if (parts.length < 2 || parts[0].isBlank() || settings.put(parts[0].strip(), value(parts[1].strip())) != null) {
                throw new IllegalArgumentException("no name(key=value, key=value)");
            }
        }
        return new ArchitectureText(matcher.group(1), settings);
    }

    private static Object value(String text) {
        if (text.equals("true") || text.equals("false")) {
            return Boolean.valueOf(text);
        }
        if (text.matches("[+-]?\\d{1,18}")) {
            return Long.valueOf(text);
        }
        try {
            return Double.valueOf(text);
        } catch (NumberFormatException e) {
            return text;
        }
    }

    /** {@return the text, which {@link #parse} reads back} */
    @Override
    public String toString() {
        return settings.isEmpty() ? name : name + settings.entrySet().stream().map(Object::toString).collect(Collectors.joining(", ", "(", ")"));
    }
}
