package org.sae4j.engine.cpu.internal.memory;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.engine.cpu.internal.kernels.StoredRows;

/** The arrays behind a program's buffers. Intermediates that are not needed at the same time share arrays, which may then be longer. */
public final class Storage {
    private final String where;
    private final Weights weights;
    private final Map<String, Tensor> tensors;
    private final Map<Buffer, float[]> floats = new HashMap<>();
    private final Map<Buffer, int[]> ints = new HashMap<>();
    private final Map<Buffer, SparseMatrix> sparse = new HashMap<>();

    /** Rows of a matrix. */
    @FunctionalInterface
    public interface Rows {
        void copy(int row, float[] to, int at);
    }

    /**
     * Which arrays there will be.
     *
     * @param lengths of the arrays that intermediates share
     * @param shared which of these an intermediate has
     * @param bytes of all arrays of the program
     */
    private record Plan(List<Integer> lengths, Map<Buffer, Integer> shared, long bytes) {
        static Plan of(Program program, List<Op> ops, Set<Buffer> skipped, String where) {
            Map<Buffer, Integer> shared = new HashMap<>();
            List<Integer> lengths = share(ops, skipped, shared, where);
            long bytes = 0;
            for (int length : lengths) {
                bytes += (long) length * Float.BYTES;
            }
            for (Buffer buffer : program.buffers()) {
                if (buffer.type() == Buffer.Type.SPARSE) {
                    bytes += (buffer.rows() + 1L) * Integer.BYTES;
                } else if (isOwn(buffer, skipped, shared)) {
                    bytes += Memory.arrayLength(buffer.size(), "elements of " + buffer, where) * (long) Float.BYTES;
                }
            }
            return new Plan(lengths, shared, bytes);
        }

        /** Demands memory for the arrays and for forms of weights that are not there yet. */
        void require(long weights, String where) {
            Memory.require(bytes + weights, where, weights > bytes ? Memory.LARGER : Memory.SMALLER);
        }

        static boolean isOwn(Buffer buffer, Set<Buffer> skipped, Map<Buffer, Integer> shared) {
            return buffer.role() != Buffer.Role.WEIGHT && !skipped.contains(buffer) && !shared.containsKey(buffer);
        }

        /** Assigns arrays to the intermediates that are written before they are read; returns the arrays' lengths. */
        private static List<Integer> share(List<Op> ops, Set<Buffer> skipped, Map<Buffer, Integer> shared, String where) {
            Map<Buffer, Integer> last = new HashMap<>();
            for (int i = 0; i < ops.size(); i++) {
                for (Buffer buffer : Operands.of(ops.get(i)).all()) {
                    last.put(buffer, i);
                }
            }
            List<Integer> lengths = new ArrayList<>();
            List<Integer> busyUntil = new ArrayList<>();
            Set<Buffer> seen = new HashSet<>(skipped);
            for (int i = 0; i < ops.size(); i++) {
                Operands operands = Operands.of(ops.get(i));
                seen.addAll(operands.reads());
                for (Buffer buffer : operands.writes()) {
                    if (!seen.add(buffer) || buffer.role() != Buffer.Role.INTERMEDIATE || buffer.type() != Buffer.Type.F32) {
                        continue;
                    }
                    int length = Memory.arrayLength(buffer.size(), "elements of " + buffer, where);
                    int array = free(lengths, busyUntil, i, length);
                    if (array == lengths.size()) {
                        lengths.add(length);
                        busyUntil.add(0);
                    }
                    lengths.set(array, Math.max(lengths.get(array), length));
                    busyUntil.set(array, last.get(buffer));
                    shared.put(buffer, array);
                }
            }
            return lengths;
        }

        /** {@return the free array whose length is closest, or the number of arrays} */
        private static int free(List<Integer> lengths, List<Integer> busyUntil, int op, int length) {
            int best = lengths.size();
            for (int i = 0; i < lengths.size(); i++) {
                if (busyUntil.get(i) < op && (best == lengths.size()
                        || Math.abs((long) lengths.get(i) - length) < Math.abs((long) lengths.get(best) - length))) {
                    best = i;
                }
            }
            return best;
        }
    }

    /**
     * Allocates.
     *
     * @param program the program
     * @param ops its operations in the order of the steps
     * @param skipped intermediates that no step will touch
     * @param tensors weights by name
     * @param weights the engine's weights
     */
    public Storage(Program program, List<Op> ops, Set<Buffer> skipped, Map<String, Tensor> tensors, Weights weights) {
        this.where = where(program);
        this.weights = weights;
        this.tensors = tensors;
        Plan plan = Plan.of(program, ops, skipped, where);
        plan.require(weights.missing(ops, tensors), where);
        List<Integer> lengths = plan.lengths();
        Map<Buffer, Integer> shared = plan.shared();
        List<float[]> arrays = new ArrayList<>();
        lengths.forEach(length -> arrays.add(new float[length]));
        for (Buffer buffer : program.buffers()) {
            switch (buffer.type()) {
                case SPARSE -> sparse.put(buffer, new SparseMatrix(buffer.rows(), buffer.cols()));
                case I32 -> ints.put(buffer, new int[(int) buffer.size()]);
                case F32 -> {
                    Integer array = shared.get(buffer);
                    if (array != null) {
                        floats.put(buffer, arrays.get(array));
                    } else if (Plan.isOwn(buffer, skipped, shared)) {
                        floats.put(buffer, new float[(int) buffer.size()]);
                    }
                }
            }
        }
    }

    /**
     * Refuses a program for which there is too little memory; allocates nothing.
     *
     * @throws org.sae4j.api.engine.EngineException if there is
     */
    public static void require(Program program, List<Op> ops, Set<Buffer> skipped, Map<String, Tensor> tensors, Weights weights) {
        String where = where(program);
        Plan.of(program, ops, skipped, where).require(weights.missing(ops, tensors), where);
    }

    private static String where(Program program) {
        return "engine cpu, program " + program.name();
    }

    /** {@return the elements of an F32 buffer; for weights, not to be written} */
    public float[] floats(Buffer buffer) {
        if (buffer.role() == Buffer.Role.WEIGHT) {
            return weights.rowMajor(tensor(buffer), where);
        }
        float[] values = floats.get(buffer);
        if (values == null) {
            throw new IllegalStateException(buffer + " has no storage");
        }
        return values;
    }

    /** {@return the rows of an F32 buffer, read from where they are} */
    public Rows rows(Buffer buffer) {
        int width = buffer.cols();
        if (buffer.role() == Buffer.Role.WEIGHT) {
            Tensor tensor = tensor(buffer);
            return (row, to, at) -> tensor.copyTo((long) row * width, to, at, width);
        }
        float[] values = floats(buffer);
        return (row, to, at) -> System.arraycopy(values, row * width, to, at, width);
    }

    /** {@return a weight as rows of its tensor, or null if these are not rows in memory} */
    public @Nullable StoredRows stored(Buffer buffer) {
        return StoredRows.of(tensor(buffer), buffer.rows(), buffer.cols());
    }

    /** {@return a weight as the right operand of products} */
    public RightPanels packed(Buffer buffer, boolean transposed) {
        return weights.packed(buffer, tensor(buffer), transposed, where);
    }

    public int[] ints(Buffer buffer) {
        return Objects.requireNonNull(ints.get(buffer));
    }

    public SparseMatrix sparse(Buffer buffer) {
        return Objects.requireNonNull(sparse.get(buffer));
    }

    private Tensor tensor(Buffer buffer) {
        return Objects.requireNonNull(tensors.get(buffer.name()));
    }
}
