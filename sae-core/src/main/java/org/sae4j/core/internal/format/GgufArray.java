package org.sae4j.core.internal.format;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.sae4j.core.format.FormatException;

/** An array among the metadata of a GGUF file, as it lies there. It can be read for as long as the file is mapped. */
public final class GgufArray {
    private static final int SHOWN = 8;

    private final String where;
    private final GgufValueType type;
    private final int size;
    private final MemorySegment data;

    /** @param data the elements, known to be complete */
    GgufArray(String where, GgufValueType type, int size, MemorySegment data) {
        this.where = where;
        this.type = type;
        this.size = size;
        this.data = data;
    }

    /** {@return the number of elements} */
    public int size() {
        return size;
    }

    /**
     * All elements, as strings.
     *
     * @throws FormatException if they are not strings, or one is not UTF-8
     */
    public List<String> strings() {
        if (type != GgufValueType.STRING) {
            throw wrong("strings");
        }
        List<String> strings = new ArrayList<>(size);
        GgufCursor cursor = cursor();
        for (int i = 0; i < size; i++) {
            strings.add(cursor.string("element " + i));
        }
        return strings;
    }

    /**
     * All elements, as floats.
     *
     * @throws FormatException if they are not numbers
     */
    public float[] floats() {
        float[] values = new float[size];
        List<Object> elements = numbers(size);
        for (int i = 0; i < size; i++) {
            values[i] = ((Number) elements.get(i)).floatValue();
        }
        return values;
    }

    /**
     * All elements, as integers.
     *
     * @throws FormatException if they are not integers from 0 to 2^31-1, or booleans, which are 0 and 1
     */
    public int[] integers() {
        int[] values = new int[size];
        List<Object> elements = elements(size);
        for (int i = 0; i < size; i++) {
            Object element = elements.get(i);
            if (element instanceof Boolean flag) {
                values[i] = flag ? 1 : 0;
            } else if (element instanceof Long number && number >= 0 && number <= Integer.MAX_VALUE) {
                values[i] = number.intValue();
            } else {
                throw new FormatException("expected integers from 0 to " + Integer.MAX_VALUE + ", found " + element + " as element " + i,
                        where, "download or write the file again");
            }
        }
        return values;
    }

    private List<Object> numbers(int count) {
        if (type == GgufValueType.STRING || type == GgufValueType.BOOL) {
            throw wrong("numbers");
        }
        return elements(count);
    }

    private List<Object> elements(int count) {
        GgufCursor cursor = cursor();
        Object[] values = new Object[count];
        Arrays.setAll(values, i -> type.read(cursor, "element " + i));
        return Arrays.asList(values);
    }

    private GgufCursor cursor() {
        return new GgufCursor(where, data, 0);
    }

    private FormatException wrong(String expected) {
        return new FormatException("expected an array of " + expected + ", found " + type, where, "download or write the file again");
    }

    /** {@return the first elements and their number, for people} */
    @Override
    public String toString() {
        String first = elements(Math.min(size, SHOWN)).stream().map(String::valueOf).collect(Collectors.joining(", "));
        return size <= SHOWN ? "[" + first + "]" : "[" + first + ", ...] (" + size + " elements)";
    }
}
