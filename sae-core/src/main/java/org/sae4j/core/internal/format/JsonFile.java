package org.sae4j.core.internal.format;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.json.JsonException;
import org.sae4j.core.internal.json.JsonNode;
import org.sae4j.core.internal.json.JsonReader;

/** A JSON object from a file, with typed access whose errors name the file and the key. A key whose value is null counts as absent. */
public final class JsonFile {
    /** The largest JSON file that is read. */
    private static final long MAX_BYTES = 256L << 20;

    private final String where;
    private final JsonNode node;

    private JsonFile(String where, JsonNode node) {
        this.where = where;
        this.node = node;
    }

    /**
     * Reads a file that holds one object.
     *
     * @throws FormatException if it cannot be read or is not a JSON object
     */
    public static JsonFile read(Path path) {
        return parse(path.toString(), MappedFile.bytes(path, MAX_BYTES));
    }

    /**
     * Parses one object.
     *
     * @param where the source, for messages
     * @throws FormatException if the bytes are not UTF-8 or not a JSON object; duplicate keys and deep nesting are refused
     */
    public static JsonFile parse(String where, byte[] utf8) {
        JsonNode node;
        try {
            node = JsonReader.readPython(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString());
        } catch (CharacterCodingException e) {
            throw new FormatException("JSON must be UTF-8", where, "download or write the file again", e);
        } catch (JsonException e) {
            throw new FormatException("not valid JSON: " + e.reason(), where, "download or write the file again", e);
        }
        return of(where, node);
    }

    /**
     * An object within a file.
     *
     * @throws FormatException if the node is not an object
     */
    public static JsonFile of(String where, JsonNode node) {
        if (!node.isObject()) {
            throw new FormatException("expected a JSON object, found " + kind(node), where, "check that it is the right file");
        }
        return new JsonFile(where, node);
    }

    /** {@return the source, for messages} */
    public String where() {
        return where;
    }

    /** {@return the object} */
    public JsonNode node() {
        return node;
    }

    /** {@return the source and a key, for messages} */
    public String at(String key) {
        return where + ": " + key;
    }

    /** {@return the value of a key, or null if it is absent or null} */
    public @Nullable JsonNode get(String key) {
        JsonNode value = node.get(key);
        return value == null || value.isNull() ? null : value;
    }

    /** {@return whether the key has a value other than null} */
    public boolean has(String key) {
        return get(key) != null;
    }

    /** {@return the string of the first of these keys that has a value} */
    public Optional<String> string(String... keys) {
        for (String key : keys) {
            JsonNode value = get(key);
            if (value != null) {
                if (!value.isString()) {
                    throw mismatch(key, "a string", value);
                }
                return Optional.of(value.stringValue());
            }
        }
        return Optional.empty();
    }

    /** {@return the integer of the first of these keys that has a value} */
    public OptionalInt integer(String... keys) {
        for (String key : keys) {
            JsonNode value = get(key);
            if (value != null) {
                if (!value.isIntegralNumber() || value.bigIntegerValue().bitLength() > 31
                        || value.bigIntegerValue().compareTo(BigInteger.valueOf(Integer.MAX_VALUE)) > 0) {
                    throw mismatch(key, "an integer below 2^31", value);
                }
                return OptionalInt.of(value.intValue());
            }
        }
        return OptionalInt.empty();
    }

    /** {@return the number of the first of these keys that has a value} */
    public OptionalDouble number(String... keys) {
        for (String key : keys) {
            JsonNode value = get(key);
            if (value != null) {
                if (!value.isNumber()) {
                    throw mismatch(key, "a number", value);
                }
                return OptionalDouble.of(value.doubleValue());
            }
        }
        return OptionalDouble.empty();
    }

    /** {@return the boolean of a key, or a default} */
    public boolean flag(String key, boolean otherwise) {
        JsonNode value = get(key);
        if (value == null) {
            return otherwise;
        }
        if (!value.isBoolean()) {
            throw mismatch(key, "true or false", value);
        }
        return value.booleanValue();
    }

    /** {@return the object of a key} */
    public Optional<JsonFile> object(String key) {
        JsonNode value = get(key);
        if (value == null) {
            return Optional.empty();
        }
        if (!value.isObject()) {
            throw mismatch(key, "an object", value);
        }
        return Optional.of(new JsonFile(at(key), value));
    }

    /** {@return the objects in the array of a key; none if it is absent} */
    public List<JsonFile> objects(String key) {
        JsonNode value = get(key);
        if (value == null) {
            return List.of();
        }
        if (!value.isArray()) {
            throw mismatch(key, "an array", value);
        }
        List<JsonFile> objects = new ArrayList<>(value.size());
        for (JsonNode element : value) {
            objects.add(of(at(key) + "[" + objects.size() + "]", element));
        }
        return objects;
    }

    /** {@return the error for a value of another kind than expected} */
    public FormatException mismatch(String key, String expected, JsonNode found) {
        return new FormatException("expected " + expected + ", found " + kind(found), at(key), "correct the file");
    }

    private static String kind(JsonNode node) {
        String text = node.isObject() ? "an object" : node.isArray() ? "an array" : node.isMissingNode() ? "nothing"
                : node.toString();
        return text.length() <= 60 ? text : text.substring(0, 60) + "...";
    }
}
