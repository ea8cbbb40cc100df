package org.sae4j.core.internal.json;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A JSON value: an object, an array, a string, a number, a boolean or null. Immutable. {@link JsonReader} makes them.
 *
 * <p>Accessors of one kind throw {@link IllegalStateException} on another, so ask before.
 */
public final class JsonNode implements Iterable<JsonNode> {
    /** JSON's null. */
    static final JsonNode NULL = new JsonNode(null);
    private static final JsonNode MISSING = new JsonNode(null);

    /** A map or list of nodes, a string, an Integer, Long or BigInteger (the smallest that holds it), a Double, a Boolean, or null. */
    private final @Nullable Object value;

    private JsonNode(@Nullable Object value) {
        this.value = value;
    }

    static JsonNode object(Map<String, JsonNode> members) {
        return new JsonNode(Collections.unmodifiableMap(members));
    }

    static JsonNode array(List<JsonNode> elements) {
        return new JsonNode(Collections.unmodifiableList(elements));
    }

    /** A string, number or boolean. */
    static JsonNode scalar(Object value) {
        return new JsonNode(value);
    }

    /** {@return whether it is an object} */
    public boolean isObject() {
        return value instanceof Map;
    }

    /** {@return whether it is an array} */
    public boolean isArray() {
        return value instanceof List;
    }

    /** {@return whether it is a string} */
    public boolean isString() {
        return value instanceof String;
    }

    /** {@return whether it is a number} */
    public boolean isNumber() {
        return value instanceof Number;
    }

    /** {@return whether it is a number that was written without fraction and exponent} */
    public boolean isIntegralNumber() {
        return value instanceof Number && !(value instanceof Double);
    }

    /** {@return whether it is true or false} */
    public boolean isBoolean() {
        return value instanceof Boolean;
    }

    /** {@return whether it is null, which a value that is missing is not} */
    public boolean isNull() {
        return value == null && this != MISSING;
    }

    /** {@return whether it stands for a member that is not there, see {@link #path}} */
    public boolean isMissingNode() {
        return this == MISSING;
    }

    /** {@return whether it is an integral number from -2^31 to 2^31-1} */
    public boolean canConvertToInt() {
        return value instanceof Integer;
    }

    /** {@return whether it is an integral number from -2^63 to 2^63-1} */
    public boolean canConvertToLong() {
        return value instanceof Integer || value instanceof Long;
    }

    /** {@return the string} */
    public String stringValue() {
        return as(String.class);
    }

    /** {@return the boolean} */
    public boolean booleanValue() {
        return as(Boolean.class);
    }

    /** {@return the integral number, if {@link #canConvertToInt}} */
    public int intValue() {
        return as(Integer.class);
    }

    /** {@return the integral number, if {@link #canConvertToLong}} */
    public long longValue() {
        return value instanceof Integer small ? small : as(Long.class);
    }

    /** {@return the nearest double of the number} */
    public double doubleValue() {
        return as(Number.class).doubleValue();
    }

    /** {@return the integral number} */
    public BigInteger bigIntegerValue() {
        return canConvertToLong() ? BigInteger.valueOf(longValue()) : as(BigInteger.class);
    }

    /** {@return the string, or the default if it is anything else} */
    public String asString(String otherwise) {
        return value instanceof String text ? text : otherwise;
    }

    /** {@return the integral number, or the default if it is anything else or beyond 64 bits} */
    public long asLong(long otherwise) {
        return canConvertToLong() ? longValue() : otherwise;
    }

    /** {@return how many members or elements it has; 0 for other values} */
    public int size() {
        return value instanceof Map<?, ?> map ? map.size() : value instanceof List<?> list ? list.size() : 0;
    }

    /** {@return the member of a key; null if it is no object or lacks the key} */
    public @Nullable JsonNode get(String key) {
        return value instanceof Map<?, ?> map ? (JsonNode) map.get(key) : null;
    }

    /**
     * An element of an array.
     *
     * @throws IndexOutOfBoundsException if there is none of that index
     */
    public JsonNode get(int index) {
        return elements().get(index);
    }

    /** {@return the member of a key; one that {@link #isMissingNode} if there is none} */
    public JsonNode path(String key) {
        JsonNode member = get(key);
        return member == null ? MISSING : member;
    }

    /** {@return whether it is an object with this key, be its value null} */
    public boolean has(String key) {
        return get(key) != null;
    }

    /** {@return the keys of an object, in order; none for other values} */
    public Set<String> propertyNames() {
        return members().keySet();
    }

    /** {@return the members of an object, in order; none for other values} */
    public Set<Map.Entry<String, JsonNode>> properties() {
        return members().entrySet();
    }

    /** {@return the elements of an array; none for other values} */
    @Override
    public Iterator<JsonNode> iterator() {
        return elements().iterator();
    }

    /** {@return maps, lists, strings, Integer, Long, BigInteger, Double, Boolean and null, in order} */
    public @Nullable Object toPlain() {
        return switch (value) {
            case Map<?, ?> _ -> toMap();
            case List<?> _ -> {
                List<@Nullable Object> list = new ArrayList<>(size());
                forEach(element -> list.add(element.toPlain()));
                yield list;
            }
            case null, default -> value;
        };
    }

    /** {@return the members of an object as {@link #toPlain} gives them; none for other values} */
    public Map<String, @Nullable Object> toMap() {
        Map<String, @Nullable Object> map = LinkedHashMap.newLinkedHashMap(size());
        members().forEach((key, member) -> map.put(key, member.toPlain()));
        return map;
    }

    /** {@return JSON on one line; empty if it is missing} */
    @Override
    public String toString() {
        return this == MISSING ? "" : JsonWriter.compact(toPlain());
    }

    @SuppressWarnings("unchecked")
    private Map<String, JsonNode> members() {
        return value instanceof Map<?, ?> map ? (Map<String, JsonNode>) map : Map.of();
    }

    @SuppressWarnings("unchecked")
    private List<JsonNode> elements() {
        return value instanceof List<?> list ? (List<JsonNode>) list : List.of();
    }

    private <T> T as(Class<T> type) {
        if (!type.isInstance(value)) {
            throw new IllegalStateException("expected " + type.getSimpleName() + ", found " + this);
        }
        return type.cast(value);
    }
}
