package org.sae4j.core.internal.format;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes GGUF files for tests, broken ones too: every number is the test's. */
public final class GgufBytes {
    private final ByteArrayOutputStream pairs = new ByteArrayOutputStream();
    private final ByteArrayOutputStream tensors = new ByteArrayOutputStream();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();
    private long pairCount;
    private long tensorCount;
    private int version = 3;

    public static byte[] int32(long value) {
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt((int) value).array();
    }

    public static byte[] int64(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    }

    public static byte[] string(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return join(int64(utf8.length), utf8);
    }

    public static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    public static byte[] strings(String... values) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes(join(int32(8), int64(values.length)));
        for (String value : values) {
            all.writeBytes(string(value));
        }
        return all.toByteArray();
    }

    public GgufBytes version(int value) {
        version = value;
        return this;
    }

    public GgufBytes counts(long newTensors, long newPairs) {
        tensorCount = newTensors;
        pairCount = newPairs;
        return this;
    }

    public GgufBytes pair(String key, int type, byte[] value) {
        pairs.writeBytes(join(string(key), int32(type), value));
        pairCount++;
        return this;
    }

    public GgufBytes text(String key, String value) {
        return pair(key, 8, string(value));
    }

    public GgufBytes uint32(String key, long value) {
        return pair(key, 4, int32(value));
    }

    public GgufBytes info(String name, int type, long offset, long... dims) {
        tensors.writeBytes(join(string(name), int32(dims.length)));
        for (long dim : dims) {
            tensors.writeBytes(int64(dim));
        }
        tensors.writeBytes(join(int32(type), int64(offset)));
        tensorCount++;
        return this;
    }

    /** A sound tensor of float32, behind the last. */
    public GgufBytes floats(String name, float[] values, long... dims) {
        pad(data, 32);
        info(name, 0, data.size(), dims);
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return data(bytes.array());
    }

    public GgufBytes data(byte[] bytes) {
        data.writeBytes(bytes);
        return this;
    }

    private static void pad(ByteArrayOutputStream out, int alignment) {
        while (out.size() % alignment != 0) {
            out.write(0);
        }
    }

    public byte[] bytes() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(join("GGUF".getBytes(StandardCharsets.US_ASCII), int32(version), int64(tensorCount), int64(pairCount),
                pairs.toByteArray(), tensors.toByteArray()));
        pad(out, 32);
        out.writeBytes(data.toByteArray());
        return out.toByteArray();
    }

    public Path write(Path file) throws IOException {
        return Files.write(file, bytes());
    }
}
