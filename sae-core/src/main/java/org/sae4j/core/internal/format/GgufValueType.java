package org.sae4j.core.internal.format;

import java.math.BigInteger;

/** The types of metadata in GGUF, in the order of their numbers. */
enum GgufValueType {
    UINT8(1), INT8(1), UINT16(2), INT16(2), UINT32(4), INT32(4), FLOAT32(4), BOOL(1), STRING(8), ARRAY(12), UINT64(8), INT64(8), FLOAT64(8);

    private final int leastBytes;

    GgufValueType(int leastBytes) {
        this.leastBytes = leastBytes;
    }

    /** {@return the size of a value; of a string and an array at least} */
    int leastBytes() {
        return leastBytes;
    }

    static GgufValueType next(GgufCursor cursor, String what) {
        int number = cursor.int32("the type of " + what);
        if (number < 0 || number >= values().length) {
            throw cursor.broken("the type of " + what + " is " + Integer.toUnsignedString(number) + ", but types are from 0 to "
                    + (values().length - 1));
        }
        return values()[number];
    }

    /**
     * Reads a value that is no array.
     *
     * @return a Long for integers, a BigInteger beyond 2^63-1, a Float, Double, Boolean or String
     */
    Object read(GgufCursor cursor, String what) {
        return switch (this) {
            case UINT8 -> cursor.int8(what) & 0xffL;
            case INT8 -> (long) cursor.int8(what);
            case UINT16 -> cursor.int16(what) & 0xffffL;
            case INT16 -> (long) cursor.int16(what);
            case UINT32 -> cursor.int32(what) & 0xffffffffL;
            case INT32 -> (long) cursor.int32(what);
            case FLOAT32 -> Float.intBitsToFloat(cursor.int32(what));
            case BOOL -> bool(cursor, what);
            case STRING -> cursor.string(what);
            case UINT64 -> unsigned(cursor.int64(what));
            case INT64 -> cursor.int64(what);
            case FLOAT64 -> Double.longBitsToDouble(cursor.int64(what));
            case ARRAY -> throw cursor.broken(what + " is an array within an array, which is not supported");
        };
    }

    private static Boolean bool(GgufCursor cursor, String what) {
        byte value = cursor.int8(what);
        if (value != 0 && value != 1) {
            throw cursor.broken(what + " is a boolean of value " + (value & 0xff) + ", but booleans are 0 or 1");
        }
        return value == 1;
    }

    private static Object unsigned(long value) {
        if (value >= 0) {
            return value;
        }
        return new BigInteger(Long.toUnsignedString(value));
    }

    /** Goes over a value that is no array, without keeping it. */
    void skip(GgufCursor cursor, long count, String what) {
        switch (this) {
            case STRING -> {
                for (long i = 0; i < count; i++) {
                    cursor.skipString(what);
                }
            }
            case ARRAY -> throw cursor.broken(what + " is an array within an array, which is not supported");
            default -> cursor.take(count * leastBytes, what);
        }
    }
}
