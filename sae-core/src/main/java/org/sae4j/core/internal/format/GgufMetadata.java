package org.sae4j.core.internal.format;

import java.math.BigInteger;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.sae4j.core.format.FormatException;

/** The metadata of a GGUF file with typed access, whose errors name the file and the key. */
public final class GgufMetadata {
    private final String path;
    private final Map<String, Object> values;

    /** @param values Long, BigInteger, Float, Double, Boolean, String or {@link GgufArray} by key */
    GgufMetadata(Path path, Map<String, Object> values) {
        this.path = path.toString();
        this.values = values;
    }

    /** {@return the metadata of a table that was read from a GGUF file} */
    public static GgufMetadata of(TensorTable table) {
        return new GgufMetadata(table.path(), table.extras());
    }

    /** {@return the file and a key, for messages} */
    public String at(String key) {
        return path + ": " + key;
    }

    /** {@return all values by key} */
    public Map<String, Object> values() {
        return values;
    }

    /** {@return whether the file has the key} */
    public boolean has(String key) {
        return values.containsKey(key);
    }

    /**
     * A string.
     *
     * @throws FormatException if the value is of another type
     */
    public Optional<String> string(String key) {
        Object value = values.get(key);
        if (value == null || value instanceof String) {
            return Optional.ofNullable((String) value);
        }
        throw mismatch(key, "a string", value);
    }

    /**
     * An integer of any of the integer types.
     *
     * @throws FormatException if the value is no integer from 0 to 2^31-1
     */
    public OptionalInt integer(String key) {
        Object value = values.get(key);
        if (value == null) {
            return OptionalInt.empty();
        }
        if (value instanceof Long number && number >= 0 && number <= Integer.MAX_VALUE) {
            return OptionalInt.of(number.intValue());
        }
        throw mismatch(key, "an integer from 0 to " + Integer.MAX_VALUE, value);
    }

    /**
     * A finite number of any of the numeric types. A float32 gives the shortest decimal that stands for it, so that 1e-05 is 1e-05.
     *
     * @throws FormatException if the value is no finite number
     */
    public OptionalDouble number(String key) {
        Object value = values.get(key);
        double number = switch (value) {
            case null -> 0;
            case Long v -> v;
            case BigInteger v -> v.doubleValue();
            case Float v -> Double.parseDouble(v.toString());
            case Double v -> v;
            default -> Double.NaN;
        };
        if (!Double.isFinite(number)) {
            throw mismatch(key, "a finite number", value);
        }
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(number);
    }

    /**
     * A boolean.
     *
     * @throws FormatException if the value is of another type
     */
    public boolean flag(String key, boolean otherwise) {
        Object value = values.get(key);
        return switch (value) {
            case null -> otherwise;
            case Boolean flag -> flag;
            default -> throw mismatch(key, "true or false", value);
        };
    }

    /**
     * An array.
     *
     * @throws FormatException if the value is no array
     */
    public Optional<GgufArray> array(String key) {
        Object value = values.get(key);
        if (value == null || value instanceof GgufArray) {
            return Optional.ofNullable((GgufArray) value);
        }
        throw mismatch(key, "an array", value);
    }

    private FormatException mismatch(String key, String expected, @Nullable Object found) {
        String kind = switch (found) {
            case String text -> "the string \"" + (text.length() <= 60 ? text : text.substring(0, 60) + "...") + '"';
            case GgufArray array -> "an array of " + array.size();
            case null, default -> String.valueOf(found);
        };
        return new FormatException("expected " + expected + ", found " + kind, at(key), "use a file with valid metadata");
    }
}
