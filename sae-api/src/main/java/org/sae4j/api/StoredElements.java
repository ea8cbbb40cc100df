package org.sae4j.api;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Makes float32 values of stored elements of any type that a tensor can have. */
final class StoredElements {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    /** Elements that are converted at a time: a multiple of all block sizes. */
    private static final int CHUNK = 2048;

    private StoredElements() {}

    static float value(ElementType type, MemorySegment data, long index) {
        if (type == ElementType.F32) {
            return data.get(ValueLayout.JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
        }
        float[] value = new float[1];
        copy(type, data, index, value, 0, 1);
        return value[0];
    }

    /** Converts the elements from index {@code from} on. */
    static void copy(ElementType type, MemorySegment data, long from, float[] target, int at, int count) {
        if (type == ElementType.F32) {
            MemorySegment.copy(data, ValueLayout.JAVA_FLOAT_UNALIGNED, from * Float.BYTES, target, at, count);
            return;
        }
        if (type.isBlock()) {
            blocks(type, data, from, target, at, count);
            return;
        }
        short[] bits = new short[Math.min(count, CHUNK)];
        for (int done = 0; done < count; done += bits.length) {
            int n = Math.min(bits.length, count - done);
            MemorySegment.copy(data, SHORT, (from + done) * Short.BYTES, bits, 0, n);
            halves(type, bits, target, at + done, n);
        }
    }

    private static void halves(ElementType type, short[] bits, float[] target, int at, int n) {
        if (type == ElementType.F16) {
            for (int i = 0; i < n; i++) {
                target[at + i] = Float.float16ToFloat(bits[i]);
            }
        } else {
            for (int i = 0; i < n; i++) {
                target[at + i] = Float.intBitsToFloat(bits[i] << 16);
            }
        }
    }

    private static void blocks(ElementType type, MemorySegment data, long from, float[] target, int at, int count) {
        int size = type.blockSize();
        byte[] bytes = new byte[(int) type.bytes(CHUNK)];
        float[] part = new float[0];
        int done = 0;
        while (done < count) {
            long block = (from + done) / size;
            int skipped = (int) ((from + done) % size);
            if (skipped > 0 || count - done < size) {
                // The run begins or ends within this block.
                part = part.length == 0 ? new float[size] : part;
                MemorySegment.copy(data, ValueLayout.JAVA_BYTE, block * type.blockBytes(), bytes, 0, type.blockBytes());
                Blocks.decode(type, bytes, 0, part, 0);
                int n = Math.min(size - skipped, count - done);
                System.arraycopy(part, skipped, target, at + done, n);
                done += n;
                continue;
            }
            int whole = Math.min(CHUNK, count - done) / size;
            MemorySegment.copy(data, ValueLayout.JAVA_BYTE, block * type.blockBytes(), bytes, 0, whole * type.blockBytes());
            for (int i = 0; i < whole; i++) {
                Blocks.decode(type, bytes, i * type.blockBytes(), target, at + done + i * size);
            }
            done += whole * size;
        }
    }
}
