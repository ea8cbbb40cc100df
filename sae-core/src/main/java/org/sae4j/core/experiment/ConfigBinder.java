package org.sae4j.core.experiment;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.api.experiment.Param;
import org.sae4j.api.experiment.Params;
import org.sae4j.core.internal.Nearest;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;
import org.sae4j.core.internal.json.JsonWriter;

/**
 * Reads experiment configurations: JSON objects laid over a record of defaults, strictly. An unknown key, a value of another type or out of
 * its {@link Param} range is refused before anything runs.
 */
public final class ConfigBinder {
    private ConfigBinder() {}

    /**
     * One setting of a configuration.
     *
     * @param name its key
     * @param type its type, for people
     * @param defaultValue its value where nothing is set, as JSON; empty for a nested record, whose own settings follow, and in lists
     * @param unit its unit, or empty
     * @param range allowed numbers, or empty
     * @param description what it means, or empty if the experiment does not say
     */
    public record Setting(String name, String type, String defaultValue, String unit, String range, String description) {}

    /**
     * The settings of a configuration. Those of a nested record follow it, their names joined by dots, and so do those of the records in a
     * list, their names behind {@code []} and without defaults.
     *
     * @param defaults an experiment's defaults
     * @return one entry for each component, in order
     */
    public static List<Setting> describe(Record defaults) {
        List<Setting> settings = new ArrayList<>();
        describe(defaults.getClass(), defaults, "", settings);
        return List.copyOf(settings);
    }

    private static void describe(Class<?> type, @Nullable Record defaults, String path, List<Setting> settings) {
        for (RecordComponent component : type.getRecordComponents()) {
            Param param = Params.of(component).orElse(null);
            String name = path + component.getName();
            Object value = defaults == null ? null : value(component, defaults);
            boolean nested = component.getType().isRecord();
            settings.add(new Setting(name, typeName(component.getGenericType()),
                    value == null || nested ? "" : JsonWriter.compact(plain(value)), param == null ? "" : param.unit(),
                    param == null ? "" : range(param), param == null ? "" : param.value()));
            if (nested) {
                describe(component.getType(), (Record) value, name + ".", settings);
            } else if (component.getGenericType() instanceof ParameterizedType p && p.getRawType() == List.class
                    && p.getActualTypeArguments()[0] instanceof Class<?> item && item.isRecord()) {
                describe(item, null, name + "[].", settings);
            }
        }
    }

    /**
     * A configuration as maps, lists, strings, numbers and booleans, for provenance.
     *
     * @param config the configuration
     * @return its components by name, in order
     */
    public static Map<String, Object> toMap(Record config) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (RecordComponent component : config.getClass().getRecordComponents()) {
            map.put(component.getName(), plain(value(component, config)));
        }
        return java.util.Collections.unmodifiableMap(map);
    }

    /**
     * Lays a JSON file over defaults.
     *
     * @param <C> the configuration's type
     * @param defaults values where the file sets nothing
     * @param file a JSON object
     * @return the configuration
     * @throws Sae4jException if the file cannot be read or does not fit
     */
    public static <C extends Record> C bind(C defaults, Path file) {
        return bind(defaults, DataFiles.text(file), file.toString());
    }

    /**
     * Lays a JSON object over defaults.
     *
     * @param <C> the configuration's type
     * @param defaults values where the JSON sets nothing
     * @param json a JSON object
     * @param where the JSON's origin, for messages
     * @return the configuration
     * @throws Sae4jException if the JSON does not fit
     */
    public static <C extends Record> C bind(C defaults, String json, String where) {
        JsonNode node;
        try {
            node = JsonReader.read(json);
        } catch (JsonException e) {
            throw new Sae4jException("the configuration is not JSON: " + e.reason(),
                    where + " line " + e.line(), "write one JSON object such as {\"" + firstKey(defaults) + "\": "
                            + "...}", e);
        }
        if (!node.isObject()) {
            throw new Sae4jException("the configuration is not a JSON object", where,
                    "write one JSON object such as {\"" + firstKey(defaults) + "\": ...}");
        }
        @SuppressWarnings("unchecked")
        C bound = (C) record(defaults.getClass(), defaults, node, where, "");
        return bound;
    }

    /**
     * Lays settings over defaults.
     *
     * @param <C> the configuration's type
     * @param defaults values where nothing is set
     * @param settings by name: strings, numbers, booleans, and lists and maps of these
     * @param where the settings' origin, for messages
     * @return the configuration
     * @throws Sae4jException if they do not fit
     * @throws IllegalArgumentException if a value is of another type than these
     */
    public static <C extends Record> C bind(C defaults, Map<String, ?> settings, String where) {
        return bind(defaults, JsonWriter.compact(settings), where);
    }

    private static String firstKey(Record defaults) {
        RecordComponent[] components = defaults.getClass().getRecordComponents();
        return components.length == 0 ? "" : components[0].getName();
    }

    private static Record record(Class<?> type, @Nullable Record defaults, JsonNode node, String where, String path) {
        RecordComponent[] components = type.getRecordComponents();
        List<String> names = Arrays.stream(components).map(RecordComponent::getName).toList();
        for (String key : node.propertyNames()) {
            if (!names.contains(key)) {
                throw new Sae4jException("unknown setting '" + path + key + "'", where, Nearest.hint(key, names) + "settings are " + names);
            }
        }
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            RecordComponent component = components[i];
            String key = path + component.getName();
            if (node.has(component.getName())) {
                Object before = defaults == null ? null : value(component, defaults);
                values[i] = convert(component.getGenericType(), before, node.path(component.getName()), where, key);
                check(Params.of(component).orElse(null), values[i], where, key);
            } else if (defaults != null) {
                values[i] = value(component, defaults);
            } else {
                throw new Sae4jException("setting '" + key + "' is missing", where, "set it, its type is "
                        + typeName(component.getGenericType()));
            }
        }
        try {
            Constructor<?> constructor =
                    type.getDeclaredConstructor(Arrays.stream(components).map(RecordComponent::getType).toArray(Class[]::new));
            constructor.trySetAccessible();
            return (Record) constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            Throwable cause = e.getTargetException();
            if (cause instanceof Sae4jException known) {
                throw known;
            }
            throw new Sae4jException("the configuration is refused: " + cause.getMessage(), where, "correct the settings", cause);
        } catch (ReflectiveOperationException e) {
            throw new Sae4jException("cannot make a " + type.getName() + ", " + e, where,
                    "the experiment must export or open its configuration record", e);
        }
    }

    private static Object convert(Type type, @Nullable Object defaults, JsonNode node, String where, String key) {
        if (type instanceof ParameterizedType p) {
            if (p.getRawType() == List.class) {
                return list(p.getActualTypeArguments()[0], node, where, key);
            }
            if (p.getRawType() == Optional.class) {
                return node.isNull() ? Optional.empty()
                        : Optional.of(convert(p.getActualTypeArguments()[0], null, node, where, key));
            }
        }
        if (!(type instanceof Class<?> c)) {
            throw mismatch(type, node, where, key);
        }
        if (c == boolean.class || c == Boolean.class) {
            if (node.isBoolean()) {
                return node.booleanValue();
            }
        } else if (c == int.class || c == Integer.class) {
            if (node.isIntegralNumber() && node.canConvertToInt()) {
                return node.intValue();
            }
        } else if (c == long.class || c == Long.class) {
            if (node.isIntegralNumber() && node.canConvertToLong()) {
                return node.longValue();
            }
        } else if (c == double.class || c == Double.class) {
            if (node.isNumber()) {
                return node.doubleValue();
            }
        } else if (c == String.class) {
            if (node.isString()) {
                return node.stringValue();
            }
        } else if (c.isEnum()) {
            return constant(c, node, where, key);
        } else if (c.isRecord()) {
            if (node.isObject()) {
                return record(c, (Record) defaults, node, where, key + ".");
            }
        } else if (c.isArray()) {
            List<Object> items = list(c.getComponentType(), node, where, key);
            Object array = Array.newInstance(c.getComponentType(), items.size());
            for (int i = 0; i < items.size(); i++) {
                Array.set(array, i, items.get(i));
            }
            return array;
        }
        throw mismatch(type, node, where, key);
    }

    private static List<Object> list(Type item, JsonNode node, String where, String key) {
        if (!node.isArray()) {
            throw new Sae4jException("setting '" + key + "' must be a list of " + typeName(item) + ", found " + abbreviate(node), where,
                    "write it in brackets");
        }
        List<Object> items = new ArrayList<>();
        for (JsonNode element : node) {
            items.add(convert(item, null, element, where, key + "[" + items.size() + "]"));
        }
        return List.copyOf(items);
    }

    private static Object constant(Class<?> type, JsonNode node, String where, String key) {
        List<String> names = Arrays.stream(type.getEnumConstants()).map(e -> ((Enum<?>) e).name().toLowerCase(java.util.Locale.ROOT)).toList();
        if (node.isString()) {
            int at = names.indexOf(node.stringValue().toLowerCase(java.util.Locale.ROOT).replace('-', '_'));
            if (at >= 0) {
                return type.getEnumConstants()[at];
            }
        }
        throw new Sae4jException("setting '" + key + "' cannot be " + abbreviate(node), where,
                (node.isString() ? Nearest.hint(node.stringValue(), names) : "") + "choose one of " + names);
    }

    private static void check(@Nullable Param param, Object value, String where, String key) {
        if (param == null) {
            return;
        }
        if (value instanceof Number number) {
            if (!(number.doubleValue() >= param.min() && number.doubleValue() <= param.max())) {
                throw new Sae4jException("setting '" + key + "' is out of range, found " + number, where, "choose a number "
                        + range(param));
            }
        } else if (value instanceof List<?> list) {
            for (int i = 0; i < list.size(); i++) {
                check(param, list.get(i), where, key + "[" + i + "]");
            }
        }
    }

    private static Sae4jException mismatch(Type type, JsonNode node, String where, String key) {
        return new Sae4jException("setting '" + key + "' must be a " + typeName(type) + ", found " + abbreviate(node), where, "correct its "
                + "value");
    }

    private static String abbreviate(JsonNode node) {
        String text = node.toString();
        return text.length() > 60 ? text.substring(0, 57) + "..." : text;
    }

    private static String range(Param param) {
        boolean low = param.min() > Double.NEGATIVE_INFINITY;
        boolean high = param.max() < Double.POSITIVE_INFINITY;
        return low && high ? "from " + number(param.min()) + " to " + number(param.max())
                : low ? "from " + number(param.min()) : high ? "up to " + number(param.max()) : "";
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15 ? Long.toString((long) value) : Double.toString(value);
    }

    private static String typeName(Type type) {
        if (type instanceof ParameterizedType p) {
            String of = typeName(p.getActualTypeArguments()[0]);
            return p.getRawType() == List.class ? "list of " + of : p.getRawType() == Optional.class ? of + " or null" : p.toString();
        }
        return switch (type) {
            case Class<?> c when c == int.class || c == long.class || c == Integer.class || c == Long.class -> "whole number";
            case Class<?> c when c == double.class || c == Double.class -> "number";
            case Class<?> c when c == boolean.class || c == Boolean.class -> "true or false";
            case Class<?> c when c == String.class -> "text";
            case Class<?> c when c.isEnum() -> Arrays.toString(c.getEnumConstants()).toLowerCase(java.util.Locale.ROOT);
            case Class<?> c when c.isArray() -> "list of " + typeName(c.getComponentType());
            case Class<?> c when c.isRecord() -> "object";
            default -> type.getTypeName();
        };
    }

    private static Object value(RecordComponent component, Record of) {
        try {
            component.getAccessor().trySetAccessible();
            return component.getAccessor().invoke(of);
        } catch (ReflectiveOperationException e) {
            throw new Sae4jException("cannot read setting '" + component.getName() + "', " + e, of.getClass().getName(),
                    "the experiment must export or open its configuration record", e);
        }
    }

    private static @Nullable Object plain(Object value) {
        return switch (value) {
            case Record r -> toMap(r);
            case Enum<?> e -> e.name().toLowerCase(java.util.Locale.ROOT);
            case Optional<?> o -> o.map(ConfigBinder::plain).orElse(null);
            case List<?> l -> l.stream().map(ConfigBinder::plain).toList();
            case Object o when o.getClass().isArray() -> {
                List<@Nullable Object> items = new ArrayList<>();
                for (int i = 0; i < Array.getLength(o); i++) {
                    items.add(plain(Array.get(o, i)));
                }
                yield items;
            }
            default -> value;
        };
    }
}
