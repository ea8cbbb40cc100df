package org.sae4j.core.internal.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.api.ElementType;
import org.sae4j.core.format.FormatException;

/**
 * The GGUF container, versions 2 and 3: metadata by key, then names, shapes and types of tensors, then their bytes, aligned. Shapes are
 * given slowest axis first here, as everywhere else.
 *
 * @see <a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">the format's description</a>
 */
final class GgufFile {
    private static final int MAGIC = 'G' | 'G' << 8 | 'U' << 16 | 'F' << 24;
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int MAX_ALIGNMENT = 1 << 20;
    private static final int MAX_AXES = 4;
    /** A pair has at least a key of one byte, a type and a value of one byte. */
    private static final int LEAST_PAIR = Long.BYTES + 1 + Integer.BYTES + 1;
    /** A tensor has at least a name of one byte, a number of axes, one axis, a type and an offset. */
    private static final int LEAST_TENSOR = Long.BYTES + 1 + Integer.BYTES + Long.BYTES + Integer.BYTES + Long.BYTES;

    private final Path path;
    private final MemorySegment file;
    private final GgufCursor cursor;

    /** What the header says of a tensor. */
    private record Entry(String name, String where, ElementType type, int[] shape, long bytes, long offset) {}

    private GgufFile(Path path, MemorySegment file) {
        this.path = path;
        this.file = file;
        this.cursor = new GgufCursor(path.toString(), file, 0);
    }

    static boolean matches(MemorySegment file) {
        return file.byteSize() >= Integer.BYTES
                && file.get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0) == MAGIC;
    }

    /**
     * Opens a file, and with one part of a split model all others.
     *
     * @throws FormatException if the header is not sound, a tensor leaves the file or overlaps another, or a part is missing
     */
    static TensorTable open(Path path, MemorySegment file, Arena arena) {
        return GgufParts.join(parse(path, file), arena);
    }

    /** {@return one file's tensors; extras are its metadata} */
    static TensorTable parse(Path path, MemorySegment file) {
        return new GgufFile(path, file).parse();
    }

    private TensorTable parse() {
        cursor.take(Integer.BYTES, "the magic number");
        version(cursor.int32("the version"));
        long tensorCount = cursor.count("the number of tensors", LEAST_TENSOR);
        long pairs = cursor.count("the number of metadata pairs", LEAST_PAIR);
        Map<String, Object> metadata = new LinkedHashMap<>();
        for (long i = 0; i < pairs; i++) {
            pair(i, metadata);
        }
        int alignment = alignment(new GgufMetadata(path, metadata));
        List<Entry> entries = new ArrayList<>();
        for (long i = 0; i < tensorCount; i++) {
            entries.add(entry(i, alignment));
        }
        long begin = Math.min((cursor.position() + alignment - 1) / alignment * alignment, file.byteSize());
        return new TensorTable(path, "gguf", tensors(entries, file.asSlice(begin)), metadata);
    }

    private void version(int version) {
        if ((version & 0xffff) == 0 && version != 0) {
            throw new FormatException("the file is big-endian, which is not supported", path.toString(), "use a little-endian GGUF file");
        }
        if (version == 1) {
            throw new FormatException("GGUF version 1 is not supported (2 and 3 are)", path.toString(),
                    "convert the model again with a newer llama.cpp");
        }
        if (version != 2 && version != 3) {
            throw new FormatException("GGUF version " + Integer.toUnsignedString(version) + " is not known (2 and 3 are)", path.toString(),
                    "use a newer sae4j, or check that it is a complete GGUF file");
        }
    }

    private void pair(long index, Map<String, Object> metadata) {
        String key = cursor.string("the key of pair " + index);
        String what = "the value of key " + key;
        GgufValueType type = GgufValueType.next(cursor, what);
        Object value = type == GgufValueType.ARRAY ? array(key, what) : type.read(cursor, what);
        if (metadata.putIfAbsent(key, value) != null) {
            throw new FormatException("the key is there twice", path + ": " + key, "download or write the file again");
        }
    }

    private GgufArray array(String key, String what) {
        GgufValueType type = GgufValueType.next(cursor, "the elements of " + what);
        long count = cursor.count("the number of elements of " + what, type.leastBytes());
        if (count > Integer.MAX_VALUE - 8) {
            throw cursor.broken(what + " has " + count + " elements, more than are supported");
        }
        long from = cursor.position();
        type.skip(cursor, count, what);
        return new GgufArray(path + ": " + key, type, (int) count, file.asSlice(from, cursor.position() - from));
    }

    private static int alignment(GgufMetadata metadata) {
        int alignment = metadata.integer("general.alignment").orElse(DEFAULT_ALIGNMENT);
        if (alignment < 1 || alignment > MAX_ALIGNMENT || Integer.bitCount(alignment) != 1) {
            throw new FormatException("the alignment must be a power of two up to " + MAX_ALIGNMENT + ", found " + alignment,
                    metadata.at("general.alignment"), "download or write the file again");
        }
        return alignment;
    }

    private Entry entry(long index, int alignment) {
        String name = cursor.string("the name of tensor " + index);
        String where = path + ": " + name;
        int axes = cursor.int32("the number of axes of tensor " + name);
        if (axes < 1 || axes > MAX_AXES) {
            throw new FormatException("a tensor has 1 to " + MAX_AXES + " axes, found " + Integer.toUnsignedString(axes), where,
                    "download or write the file again");
        }
        int[] shape = new int[axes];
        for (int axis = axes - 1; axis >= 0; axis--) {
            long length = cursor.int64("an axis of tensor " + name);
            if (length < 1 || length > Integer.MAX_VALUE) {
                throw new FormatException("the length of an axis must be from 1 to 2^31-1, found " + Long.toUnsignedString(length), where,
                        "download or write the file again");
            }
            shape[axis] = (int) length;
        }
        ElementType type = GgufTensorType.of(cursor.int32("the type of tensor " + name), where);
        long elements = StoredTensor.elements(where, shape);
        if (shape[axes - 1] % type.blockSize() != 0) {
            throw new FormatException("rows of " + type + " are whole blocks of " + type.blockSize() + ", found rows of " + shape[axes - 1],
                    where, "download or write the file again");
        }
        long offset = cursor.int64("the offset of tensor " + name);
        if (offset < 0 || offset % alignment != 0) {
            throw new FormatException("the offset must be a multiple of " + alignment + ", found " + Long.toUnsignedString(offset), where,
                    "download or write the file again");
        }
        return new Entry(name, where, type, shape, type.bytes(elements), offset);
    }

    private Map<String, StoredTensor> tensors(List<Entry> entries, MemorySegment data) {
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        for (Entry entry : entries) {
            if (entry.bytes > data.byteSize() || entry.offset > data.byteSize() - entry.bytes) {
                throw new FormatException("the tensor's " + entry.bytes + " bytes at offset " + entry.offset + " leave the file's "
                        + data.byteSize() + " bytes of data", entry.where, "download or write the file again");
            }
            StoredTensor tensor = StoredTensor.contiguous(entry.where, entry.type, data.asSlice(entry.offset, entry.bytes), entry.shape);
            if (tensors.putIfAbsent(entry.name, tensor) != null) {
                throw new FormatException("the tensor is there twice", entry.where, "download or write the file again");
            }
        }
        List<Entry> byOffset = new ArrayList<>(entries);
        byOffset.sort(Comparator.comparingLong(Entry::offset));
        for (int i = 1; i < byOffset.size(); i++) {
            Entry before = byOffset.get(i - 1);
            if (byOffset.get(i).offset < before.offset + before.bytes) {
                throw new FormatException("the tensor's bytes overlap those of " + before.name, byOffset.get(i).where,
                        "download or write the file again");
            }
        }
        return tensors;
    }
}
