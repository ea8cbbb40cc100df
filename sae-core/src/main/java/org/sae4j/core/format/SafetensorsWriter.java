package org.sae4j.core.format;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.core.internal.format.AtomicFile;
import org.sae4j.core.internal.json.JsonWriter;

/** Writes safetensors files. The same tensors and metadata give the same bytes, whatever the order of the maps. */
public final class SafetensorsWriter {
    private static final int CHUNK_FLOATS = 1 << 16;

    private SafetensorsWriter() {}

    /**
     * Writes tensors as F32. The file appears at once when it is complete; a file that existed is replaced.
     *
     * @param path the file; missing folders are created
     * @param tensors tensors by name, written in the order of their names
     * @param metadata the header's metadata; an empty map writes none
     * @throws FormatException if the file cannot be written; a file that existed is then unchanged
     * @throws IllegalArgumentException if a name is {@code __metadata__}, which the format reserves
     */
    public static void write(Path path, Map<String, Tensor> tensors, Map<String, String> metadata) {
        Map<String, Tensor> sorted = new TreeMap<>(tensors);
        if (sorted.containsKey("__metadata__")) {
            throw new IllegalArgumentException("__metadata__ is not a name for a tensor");
        }
        byte[] header = header(sorted, metadata);
        AtomicFile.write(path, out -> {
            out.write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(header.length).array());
            out.write(header);
            for (Tensor tensor : sorted.values()) {
                write(out, tensor);
            }
        });
    }

    private static byte[] header(Map<String, Tensor> tensors, Map<String, String> metadata) {
        Map<String, Object> header = new LinkedHashMap<>();
        if (!metadata.isEmpty()) {
            header.put("__metadata__", new TreeMap<>(metadata));
        }
        long offset = 0;
        for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
            long end = offset + entry.getValue().size() * Float.BYTES;
            List<Object> shape = new ArrayList<>();
            for (int length : entry.getValue().shape()) {
                shape.add(length);
            }
            Map<String, Object> description = new LinkedHashMap<>();
            description.put("dtype", ElementType.F32.name());
            description.put("shape", shape);
            description.put("data_offsets", List.of(offset, end));
            header.put(entry.getKey(), description);
            offset = end;
        }
        byte[] json = JsonWriter.compact(header).getBytes(StandardCharsets.UTF_8);
        // Padding aligns the data to 8 bytes, as the reference implementation does.
        byte[] padded = new byte[(json.length + 7) / 8 * 8];
        System.arraycopy(json, 0, padded, 0, json.length);
        for (int i = json.length; i < padded.length; i++) {
            padded[i] = ' ';
        }
        return padded;
    }

    private static void write(OutputStream out, Tensor tensor) throws IOException {
        float[] values = new float[(int) Math.min(CHUNK_FLOATS, tensor.size())];
        byte[] bytes = new byte[values.length * Float.BYTES];
        MemorySegment view = MemorySegment.ofArray(bytes);
        ValueLayout.OfFloat layout = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
        for (long from = 0; from < tensor.size(); from += values.length) {
            int count = (int) Math.min(values.length, tensor.size() - from);
            tensor.copyTo(from, values, 0, count);
            MemorySegment.copy(values, 0, view, layout, 0, count);
            out.write(bytes, 0, count * Float.BYTES);
        }
    }
}
