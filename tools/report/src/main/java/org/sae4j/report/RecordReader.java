package org.sae4j.report;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.internal.json.JsonNode;

/**
 * Makes records of what {@link JsonValues} wrote of them. Members that a record does not have are left aside, as a later version may write
 * more; every component must be there.
 */
final class RecordReader {
    private static final Map<String, Double> NOT_FINITE = Map.of("NaN", Double.NaN, "Infinity", Double.POSITIVE_INFINITY, "-Infinity",
            Double.NEGATIVE_INFINITY);

    private final String file;

    RecordReader(String file) {
        this.file = file;
    }

    /**
     * Reads a record.
     *
     * @param where the place of the node, for messages
     * @throws Sae4jException if the node does not hold such a record, or the record refuses it
     */
    <R> R read(JsonNode node, Class<R> type, String where) {
        return type.cast(record(node, type, where));
    }

    /** {@return the string that a node must be} */
    String text(JsonNode node, String where) {
        if (!node.isString()) {
            throw mismatch(node, "a string", where);
        }
        return node.stringValue();
    }

    /** {@return the error for a node of another kind than expected} */
    Sae4jException mismatch(JsonNode node, String expected, String where) {
        String found = node.isMissingNode() ? "nothing" : node.toString();
        return broken("expected " + expected + ", found " + (found.length() > 60 ? found.substring(0, 60) + "..." : found), where, null);
    }

    private Sae4jException broken(String what, String where, @Nullable Throwable cause) {
        return new Sae4jException(what, file + ": " + where, "pass a result.json that this version of sae4j wrote", cause);
    }

    private Object record(JsonNode node, Class<?> type, String where) {
        if (!node.isObject()) {
            throw mismatch(node, "an object", where);
        }
        RecordComponent[] components = type.getRecordComponents();
        Object[] values = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            String name = components[i].getName();
            values[i] = value(node.path(name), components[i].getGenericType(), where + "." + name);
        }
        try {
            Constructor<?> constructor =
                    type.getDeclaredConstructor(Arrays.stream(components).map(RecordComponent::getType).toArray(Class[]::new));
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            throw broken("not a sound " + type.getSimpleName() + ": " + e.getTargetException().getMessage(), where, e.getTargetException());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the records of a result are public, " + type, e);
        }
    }

    private Object value(JsonNode node, Type type, String where) {
        return switch (type) {
            case ParameterizedType p when p.getRawType() == List.class -> list(node, p.getActualTypeArguments()[0], where);
            case ParameterizedType p when p.getRawType() == Optional.class -> node.isNull() ? Optional.empty()
                    : Optional.of(value(node, p.getActualTypeArguments()[0], where));
            case Class<?> c when c == String.class -> text(node, where);
            case Class<?> c when c == double.class -> number(node, where);
            case Class<?> c when c == int.class && node.canConvertToInt() -> node.intValue();
            case Class<?> c when c == long.class && node.canConvertToLong() -> node.longValue();
            case Class<?> c when c == int.class || c == long.class -> throw mismatch(node, "a whole number", where);
            case Class<?> c when c == boolean.class && node.isBoolean() -> node.booleanValue();
            case Class<?> c when c == boolean.class -> throw mismatch(node, "true or false", where);
            case Class<?> c when c.isEnum() -> constant(node, c, where);
            case Class<?> c when c.isArray() -> array(node, c.getComponentType(), where);
            case Class<?> c when c.isRecord() -> record(node, c, where);
            case Class<?> c when c == Object.class -> {
                Object plain = node.toPlain();
                if (plain == null) {
                    throw mismatch(node, "a value", where);
                }
                yield plain;
            }
            default -> throw new IllegalStateException("results have no " + type);
        };
    }

    private double number(JsonNode node, String where) {
        Double special = NOT_FINITE.get(node.asString(""));
        if (special == null && !node.isNumber()) {
            throw mismatch(node, "a number", where);
        }
        return special == null ? node.doubleValue() : special;
    }

    private Object constant(JsonNode node, Class<?> type, String where) {
        for (Object constant : type.getEnumConstants()) {
            if (((Enum<?>) constant).name().equals(node.asString(""))) {
                return constant;
            }
        }
        throw mismatch(node, "one of " + Arrays.toString(type.getEnumConstants()), where);
    }

    private List<Object> list(JsonNode node, Type element, String where) {
        if (!node.isArray()) {
            throw mismatch(node, "a list", where);
        }
        List<Object> list = new ArrayList<>(node.size());
        for (JsonNode item : node) {
            list.add(value(item, element, where + "[" + list.size() + "]"));
        }
        return list;
    }

    private Object array(JsonNode node, Class<?> element, String where) {
        List<Object> list = list(node, element, where);
        Object array = Array.newInstance(element, list.size());
        for (int i = 0; i < list.size(); i++) {
            Array.set(array, i, list.get(i));
        }
        return array;
    }
}
