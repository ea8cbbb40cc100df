package org.sae4j.serve;

import java.lang.reflect.Array;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.internal.json.JsonWriter;

/**
 * What the API answers as JSON: records become objects with the names of their components in snake case, numbers have the digits of a
 * float, and what is not a finite number is null.
 */
final class Json {
    private Json() {}

    /** {@return one line} */
    static String write(@Nullable Object value) {
        return JsonWriter.compact(plain(value));
    }

    /** {@return an object of keys and values in turn} */
    static Map<String, @Nullable Object> object(@Nullable Object... keysAndValues) {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            map.put(String.valueOf(keysAndValues[i]), keysAndValues[i + 1]);
        }
        return map;
    }

    private static @Nullable Object plain(@Nullable Object value) {
        return switch (value) {
            case null -> null;
            case Optional<?> optional -> plain(optional.orElse(null));
            case OptionalInt optional -> optional.isPresent() ? optional.getAsInt() : null;
            case Double number -> Double.isFinite(number) ? rounded(number) : null;
            case Float number -> Float.isFinite(number) ? number : null;
            case Enum<?> constant -> constant.name().toLowerCase(Locale.ROOT);
            case Map<?, ?> map -> {
                Map<String, @Nullable Object> members = new LinkedHashMap<>();
                map.forEach((key, member) -> members.put(String.valueOf(key), plain(member)));
                yield members;
            }
            case Iterable<?> list -> {
                List<@Nullable Object> elements = new ArrayList<>();
                list.forEach(element -> elements.add(plain(element)));
                yield elements;
            }
            case Record fields -> members(fields);
            case Object array when array.getClass().isArray() -> {
                List<@Nullable Object> elements = new ArrayList<>(Array.getLength(array));
                for (int i = 0; i < Array.getLength(array); i++) {
                    elements.add(plain(Array.get(array, i)));
                }
                yield elements;
            }
            default -> value;
        };
    }

    /** Whole numbers beyond a float's digits stay what they are. */
    private static Number rounded(double number) {
        float shorter = (float) number;
        return number == Math.rint(number) || !Float.isFinite(shorter) ? (Number) number : (Number) shorter;
    }

    private static Map<String, @Nullable Object> members(Record fields) {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        for (RecordComponent component : fields.getClass().getRecordComponents()) {
            try {
                component.getAccessor().setAccessible(true);
                members.put(component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT),
                        plain(component.getAccessor().invoke(fields)));
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("a record that cannot be read: " + fields.getClass(), e);
            }
        }
        return members;
    }
}
