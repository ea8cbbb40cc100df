package org.sae4j.core.internal.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.ElementType;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.internal.json.JsonNode;

/**
 * The safetensors container: the length of a JSON header as a little-endian 64-bit integer, the header, and the tensors' bytes without
 * gaps.
 *
 * @see <a href="https://github.com/huggingface/safetensors">the format's description</a>
 */
public final class Safetensors {
    /** The largest header that is read. Real ones have a few hundred bytes for each tensor. */
    private static final long MAX_HEADER = 32L << 20;
    private static final String METADATA = "__metadata__";
    private static final String AGAIN = "download or write the file again";

    private Safetensors() {}

    private record Span(String where, long begin, long end) {}

    /**
     * Reads the header and checks it against the bytes.
     *
     * @param path the file, for messages
     * @param file all its bytes
     * @return the tensors; extras are the metadata's strings
     * @throws FormatException if the header is not sound or does not cover the file exactly
     */
    public static TensorTable parse(Path path, MemorySegment file) {
        long size = file.byteSize();
        if (size < 8) {
            throw new FormatException("a safetensors file begins with 8 bytes of header length, found " + size + " bytes", path.toString(),
                    AGAIN);
        }
        long length = file.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
        if (length < 2 || length > size - 8 || length > MAX_HEADER) {
            throw new FormatException("the header's length is " + Long.toUnsignedString(length) + ", but it must be from 2 to "
                    + Math.min(size - 8, MAX_HEADER), path.toString(), "check that it is a complete safetensors file");
        }
        byte[] header = file.asSlice(8, length).toArray(ValueLayout.JAVA_BYTE);
        if (header[0] != '{') {
            throw new FormatException("a safetensors header begins with {", path.toString(), "check that it is a safetensors file");
        }
        JsonFile json = JsonFile.parse(path.toString(), header);
        MemorySegment data = file.asSlice(8 + length);
        Map<String, Object> metadata = new LinkedHashMap<>();
        List<Map.Entry<Span, String>> order = new ArrayList<>();
        Map<String, StoredTensor> byName = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : json.node().properties()) {
            if (entry.getKey().equals(METADATA)) {
                metadata.putAll(metadata(json));
                continue;
            }
            String where = path + ": " + entry.getKey();
            Span span = span(where, entry.getValue(), data.byteSize());
            StoredTensor tensor = StoredTensor.contiguous(where, type(where, entry.getValue().get("dtype")),
                    data.asSlice(span.begin, span.end - span.begin), shape(where, entry.getValue().get("shape")));
            order.add(Map.entry(span, entry.getKey()));
            byName.put(entry.getKey(), tensor);
        }
        order.sort(Comparator.comparingLong((Map.Entry<Span, String> e) -> e.getKey().begin).thenComparingLong(e -> e.getKey().end));
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        long covered = 0;
        for (Map.Entry<Span, String> entry : order) {
            Span span = entry.getKey();
            if (span.begin != covered) {
                throw new FormatException("tensors must follow each other without gap or overlap: expected data from byte " + covered
                        + ", found " + span.begin, span.where, AGAIN);
            }
            covered = span.end;
            tensors.put(entry.getValue(), byName.get(entry.getValue()));
        }
        if (covered != data.byteSize()) {
            throw new FormatException("the tensors cover " + covered + " bytes, but the file has " + data.byteSize() + " after the header",
                    path.toString(), AGAIN);
        }
        return new TensorTable(path, "safetensors", tensors, metadata);
    }

    private static Map<String, String> metadata(JsonFile json) {
        Map<String, String> metadata = new LinkedHashMap<>();
        json.object(METADATA).ifPresent(object -> {
            for (Map.Entry<String, JsonNode> entry : object.node().properties()) {
                if (!entry.getValue().isString()) {
                    throw object.mismatch(entry.getKey(), "a string", entry.getValue());
                }
                metadata.put(entry.getKey(), entry.getValue().stringValue());
            }
        });
        return metadata;
    }

    private static ElementType type(String where, @Nullable JsonNode node) {
        for (ElementType type : ElementType.values()) {
            if (!type.isBlock() && node != null && node.isString() && node.stringValue().equals(type.name())) {
                return type;
            }
        }
        throw new FormatException("dtype " + node + " is not supported (F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL are)", where,
                "convert the tensor to F32");
    }

    private static int[] shape(String where, @Nullable JsonNode node) {
        if (node == null || !node.isArray() || node.size() > 32) {
            throw new FormatException("shape must be an array of at most 32 lengths", where, AGAIN);
        }
        int[] shape = new int[node.size()];
        for (int axis = 0; axis < shape.length; axis++) {
            JsonNode length = node.get(axis);
            if (!length.isIntegralNumber() || !length.canConvertToInt() || length.intValue() < 0) {
                throw new FormatException("a length in shape must be from 0 to 2^31-1, found " + length, where, AGAIN);
            }
            shape[axis] = length.intValue();
        }
        return shape;
    }

    private static Span span(String where, JsonNode entry, long available) {
        JsonNode offsets = entry.get("data_offsets");
        if (!entry.isObject() || offsets == null || !offsets.isArray() || offsets.size() != 2) {
            throw new FormatException("an entry must have dtype, shape and two data_offsets", where, AGAIN);
        }
        JsonNode begin = offsets.get(0);
        JsonNode end = offsets.get(1);
        if (!begin.isIntegralNumber() || !begin.canConvertToLong() || !end.isIntegralNumber() || !end.canConvertToLong()
                || begin.longValue() < 0 || end.longValue() < begin.longValue() || end.longValue() > available) {
            throw new FormatException("data_offsets " + offsets + " leave the file's " + available + " bytes of data", where, AGAIN);
        }
        return new Span(where, begin.longValue(), end.longValue());
    }
}
