package org.sae4j.core.internal;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;

/** Named parameters: checks that they are complete, of the expected shapes and finite, and their fingerprint. */
final class Parameters {
    private static final int CHUNK = 1 << 16;

    private Parameters() {}

    /**
     * Checks names and shapes, then values.
     *
     * @throws IllegalArgumentException that names what is missing, unknown, of another shape or not finite
     */
    static void check(Map<String, int[]> expected, Map<String, Tensor> found) {
        checkShapes(expected, found);
        expected.keySet().forEach(name -> checkFinite(name, Objects.requireNonNull(found.get(name))));
    }

    /**
     * Checks names and shapes.
     *
     * @throws IllegalArgumentException that names what is missing, unknown or of another shape
     */
    static void checkShapes(Map<String, int[]> expected, Map<String, Tensor> found) {
        List<String> missing = expected.keySet().stream().filter(name -> !found.containsKey(name)).toList();
        List<String> unknown = found.keySet().stream().filter(name -> !expected.containsKey(name)).sorted().toList();
        if (!missing.isEmpty() || !unknown.isEmpty()) {
            List<String> faults = new ArrayList<>();
            if (!missing.isEmpty()) {
                faults.add("missing are " + missing);
            }
            if (!unknown.isEmpty()) {
                faults.add("not known are " + unknown);
            }
            throw new IllegalArgumentException("parameters do not fit: " + String.join(", ", faults));
        }
        expected.forEach((name, shape) -> checkShape(name, shape, Objects.requireNonNull(found.get(name))));
    }

    static void checkShape(String name, int[] shape, Tensor tensor) {
        if (!Arrays.equals(tensor.shape(), shape)) {
            throw new IllegalArgumentException("parameter " + name + ": expected shape " + Arrays.toString(shape) + ", found "
                    + Arrays.toString(tensor.shape()));
        }
    }

    static void checkFinite(String name, Tensor tensor) {
        long[] at = {0};
        chunks(tensor, chunk -> {
            for (float value : chunk) {
                if (!Float.isFinite(value)) {
                    throw new IllegalArgumentException("parameter " + name + " holds " + value + " at element " + at[0]
                            + " in row-major order: expected finite values");
                }
                at[0]++;
            }
        });
    }

    private static void chunks(Tensor tensor, Consumer<float[]> consumer) {
        float[] chunk = new float[(int) Math.min(CHUNK, tensor.size())];
        for (long from = 0; from < tensor.size(); from += chunk.length) {
            int count = (int) Math.min(chunk.length, tensor.size() - from);
            float[] part = count == chunk.length ? chunk : new float[count];
            tensor.copyTo(from, part, 0, count);
            consumer.accept(part);
        }
    }

    /**
     * SHA-256 over the parameters by ascending name: for each the name in UTF-8, a zero byte, the number of axes and their lengths as
     * 32-bit integers, and the values' bits, all little-endian. Weights in another type than float32 are not converted: for their values
     * there are the name of the type, a zero byte, the order of the axes as they are stored, and the stored elements.
     */
    static String fingerprint(Map<String, Tensor> parameters) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        new TreeMap<>(parameters).forEach((name, tensor) -> {
            digest.update(name.getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
            ByteBuffer header = ByteBuffer.allocate(Integer.BYTES * (1 + tensor.rank())).order(ByteOrder.LITTLE_ENDIAN);
            header.putInt(tensor.rank());
            for (int length : tensor.shape()) {
                header.putInt(length);
            }
            digest.update(header.flip());
            if (tensor.type() == ElementType.F32) {
                values(tensor, digest);
            } else {
                elements(tensor, digest);
            }
        });
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void values(Tensor tensor, MessageDigest digest) {
        ByteBuffer bytes = ByteBuffer.allocate(CHUNK * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        chunks(tensor, chunk -> {
            bytes.clear();
            bytes.asFloatBuffer().put(chunk);
            digest.update(bytes.limit(chunk.length * Float.BYTES));
        });
    }

    private static void elements(Tensor tensor, MessageDigest digest) {
        digest.update(tensor.type().name().getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
        for (int axis : tensor.axes()) {
            digest.update((byte) axis);
        }
        MemorySegment elements = tensor.elements();
        for (long from = 0; from < elements.byteSize(); from += CHUNK) {
            digest.update(elements.asSlice(from, Math.min(CHUNK, elements.byteSize() - from)).asByteBuffer());
        }
    }
}
