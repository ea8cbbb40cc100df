package org.sae4j.core.internal.template;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;

/** A template that has been read. Immutable. */
public final class Template {
    /** Letters of Python's {@code strftime} and the patterns of Java that write the same. */
    private static final Map<Character, String> DATES = Map.ofEntries(Map.entry('d', "dd"), Map.entry('m', "MM"), Map.entry('Y', "yyyy"),
            Map.entry('y', "yy"), Map.entry('b', "MMM"), Map.entry('B', "MMMM"), Map.entry('a', "EEE"), Map.entry('A', "EEEE"),
            Map.entry('H', "HH"), Map.entry('I', "hh"), Map.entry('M', "mm"), Map.entry('S', "ss"), Map.entry('p', "a"), Map.entry('j', "DDD"));

    private final String where;
    private final List<Statement> statements;

    private Template(String where, List<Statement> statements) {
        this.where = where;
        this.statements = statements;
    }

    /** What a template raises by itself. */
    private static final class Raised extends RuntimeException {
        private static final long serialVersionUID = 1;

        Raised(String message) {
            super(message, null, false, false);
        }
    }

    /**
     * Reads a template.
     *
     * @param where the file, and the key in it
     * @param source the template
     * @return the template
     * @throws FormatException if it is broken, or uses what is not supported; the message names it
     */
    public static Template of(String where, String source) {
        return new Template(where, Parser.parse(where, source));
    }

    /**
     * Writes the text.
     *
     * @param variables what the template sees by name: null, Boolean, Long, Double, String, and lists and maps of these
     * @param now what {@code strftime_now} writes
     * @return the text
     * @throws FormatException if the template raises an exception, does with a value what it is not for, or needs too much work
     */
    public String render(Map<String, ? extends @Nullable Object> variables, Supplier<ZonedDateTime> now) {
        Map<String, @Nullable Object> all = new HashMap<>(variables);
        all.put("raise_exception", (Callable) (places, names) -> {
            throw new Raised(places.isEmpty() ? "" : String.valueOf(places.getFirst()));
        });
        all.put("strftime_now", (Callable) (places, names) -> date(Values.string(places.isEmpty() ? null : places.getFirst()), now.get()));
        try {
            return new Run().run(statements, all);
        } catch (Raised e) {
            throw new FormatException("the chat template refuses the messages: " + e.getMessage(), where,
                    "give messages that the model was trained with");
        } catch (Work.Exhausted e) {
            throw new FormatException("the chat template " + e.getMessage(), where, "use another template");
        } catch (IllegalArgumentException e) {
            throw new FormatException("the chat template does not fit the messages, or uses what is not supported: " + e.getMessage(), where,
                    "check the messages, or write the prompt out yourself", e);
        }
    }

    private static String date(String format, ZonedDateTime now) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            char letter = ++i < format.length() ? format.charAt(i) : 0;
            String pattern = DATES.get(letter);
            if (pattern == null && letter != '%') {
                throw new IllegalArgumentException("\"%" + letter + "\" of strftime_now is not supported");
            }
            out.append(pattern == null ? "%" : DateTimeFormatter.ofPattern(pattern, Locale.US).format(now));
        }
        return out.toString();
    }
}
