package org.sae4j.core.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sae4j.api.ElementType;
import org.sae4j.api.Progress;
import org.sae4j.api.Sae4jException;
import org.sae4j.core.format.FormatException;
import org.sae4j.core.format.SafetensorsFile;
import org.sae4j.core.internal.json.JsonWriter;

/** The files of a store's shards: safetensors with one tensor, whose data begin at a page of memory, so that they can be mapped. */
final class Shards {
    /** Where the data begin. The header is padded up to here, so that it can be written when the number of rows is known. */
    static final int DATA = 4096;
    private static final int HASH_BYTES = 1 << 20;

    private Shards() {}

    /** The first {@link #DATA} bytes of a shard. */
    static ByteBuffer header(StoreInfo info, long rows) {
        return header(info.modelName().orElse(""), info.requireHook().toString(), info.type(), List.of(rows, info.width()),
                rows * info.rowBytes());
    }

    /** The first {@link #DATA} bytes of a file with one tensor. */
    static ByteBuffer header(String model, String name, ElementType type, List<? extends Number> shape, long bytes) {
        Map<String, Object> tensor = new LinkedHashMap<>();
        tensor.put("dtype", type.name());
        tensor.put("shape", shape);
        tensor.put("data_offsets", List.of(0, bytes));
        Map<String, Object> header = new LinkedHashMap<>();
        header.put("__metadata__", Map.of("model", model));
        header.put(name, tensor);
        byte[] json = JsonWriter.compact(header).getBytes(StandardCharsets.UTF_8);
        if (json.length > DATA - Long.BYTES) {
            throw new Sae4jException("the model's name is too long for a shard's header", model, "give the model a shorter name");
        }
        byte[] padded = Arrays.copyOf(json, DATA - Long.BYTES);
        Arrays.fill(padded, json.length, padded.length, (byte) ' ');
        return ByteBuffer.allocate(DATA).order(ByteOrder.LITTLE_ENDIAN).putLong(padded.length).put(padded).flip();
    }

    /**
     * Opens a complete shard, after a look at its header.
     *
     * @throws FormatException if it is missing, is no sound safetensors file or not the one that the manifest means
     */
    static ShardFile open(Path file, StoreInfo info, long rows) {
        try (SafetensorsFile shard = SafetensorsFile.open(file)) {
            String name = info.requireHook().toString();
            if (!List.copyOf(shard.names()).equals(List.of(name)) || shard.type(name) != info.type()
                    || !Arrays.equals(shard.shape(name), new int[] {(int) rows, info.width()})) {
                throw new FormatException("expected the tensor " + name + " of type " + info.type() + " and shape [" + rows + ", "
                        + info.width() + "], found " + shard.names(), file.toString(), "restore the shard, or harvest again");
            }
        }
        return new ShardFile(file, DATA + rows * info.rowBytes());
    }

    /** Reads exactly as many bytes as the buffer has left. */
    static void readFully(FileChannel channel, long at, ByteBuffer buffer, Path file) throws IOException {
        long next = at;
        while (buffer.hasRemaining()) {
            int read = channel.read(buffer, next);
            if (read < 0) {
                throw new FormatException("the shard ends at byte " + next + ", where " + buffer.remaining() + " more were expected",
                        file.toString(), "restore the shard, or harvest again");
            }
            next += read;
        }
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Fills a buffer with a file's bytes from a position on. */
    interface Reader<E extends Exception> {
        void read(long at, ByteBuffer buffer) throws E;
    }

    /** The SHA-256 of a whole file, in hexadecimal. */
    static <E extends Exception> String sha256(Reader<E> file, long bytes, Progress progress) throws E {
        MessageDigest digest = sha256();
        ByteBuffer buffer = ByteBuffer.allocateDirect(HASH_BYTES);
        for (long at = 0; at < bytes; at += HASH_BYTES) {
            progress.checkCancelled();
            file.read(at, buffer.clear().limit((int) Math.min(HASH_BYTES, bytes - at)));
            digest.update(buffer.flip());
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
