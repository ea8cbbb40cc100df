package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.sae4j.core.format.FormatException;

/**
 * A zip archive in a mapped file: stored entries are views of it, so that gigabytes of weights are not copied. Zip64 is read, for torch
 * writes it. The directory is believed only where the local headers agree with it and no two entries share bytes.
 */
final class ZipArchive {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int END = 0x06054b50;
    private static final int END_SIZE = 22;
    private static final int END64 = 0x06064b50;
    private static final int END64_SIZE = 56;
    private static final int LOCATOR64 = 0x07064b50;
    private static final int LOCATOR64_SIZE = 20;
    private static final int CENTRAL = 0x02014b50;
    private static final int CENTRAL_SIZE = 46;
    private static final int LOCAL = 0x04034b50;
    private static final int LOCAL_SIZE = 30;
    private static final long UNSIGNED_INT = 0xffffffffL;
    private static final int STORED = 0;
    private static final int DEFLATED = 8;
    /** Weights hardly compress; an entry that inflates beyond this much plus this factor is a bomb. */
    private static final long INFLATED_FREELY = 64L << 20;
    private static final int INFLATED_FACTOR = 16;
    private static final int PIECE = 1 << 20;
    private static final String AGAIN = "download or write the file again";

    private final Path path;
    private final MemorySegment file;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private record Entry(String name, int method, int crc, long compressed, long size, long header, long data) {}

    private ZipArchive(Path path, MemorySegment file) {
        this.path = path;
        this.file = file;
    }

    /** {@return whether a file begins like a zip archive} */
    static boolean matches(MemorySegment file) {
        return file.byteSize() >= 4 && file.get(INT, 0) == LOCAL;
    }

    static ZipArchive open(Path path, MemorySegment file) {
        ZipArchive archive = new ZipArchive(path, file);
        archive.readDirectory();
        return archive;
    }

    List<String> names() {
        return List.copyOf(entries.keySet());
    }

    boolean has(String name) {
        return entries.containsKey(name);
    }

    private Entry entry(String name) {
        return Objects.requireNonNull(entries.get(name), name);
    }

    /** {@return whether an entry is stored without compression} */
    boolean isStored(String name) {
        return entry(name).method == STORED;
    }

    long size(String name) {
        return entry(name).size;
    }

    /** {@return the bytes of an entry, checked against its checksum} */
    MemorySegment read(String name, Arena arena) {
        Entry entry = entry(name);
        MemorySegment bytes = entry.method == STORED ? view(name) : inflate(entry, entry.size, arena);
        if (checksum(bytes) != entry.crc) {
            throw damaged(name);
        }
        return bytes;
    }

    /** {@return whether a stored entry's bytes match its checksum} */
    boolean isIntact(String name) {
        return checksum(view(name)) == entry(name).crc;
    }

    FormatException damaged(String name) {
        return broken("the checksum of " + name + " does not match its bytes");
    }

    private static int checksum(MemorySegment bytes) {
        CRC32 crc = new CRC32();
        for (long at = 0; at < bytes.byteSize(); at += PIECE) {
            crc.update(bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer());
        }
        return (int) crc.getValue();
    }

    /** {@return the bytes of a stored entry, unchecked} */
    MemorySegment view(String name) {
        Entry entry = entry(name);
        return file.asSlice(entry.data, entry.compressed);
    }

    /** {@return the first bytes of an entry, unchecked, at most {@code limit}} */
    MemorySegment head(String name, long limit, Arena arena) {
        Entry entry = entry(name);
        long length = Math.min(limit, entry.size);
        return entry.method == STORED ? view(name).asSlice(0, length) : inflate(entry, length, arena);
    }

    private MemorySegment inflate(Entry entry, long length, Arena arena) {
        if (length > INFLATED_FREELY + INFLATED_FACTOR * entry.compressed) {
            throw broken(entry.name + " claims to inflate from " + entry.compressed + " to " + entry.size + " bytes");
        }
        MemorySegment target = OffHeap.allocate(arena, length, path + ": " + entry.name);
        Inflater inflater = new Inflater(true);
        try {
            long read = 0;
            long written = 0;
            while (written < length) {
                if (inflater.needsInput() && read < entry.compressed) {
                    long count = Math.min(PIECE, entry.compressed - read);
                    inflater.setInput(file.asSlice(entry.data + read, count).asByteBuffer());
                    read += count;
                }
                ByteBuffer out = target.asSlice(written, Math.min(PIECE, length - written)).asByteBuffer();
                int count = inflater.inflate(out);
                written += count;
                if (count == 0 && (inflater.finished() || inflater.needsDictionary() || read >= entry.compressed)) {
                    throw broken(entry.name + " is shorter than its " + entry.size + " bytes");
                }
            }
            return target;
        } catch (DataFormatException e) {
            throw new FormatException(entry.name + " is not validly compressed", path.toString(), AGAIN, e);
        } finally {
            inflater.end();
        }
    }

    private void readDirectory() {
        long end = findEnd();
        int disks = Short.toUnsignedInt(file.get(SHORT, end + 4)) | Short.toUnsignedInt(file.get(SHORT, end + 6));
        long count = Short.toUnsignedInt(file.get(SHORT, end + 10));
        long size = file.get(INT, end + 12) & UNSIGNED_INT;
        long offset = file.get(INT, end + 16) & UNSIGNED_INT;
        long limit = end;
        if (end >= LOCATOR64_SIZE + END64_SIZE && file.get(INT, end - LOCATOR64_SIZE) == LOCATOR64) {
            long end64 = file.get(LONG, end - LOCATOR64_SIZE + 8);
            if (end64 < 0 || end64 > end - LOCATOR64_SIZE - END64_SIZE || file.get(INT, end64) != END64) {
                throw broken("the zip64 directory is not where it should be");
            }
            count = file.get(LONG, end64 + 32);
            size = file.get(LONG, end64 + 40);
            offset = file.get(LONG, end64 + 48);
            disks = 0;
            limit = end64;
        }
        if (disks != 0 || offset < 0 || size < 0 || offset > limit || size != limit - offset || count < 0 || count > size / CENTRAL_SIZE) {
            throw broken("the zip directory's place and size are not sound");
        }
        long at = offset;
        for (long i = 0; i < count; i++) {
            at = readCentral(at, limit, offset);
        }
        if (at != limit) {
            throw broken("the zip directory has trailing bytes");
        }
        refuseOverlaps();
    }

    private long findEnd() {
        long size = file.byteSize();
        for (long at = size - END_SIZE; at >= 0 && at >= size - END_SIZE - 0xffff; at--) {
            if (file.get(INT, at) == END && at + END_SIZE + Short.toUnsignedInt(file.get(SHORT, at + 20)) == size) {
                return at;
            }
        }
        throw broken("the zip directory is missing: the file is truncated or not a zip archive");
    }

    private long readCentral(long at, long limit, long dataLimit) {
        if (at > limit - CENTRAL_SIZE || file.get(INT, at) != CENTRAL) {
            throw broken("the zip directory is damaged");
        }
        int flags = file.get(SHORT, at + 8);
        int method = Short.toUnsignedInt(file.get(SHORT, at + 10));
        int crc = file.get(INT, at + 16);
        long[] wide = {file.get(INT, at + 24) & UNSIGNED_INT, file.get(INT, at + 20) & UNSIGNED_INT, file.get(INT, at + 42) & UNSIGNED_INT};
        int nameLength = Short.toUnsignedInt(file.get(SHORT, at + 28));
        int extraLength = Short.toUnsignedInt(file.get(SHORT, at + 30));
        int commentLength = Short.toUnsignedInt(file.get(SHORT, at + 32));
        long next = at + CENTRAL_SIZE + nameLength + extraLength + commentLength;
        if (next > limit) {
            throw broken("the zip directory is damaged");
        }
        String name = text(at + CENTRAL_SIZE, nameLength);
        readZip64(at + CENTRAL_SIZE + nameLength, extraLength, wide);
        long size = wide[0];
        long compressed = wide[1];
        long header = wide[2];
        if ((flags & 1) != 0 || method != STORED && method != DEFLATED || method == STORED && size != compressed) {
            throw broken(name + " is encrypted or of an unknown compression method");
        }
        if (header < 0 || header > dataLimit - LOCAL_SIZE || file.get(INT, header) != LOCAL) {
            throw broken("the entry of " + name + " is not where the directory says");
        }
        int localName = Short.toUnsignedInt(file.get(SHORT, header + 26));
        long data = header + LOCAL_SIZE + localName + Short.toUnsignedInt(file.get(SHORT, header + 28));
        if (compressed < 0 || size < 0 || data > dataLimit || compressed > dataLimit - data || localName != nameLength
                || !text(header + LOCAL_SIZE, localName).equals(name) || Short.toUnsignedInt(file.get(SHORT, header + 8)) != method) {
            throw broken("the entry of " + name + " contradicts the directory");
        }
        if (entries.putIfAbsent(name, new Entry(name, method, crc, compressed, size, header, data)) != null) {
            throw broken("two entries are named " + name);
        }
        return next;
    }

    private void readZip64(long at, int length, long[] wide) {
        long end = at + length;
        long field = at;
        while (field + 4 <= end) {
            int id = Short.toUnsignedInt(file.get(SHORT, field));
            long next = field + 4 + Short.toUnsignedInt(file.get(SHORT, field + 2));
            if (id == 1 && next <= end) {
                long value = field + 4;
                for (int i = 0; i < wide.length; i++) {
                    if (wide[i] == UNSIGNED_INT && value + 8 <= next) {
                        wide[i] = file.get(LONG, value);
                        value += 8;
                    }
                }
            }
            field = next;
        }
    }

    private void refuseOverlaps() {
        List<Entry> inOrder = new ArrayList<>(entries.values());
        inOrder.sort(Comparator.comparingLong(Entry::header));
        long free = 0;
        for (Entry entry : inOrder) {
            if (entry.header < free) {
                throw broken(entry.name + " shares bytes with another entry");
            }
            free = entry.data + entry.compressed;
        }
    }

    private String text(long at, int length) {
        if (at > file.byteSize() - length) {
            throw broken("a name leaves the file");
        }
        return new String(file.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private FormatException broken(String what) {
        return new FormatException(what, path.toString(), AGAIN);
    }
}
