package org.sae4j.core.internal.format;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.LongStream;
import org.sae4j.api.Tensor;
import org.sae4j.core.format.FormatException;

/** Refuses weights that are NaN or infinite: one pass at memory speed, on all cores for large tensors. */
public final class Finite {
    private static final int CHUNK = 1 << 16;

    private Finite() {}

    /**
     * Demands finite values.
     *
     * @param where the file and the tensor's name
     * @param tensor the values
     * @return {@code tensor}
     * @throws FormatException if a value is NaN or infinite; it names the first
     */
    public static Tensor check(String where, Tensor tensor) {
        long chunks = (tensor.size() + CHUNK - 1) / CHUNK;
        LongStream all = LongStream.range(0, chunks);
        // The minimum looks at every chunk, so that no task is left that still reads when the caller frees the memory.
        long bad = (chunks > 16 ? all.parallel() : all).filter(chunk -> !isFinite(tensor, chunk)).min().orElse(-1);
        if (bad >= 0) {
            long index = bad * CHUNK;
            while (Float.isFinite(tensor.get(index))) {
                index++;
            }
            throw new FormatException("weights must be finite, found " + tensor.get(index) + " at element " + index, where,
                    "use a checkpoint from before the training diverged");
        }
        return tensor;
    }

    private static boolean isFinite(Tensor tensor, long chunk) {
        long from = chunk * CHUNK;
        int count = (int) Math.min(CHUNK, tensor.size() - from);
        int[] bits = new int[count];
        MemorySegment.copy(tensor.segment(), ValueLayout.JAVA_INT_UNALIGNED, from * Integer.BYTES, bits, 0, count);
        int carry = 0;
        for (int value : bits) {
            // An exponent of all ones, and only that, carries into the sign bit.
            carry |= (value & 0x7f800000) + 0x00800000;
        }
        return carry >= 0;
    }
}
