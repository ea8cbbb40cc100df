package org.sae4j.benchmarks;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.engine.cpu.CpuEngineProvider;

/**
 * What generating text mostly does: products of one row with weights that no cache holds, read where they lie, beside a bare read of the
 * same memory in turns. On one thread, in the time of its processor, so that other work on the machine counts little.
 */
public final class RowProducts {
    private static final int ROWS = 2048;
    private static final int DEPTH = 2048;
    private static final int RUNS = 15;
    private static final VectorSpecies<Integer> S = IntVector.SPECIES_PREFERRED;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private RowProducts() {}

    /**
     * Prints a line for each type.
     *
     * @param args mebibytes of weights, rows of activations, types; 256, 1 and the common ones if left out
     */
    public static void main(String[] args) {
        long bytes = (args.length > 0 ? Long.parseLong(args[0]) : 256) << 20;
        int rows = args.length > 1 ? Integer.parseInt(args[1]) : 1;
        List<String> types = args.length > 2 ? List.of(args).subList(2, args.length)
                : List.of("F32", "BF16", "F16", "Q8_0", "Q4_0", "Q4_1");
        for (String type : types) {
            measure(ElementType.valueOf(type), bytes, rows);
        }
    }

    private static void measure(ElementType type, long bytes, int rows) {
        long size = type.bytes((long) ROWS * DEPTH);
        int count = (int) Math.max(1, bytes / size);
        try (Arena arena = Arena.ofShared();
                Engine engine = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), 1, Map.of()))) {
            MemorySegment memory = arena.allocate(count * size, 64);
            fill(memory, type);
            Program.Builder builder = Program.builder("rows");
            Buffer x = builder.input("x", rows, DEPTH);
            Map<String, Tensor> tensors = new HashMap<>();
            for (int i = 0; i < count; i++) {
                Buffer w = builder.weight("w" + i, ROWS, DEPTH);
                tensors.put("w" + i, Tensor.ofSegment(type, memory.asSlice(i * size, size), ROWS, DEPTH));
                builder.add(new Op.MatMul(x, false, w, true, null, Op.Function.IDENTITY, builder.output("y" + i, rows, ROWS)));
            }
            List<Double> own = new ArrayList<>();
            List<Double> bare = new ArrayList<>();
            try (CompiledProgram program = engine.compile(builder.build(), tensors)) {
                float[] values = new float[rows * DEPTH];
                SplittableRandom random = new SplittableRandom(2);
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) random.nextGaussian();
                }
                program.write(x, values);
                for (int run = -3; run < RUNS; run++) {
                    double seconds = seconds(program::run);
                    double read = seconds(() -> read(memory));
                    if (run >= 0) {
                        own.add(seconds);
                        bare.add(read);
                    }
                }
            }
            double best = own.stream().mapToDouble(s -> s).min().orElseThrow();
            double bestRead = bare.stream().mapToDouble(s -> s).min().orElseThrow();
            System.out.printf(Locale.ROOT, "%-5s x %d rows: %6.1f GB/s, %6.2f G weights/s, %6.1f GFLOP/s, bare read %5.1f GB/s, share %.2f%n",
                    type, rows, count * size / best / 1e9, (double) count * ROWS * DEPTH / best / 1e9,
                    2.0 * rows * count * ROWS * DEPTH / best / 1e9, memory.byteSize() / bestRead / 1e9, bestRead / best);
        }
    }

    private static void fill(MemorySegment memory, ElementType type) {
        SplittableRandom random = new SplittableRandom(1);
        for (long i = 0; i < memory.byteSize() - 7; i += 8) {
            memory.set(ValueLayout.JAVA_LONG_UNALIGNED, i, random.nextLong() & 0x3FFF3FFF3FFF3FFFL);
        }
        if (type == ElementType.F32) {
            for (long i = 0; i < memory.byteSize(); i += 4) {
                memory.set(ValueLayout.JAVA_FLOAT, i, 0.01f * (i % 97));
            }
        }
    }

    private static double seconds(Runnable run) {
        long start = THREADS.getCurrentThreadCpuTime();
        run.run();
        return (THREADS.getCurrentThreadCpuTime() - start) / 1e9;
    }

    private static int read(MemorySegment memory) {
        IntVector a = IntVector.zero(S);
        IntVector b = a;
        IntVector c = a;
        IntVector d = a;
        int step = S.vectorByteSize();
        int blocks = (int) (memory.byteSize() / (4L * step));
        for (int i = 0; i < blocks; i++) {
            long at = 4L * step * i;
            a = a.add(IntVector.fromMemorySegment(S, memory, at, ByteOrder.LITTLE_ENDIAN));
            b = b.add(IntVector.fromMemorySegment(S, memory, at + step, ByteOrder.LITTLE_ENDIAN));
            c = c.add(IntVector.fromMemorySegment(S, memory, at + 2L * step, ByteOrder.LITTLE_ENDIAN));
            d = d.add(IntVector.fromMemorySegment(S, memory, at + 3L * step, ByteOrder.LITTLE_ENDIAN));
        }
        return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
    }
}
