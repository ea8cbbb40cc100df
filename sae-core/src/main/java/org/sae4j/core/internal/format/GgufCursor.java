package org.sae4j.core.internal.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.sae4j.core.format.FormatException;

/** Reads a GGUF file's header from front to back. Nothing is allocated before the bytes for it are known to be there. */
final class GgufCursor {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** The longest string that is read: chat templates have some kilobytes, keys and names some dozen bytes. */
    private static final long MAX_STRING = 16 << 20;

    private final String path;
    private final MemorySegment file;
    private long position;

    GgufCursor(String path, MemorySegment file, long position) {
        this.path = path;
        this.file = file;
        this.position = position;
    }

    long position() {
        return position;
    }

    long left() {
        return file.byteSize() - position;
    }

    /** {@return the position before some bytes that are there, and goes on behind them} */
    long take(long bytes, String what) {
        if (Long.compareUnsigned(bytes, left()) > 0) {
            throw broken(what + " needs " + Long.toUnsignedString(bytes) + " bytes at byte " + position + ", but the file has only "
                    + left() + " more");
        }
        long at = position;
        position += bytes;
        return at;
    }

    /** {@return a number of things of at least so many bytes each, for which there is room} */
    long count(String what, int leastBytes) {
        long count = int64(what);
        if (Long.compareUnsigned(count, left() / leastBytes) > 0) {
            throw broken(what + " is " + Long.toUnsignedString(count) + " at byte " + (position - Long.BYTES)
                    + ", but the file has room for " + left() / leastBytes + " at most");
        }
        return count;
    }

    byte int8(String what) {
        return file.get(ValueLayout.JAVA_BYTE, take(Byte.BYTES, what));
    }

    short int16(String what) {
        return file.get(SHORT, take(Short.BYTES, what));
    }

    int int32(String what) {
        return file.get(INT, take(Integer.BYTES, what));
    }

    long int64(String what) {
        return file.get(LONG, take(Long.BYTES, what));
    }

    /** Goes over a string without looking at it. */
    void skipString(String what) {
        take(count("the length of " + what, 1), what);
    }

    String string(String what) {
        long length = count("the length of " + what, 1);
        if (length > MAX_STRING) {
            throw broken(what + " has " + length + " bytes, more than the " + MAX_STRING + " that are read");
        }
        byte[] bytes = file.asSlice(take(length, what), length).toArray(ValueLayout.JAVA_BYTE);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new FormatException(what + " is not UTF-8 (its bytes end at byte " + position + ")", path,
                    "download or write the file again", e);
        }
    }

    FormatException broken(String rule) {
        return new FormatException(rule, path, "download or write the file again");
    }
}
