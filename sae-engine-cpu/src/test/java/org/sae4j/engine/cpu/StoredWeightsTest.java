package org.sae4j.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;

/** Weights in the types of files give the bits of their float32 values, whatever the number of rows and threads and the kernels. */
class StoredWeightsTest {
    private static Engine three;
    private static Engine one;
    private static Engine scalar;

    private final SplittableRandom random = new SplittableRandom(5);

    @BeforeAll
    static void open() {
        three = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), 3, Map.of()));
        one = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), 1, Map.of()));
        scalar = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), 2, Map.of("vector", "off")));
    }

    @AfterAll
    static void close() {
        three.close();
        one.close();
        scalar.close();
    }

    /** Random elements; halves are moderate, wherever they lie in a block. */
    private Tensor weight(ElementType type, int rows, int cols, Arena arena) {
        MemorySegment bytes = arena.allocate(type.bytes((long) rows * cols), 64);
        if (type == ElementType.F32) {
            for (long i = 0; i < bytes.byteSize(); i += 4) {
                bytes.set(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
            }
            return Tensor.ofSegment(bytes, rows, cols);
        }
        for (long i = 0; i < bytes.byteSize(); i++) {
            bytes.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
        }
        for (long block = 0; block < bytes.byteSize(); block += type.blockBytes()) {
            for (int place : halves(type)) {
                float value = (float) random.nextGaussian() / 16;
                bytes.set(ValueLayout.JAVA_SHORT_UNALIGNED, block + place, type == ElementType.BF16
                        ? (short) (Float.floatToIntBits(value) >>> 16) : Float.floatToFloat16(value));
            }
        }
        return Tensor.ofSegment(type, bytes, rows, cols);
    }

    private static int[] halves(ElementType type) {
        return switch (type) {
            case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
            case Q2_K -> new int[] {80, 82};
            case Q3_K -> new int[] {108};
            case Q6_K -> new int[] {208};
            default -> new int[] {0};
        };
    }

    private float[] normal(int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }

    private static float[] product(Engine engine, Tensor weight, float[] x, int rows) {
        int n = weight.dim(0);
        int depth = weight.dim(1);
        Program.Builder builder = Program.builder("product");
        Buffer a = builder.input("a", rows, depth);
        Buffer out = builder.output("out", rows, n);
        builder.add(new Op.MatMul(a, false, builder.weight("w", n, depth), true, builder.weight("b", 1, n), Op.Function.IDENTITY, out));
        Tensor bias = Tensor.of(new float[n], n);
        try (CompiledProgram program = engine.compile(builder.build(), Map.of("w", weight, "b", bias))) {
            program.write(a, x);
            program.run();
            return program.read(out).toArray();
        }
    }

    /** What {@code RowKernels} promises: 32 chains of fused multiply-adds, added up in halves. */
    private static float[] chains(Tensor w, float[] x, int rows) {
        int n = w.dim(0);
        int depth = w.dim(1);
        float[] out = new float[rows * n];
        for (int column = 0; column < n; column++) {
            float[] weights = w.row(column);
            for (int row = 0; row < rows; row++) {
                float[] sums = new float[32];
                for (int k = 0; k < depth; k++) {
                    sums[k % 32] = Math.fma(x[row * depth + k], weights[k], sums[k % 32]);
                }
                for (int half = 16; half > 0; half /= 2) {
                    for (int c = 0; c < half; c++) {
                        sums[c] += sums[c + half];
                    }
                }
                out[row * n + column] = sums[0];
            }
        }
        return out;
    }

    @ParameterizedTest
    @EnumSource(mode = Mode.EXCLUDE, names = {"F64", "F32", "I64", "I32", "I16", "I8", "U8", "BOOL"})
    void productsHaveTheBitsOfFloats(ElementType type) {
        try (Arena arena = Arena.ofShared()) {
            int[][] sizes = type.blockSize() == 256 ? new int[][] {{5, 256}, {130, 512}, {3, 2816}}
                    : type.isBlock() ? new int[][] {{1, 32}, {37, 96}, {200, 576}, {9, 1472}}
                    : new int[][] {{1, 1}, {7, 10}, {37, 50}, {100, 96}, {9, 300}, {5, 3000}};
            for (int[] size : sizes) {
                Tensor weight = weight(type, size[0], size[1], arena);
                Tensor inHeap = Tensor.ofSegment(type, MemorySegment.ofArray(weight.elements().toArray(ValueLayout.JAVA_BYTE)), size);
                float[] x = normal(13 * size[1]);
                float[] expected = chains(weight, x, 13);
                for (Engine engine : new Engine[] {three, one, scalar}) {
                    for (int rows : new int[] {1, 2, 3, 6, 7, 13}) {
                        float[] some = Arrays.copyOf(x, rows * size[1]);
                        float[] result = Arrays.copyOf(expected, rows * size[0]);
                        assertThat(product(engine, weight, some, rows)).as("%s %d x %d, %d rows", type, size[0], size[1], rows)
                                .containsExactly(result);
                        assertThat(product(engine, inHeap, some, rows)).as("in the heap").containsExactly(result);
                    }
                }
                expectClose(expected, weight, x, 13);
            }
        }
    }

    private static void expectClose(float[] found, Tensor w, float[] x, int rows) {
        int depth = w.dim(1);
        for (int row = 0; row < rows; row++) {
            for (int n = 0; n < w.dim(0); n++) {
                double sum = 0;
                double size = 0;
                for (int k = 0; k < depth; k++) {
                    sum += (double) x[row * depth + k] * w.at(n, k);
                    size += Math.abs((double) x[row * depth + k] * w.at(n, k));
                }
                assertThat((double) found[row * w.dim(0) + n]).isCloseTo(sum, offset(size * (depth / 32 + 8) * 0x1p-24 + 1e-30));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F16", "Q8_0", "Q4_K"})
    void rowsOfATableAreLookedUp(ElementType type) {
        try (Arena arena = Arena.ofShared()) {
            Tensor table = weight(type, 9, 256, arena);
            Program.Builder builder = Program.builder("lookup");
            Buffer indices = builder.intInput("indices", 3);
            Buffer out = builder.output("out", 3, 256);
            builder.add(new Op.Gather(indices, builder.weight("table", 9, 256), out));
            try (CompiledProgram program = three.compile(builder.build(), Map.of("table", table))) {
                program.write(indices, new int[] {8, 0, 8});
                program.run();
                assertThat(program.read(out).row(0)).containsExactly(table.row(8));
                assertThat(program.read(out).row(1)).containsExactly(table.row(0));
            }
        }
    }

    /** A weight that is not used as rows is converted. */
    @Test
    void anyUseOfAStoredWeightIsRight() {
        try (Arena arena = Arena.ofShared()) {
            Tensor weight = weight(ElementType.Q8_0, 64, 96, arena);
            Tensor floats = Tensor.of(weight.toArray(), 64, 96);
            for (boolean transposedWeight : new boolean[] {false, true}) {
                Program.Builder builder = Program.builder("uses");
                int depth = transposedWeight ? 96 : 64;
                Buffer a = builder.input("a", depth, 5);
                Buffer out = builder.output("out", 5, 160 - depth);
                builder.add(new Op.MatMul(a, true, builder.weight("w", 64, 96), transposedWeight, null, Op.Function.GELU, out));
                float[] x = normal(5 * depth);
                float[][] results = new float[2][];
                for (int i = 0; i < 2; i++) {
                    try (CompiledProgram program = three.compile(builder.build(), Map.of("w", i == 0 ? weight : floats))) {
                        program.write(a, x);
                        program.run();
                        results[i] = program.read(out).toArray();
                    }
                }
                if (transposedWeight) {
                    for (int i = 0; i < results[0].length; i++) {
                        assertThat(results[0][i]).isCloseTo(results[1][i], offset(1e-5f * 96));
                    }
                } else {
                    assertThat(results[0]).containsExactly(results[1]);
                }
            }
        }
    }
}
