package org.sae4j.report;

import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedCollection;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Figure;
import tools.jackson.core.JsonGenerator;

/**
 * Writes the values that results are made of as JSON: the same value always gives the same text. Records are objects with their components
 * in the order of declaration, maps keep their order if they have one and are sorted by key if not, a figure has its kind in front.
 */
final class JsonValues {
    /** How many digits numbers keep. */
    enum Precision {
        /** All: reading gives the same bits. */
        FULL,
        /** Those of float32, for pictures. Whole numbers keep all. */
        DISPLAY
    }

    private static final double EXACT_INTEGERS = 0x1p53;

    private final JsonGenerator out;
    private final Precision precision;

    JsonValues(JsonGenerator out, Precision precision) {
        this.out = out;
        this.precision = precision;
    }

    /**
     * Writes one value.
     *
     * @param value the value, or null
     * @param where its place, for messages
     * @throws Sae4jException if it holds something that has no form in a result file
     */
    void write(@Nullable Object value, String where) {
        switch (value) {
            case null -> out.writeNull();
            case Boolean b -> out.writeBoolean(b);
            case Double d -> number(d);
            case Float f -> number(f);
            case Byte n -> out.writeNumber(n.intValue());
            case Short n -> out.writeNumber(n.intValue());
            case Integer n -> out.writeNumber(n.intValue());
            case Long n -> out.writeNumber(n.longValue());
            case Enum<?> e -> out.writeString(e.name());
            case CharSequence s -> out.writeString(s.toString());
            case Character c -> out.writeString(c.toString());
            case Optional<?> o -> write(o.orElse(null), where);
            case Record r -> object(r, where);
            case Map<?, ?> m -> map(m, where);
            case SequencedCollection<?> c -> list(c, where);
            default -> {
                if (!value.getClass().isArray()) {
                    throw new Sae4jException("a " + value.getClass().getName() + " cannot be written to a result", where,
                            "use records, lists, maps, arrays, strings, enums, numbers and booleans");
                }
                array(value, where);
            }
        }
    }

    /** {@return the name of a kind of figure, such as {@code token-strips}} */
    static String kind(Class<?> figure) {
        return figure.getSimpleName().replaceAll("(?<=[a-z])(?=[A-Z])", "-").toLowerCase(Locale.ROOT);
    }

    private void number(double d) {
        if (!Double.isFinite(d)) {
            out.writeString(Double.toString(d));
        } else if (precision == Precision.FULL) {
            out.writeNumber(d);
        } else if (d == Math.rint(d) && Math.abs(d) < EXACT_INTEGERS) {
            out.writeNumber((long) d);
        } else {
            float f = (float) d;
            if (Float.isFinite(f) && Math.abs(f) >= Float.MIN_NORMAL) {
                out.writeNumber(f);
            } else {
                out.writeNumber(d);
            }
        }
    }

    private void number(float f) {
        if (Float.isFinite(f)) {
            out.writeNumber(f);
        } else {
            out.writeString(Float.toString(f));
        }
    }

    private void object(Record value, String where) {
        out.writeStartObject();
        if (value instanceof Figure figure) {
            out.writeStringProperty("kind", kind(figure.getClass()));
        }
        for (RecordComponent component : value.getClass().getRecordComponents()) {
            out.writeName(component.getName());
            write(component(value, component, where), where + "." + component.getName());
        }
        out.writeEndObject();
    }

    private static @Nullable Object component(Record value, RecordComponent component, String where) {
        var accessor = component.getAccessor();
        if (!accessor.trySetAccessible()) {
            throw new Sae4jException("cannot read the component " + component.getName() + " of " + value.getClass().getName(), where,
                    "make the record public and export its package, or open the package to org.sae4j.report");
        }
        try {
            return accessor.invoke(value);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        } catch (InvocationTargetException e) {
            throw new Sae4jException("the accessor " + component.getName() + " of " + value.getClass().getName() + " failed", where,
                    "see the cause", e);
        }
    }

    private void map(Map<?, ?> map, String where) {
        List<? extends Map.Entry<?, ?>> entries = map.entrySet().stream()
                .sorted(map instanceof SequencedMap ? (_, _) -> 0 : Comparator.comparing(e -> key(e.getKey(), where))).toList();
        out.writeStartObject();
        for (Map.Entry<?, ?> entry : entries) {
            String key = key(entry.getKey(), where);
            out.writeName(key);
            write(entry.getValue(), where + "." + key);
        }
        out.writeEndObject();
    }

    private static String key(@Nullable Object key, String where) {
        return switch (key) {
            case CharSequence s -> s.toString();
            case Enum<?> e -> e.name();
            case Number n -> n.toString();
            case Boolean b -> b.toString();
            case null, default -> throw new Sae4jException("a map has the key " + key, where,
                    "use strings, enums, numbers or booleans as keys");
        };
    }

    private void list(SequencedCollection<?> list, String where) {
        out.writeStartArray();
        int i = 0;
        for (Object element : list) {
            write(element, where + "[" + i++ + "]");
        }
        out.writeEndArray();
    }

    private void array(Object array, String where) {
        out.writeStartArray();
        switch (array) {
            case double[] values -> {
                for (double v : values) {
                    number(v);
                }
            }
            case float[] values -> {
                for (float v : values) {
                    number(v);
                }
            }
            default -> {
                for (int i = 0; i < Array.getLength(array); i++) {
                    write(Array.get(array, i), where + "[" + i + "]");
                }
            }
        }
        out.writeEndArray();
    }
}
