package org.sae4j.core.internal.json;

import java.io.StringWriter;
import java.io.Writer;
import java.lang.reflect.Array;
import java.math.BigInteger;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;

/** Writes JSON, with the streaming generator alone; see {@link JsonReader}. Numbers that are not finite are strings. */
public final class JsonWriter {
    private static final JsonFactory FACTORY = JsonFactory.builder().build();
    private static final DefaultPrettyPrinter PRETTY = new DefaultPrettyPrinter(
            Separators.createDefaultInstance().withObjectNameValueSpacing(Separators.Spacing.AFTER).withObjectEmptySeparator("")
                    .withArrayEmptySeparator(""))
            .withObjectIndenter(new DefaultIndenter("  ", "\n"));

    private JsonWriter() {}

    /**
     * Writes on one line.
     *
     * @param value maps by strings, iterables, arrays, strings, boxed numbers, booleans and null, in the order of the maps
     * @return JSON
     * @throws IllegalArgumentException if there is anything else in it
     */
    public static String compact(@Nullable Object value) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = compactTo(text)) {
            write(out, value);
        }
        return text.toString();
    }

    /**
     * Writes over several lines.
     *
     * @param object as in {@link #compact}
     * @return JSON, ending with a line feed
     * @throws IllegalArgumentException if it holds what has no form in JSON
     */
    public static String indented(Map<String, ?> object) {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = indentedTo(text)) {
            write(out, object);
        }
        return text + "\n";
    }

    /** {@return a generator that writes on one line} */
    public static JsonGenerator compactTo(Writer text) {
        return FACTORY.createGenerator(ObjectWriteContext.empty(), text);
    }

    /** {@return a generator that writes over several lines, separated by line feeds, with two spaces for each level} */
    public static JsonGenerator indentedTo(Writer text) {
        return FACTORY.createGenerator(new ObjectWriteContext.Base() {
            @Override
            public PrettyPrinter getPrettyPrinter() {
                return PRETTY.createInstance();
            }

            @Override
            public boolean hasPrettyPrinter() {
                return true;
            }
        }, text);
    }

    private static void write(JsonGenerator out, @Nullable Object value) {
        switch (value) {
            case null -> out.writeNull();
            case String s -> out.writeString(s);
            case Boolean b -> out.writeBoolean(b);
            case Integer n -> out.writeNumber(n.intValue());
            case Long n -> out.writeNumber(n.longValue());
            case BigInteger n -> out.writeNumber(n);
            case Float n -> out.writeNumber(n.floatValue());
            case Double n -> out.writeNumber(n.doubleValue());
            case Map<?, ?> map -> {
                out.writeStartObject();
                map.forEach((key, member) -> {
                    out.writeName((String) key);
                    write(out, member);
                });
                out.writeEndObject();
            }
            case Iterable<?> list -> {
                out.writeStartArray();
                list.forEach(element -> write(out, element));
                out.writeEndArray();
            }
            case Object array when array.getClass().isArray() -> {
                out.writeStartArray();
                for (int i = 0; i < Array.getLength(array); i++) {
                    write(out, Array.get(array, i));
                }
                out.writeEndArray();
            }
            default -> throw new IllegalArgumentException("a " + value.getClass().getName() + " cannot be written as JSON");
        }
    }
}
