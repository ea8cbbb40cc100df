package org.sae4j.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sae4j.engine.cpu.RandomValues.normal;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sae4j.api.ElementType;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Op.Function;
import org.sae4j.api.engine.Op.Rule;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

class CpuEngineTest {
    private static final EngineProvider PROVIDER = new CpuEngineProvider();

    private static Engine open(int threads, String vector) {
        return PROVIDER.open(new EngineOptions(Optional.empty(), threads, Map.of("vector", vector)));
    }

    @Test
    void isFoundAsAService() {
        assertThat(ServiceLoader.load(EngineProvider.class)).anyMatch(p -> p instanceof CpuEngineProvider && p.id().equals("cpu"));
        assertThat(PROVIDER.availability()).isInstanceOfSatisfying(Availability.Available.class,
                a -> assertThat(a.detail()).matches("(Vector API, \\d+ bit|scalar), \\d+ threads?.*"));
        assertThat(PROVIDER.devices()).hasSize(1);
    }

    @Test
    void refusesOptionsItDoesNotKnow() {
        assertThatThrownBy(() -> PROVIDER.open(new EngineOptions(Optional.empty(), 1, Map.of("vectors", "off"))))
                .isInstanceOf(EngineException.class).hasMessageContaining("vectors").hasMessageContaining("vector");
        assertThatThrownBy(() -> open(1, "on")).isInstanceOf(EngineException.class).hasMessageContaining("auto or off");
        assertThatThrownBy(() -> PROVIDER.open(new EngineOptions(Optional.of("gpu"), 1, Map.of()))).isInstanceOf(EngineException.class)
                .hasMessageContaining("gpu");
    }

    /** Each of two weights would fit into the heap, both do not: refused before the first is packed. */
    @Test
    void whatAProgramNeedsOfMemoryIsAddedUpBeforeAnythingIsAllocated(@TempDir Path folder) throws IOException {
        int width = 1 << 15;
        int rows = Math.toIntExact(Math.round(0.6 * Runtime.getRuntime().maxMemory() / Float.BYTES / width));
        Path hole = folder.resolve("weights");
        long bytes = (long) rows * width * Float.BYTES;
        try (Arena arena = Arena.ofShared(); Engine engine = open(1, "auto");
                FileChannel file = FileChannel.open(hole, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment zeros = file.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
            Program.Builder b = Program.builder("two");
            Buffer hidden = b.intermediate("hidden", 1, rows);
            b.add(new Op.MatMul(b.input("x", 1, width), false, b.weight("V", rows, width), true, null, Function.IDENTITY, hidden));
            b.add(new Op.MatMul(hidden, false, b.weight("W", rows, width), false, null, Function.IDENTITY, b.output("y", 1, width)));
            Program program = b.build();
            Map<String, Tensor> weights = Map.of("V", Tensor.ofSegment(zeros, rows, width), "W", Tensor.ofSegment(zeros, rows, width));
            for (ThrowingCallable refused : List.<ThrowingCallable>of(() -> engine.requireMemory(program, weights),
                    () -> engine.compile(program, weights))) {
                assertThatThrownBy(refused).isInstanceOfSatisfying(EngineException.class, e -> {
                    Matcher needed = Pattern.compile("needs (\\d+) bytes of Java heap, available are \\d+, .*").matcher(e.getMessage());
                    assertThat(needed.matches()).as(e.getMessage()).isTrue();
                    assertThat(Long.parseLong(needed.group(1))).isGreaterThanOrEqualTo(2 * bytes);
                });
            }
        }
    }

    /** Tables of embeddings and weights in types that are read where they lie need no heap; weights that are there are not counted again. */
    @Test
    void whatNeedsNoMemoryIsNotAskedFor(@TempDir Path folder) throws IOException {
        int width = 1 << 15;
        int rows = Math.toIntExact(Math.round(1.2 * Runtime.getRuntime().maxMemory() / ElementType.BF16.bytes(width)));
        Path hole = folder.resolve("weights");
        try (Arena arena = Arena.ofShared(); Engine engine = open(1, "auto");
                FileChannel file = FileChannel.open(hole, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            MemorySegment zeros = file.map(FileChannel.MapMode.READ_WRITE, 0, rows * ElementType.BF16.bytes(width), arena);
            Program.Builder b = Program.builder("one");
            Buffer weight = b.weight("W", rows, width);
            Buffer x = b.intermediate("x", 1, width);
            b.add(new Op.Gather(b.intInput("tokens", 1), weight, x));
            b.add(new Op.MatMul(x, false, weight, true, null, Function.IDENTITY, b.output("y", 1, rows)));
            engine.requireMemory(b.build(), Map.of("W", Tensor.ofSegment(ElementType.BF16, zeros, rows, width)));
        }
    }

    @Test
    void anEngineClosesItsPrograms() {
        Engine engine = open(2, "auto");
        Program.Builder builder = Program.builder("p");
        Buffer x = builder.input("x", 1, 2);
        builder.add(new Op.Map(x, Function.RELU, builder.output("y", 1, 2)));
        Program program = builder.build();
        CompiledProgram compiled = engine.compile(program, Map.of());
        engine.close();
        engine.close();
        assertThatThrownBy(compiled::run).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> engine.compile(program, Map.of())).isInstanceOf(IllegalStateException.class);
    }

    private static void expectBits(String what, float[] actual, float[] expected) {
        assertThat(actual.length).as(what).isEqualTo(expected.length);
        assertThat(Arrays.mismatch(actual, expected)).as("%s: first difference", what).isEqualTo(-1);
    }

    /** Products, attention, normalization and functions of sequences, as a small transformer layer, every result an output. */
    private static List<float[]> layer(Engine engine, int batch, int length, boolean last) {
        int d = 52;
        int heads = 4;
        int rows = batch * length;
        Program.Builder b = Program.builder("layer");
        Buffer x = b.input("x", rows, d);
        Buffer normed = b.output("normed", rows, d);
        b.add(new Op.LayerNorm(x, b.weight("w", 1, d), b.weight("b", 1, d), 1e-5f, normed, null));
        Buffer q = b.output("q", rows, d);
        Buffer k = b.output("k", rows, d);
        b.add(new Op.MatMul(normed, false, b.weight("W_Q", d, d), false, null, Function.IDENTITY, q));
        b.add(new Op.MatMul(normed, false, b.weight("W_K", d, d), true, null, Function.IDENTITY, k));
        Buffer fused = b.output("fused", rows, d);
        b.add(new Op.Attention(q, k, normed, batch, Op.Heads.of(heads, d / heads), fused));
        Buffer scores = b.intermediate("scores", heads * rows, length);
        Buffer pattern = b.intermediate("pattern", heads * rows, length);
        Buffer mixed = b.output("mixed", rows, d);
        b.add(new Op.AttentionScores(q, k, batch, Op.Heads.of(heads, d / heads), scores)).add(new Op.Softmax(scores, pattern));
        b.add(new Op.AttentionMix(pattern, normed, batch, Op.Heads.of(heads, d / heads), mixed));
        Buffer mlp = b.output("mlp", rows, 301);
        b.add(new Op.MatMul(mixed, false, b.weight("W_in", d, 301), false, b.weight("b_in", 1, 301), Function.GELU, mlp));
        Map<String, Tensor> weights = Map.of("w", Tensor.of(normal(d, 1), d), "b", Tensor.of(normal(d, 2), d), "W_Q",
                Tensor.of(normal(d * d, 3), d, d), "W_K", Tensor.of(normal(d * d, 4), d, d), "W_in", Tensor.of(normal(d * 301, 5), d, 301),
                "b_in", Tensor.of(normal(301, 6), 301));
        try (CompiledProgram compiled = engine.compile(b.build(), weights)) {
            float[] all = normal(7 * length * d, 9);
            float[] input = new float[rows * d];
            System.arraycopy(all, last ? all.length - input.length : 0, input, 0, input.length);
            compiled.write(x, input);
            compiled.run();
            List<float[]> results = new ArrayList<>();
            for (Buffer out : List.of(normed, q, k, fused, mixed, mlp)) {
                results.add(compiled.read(out).toArray());
            }
            return results;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "off"})
    void aRowHasTheSameBitsInAnyBatch(String vector) {
        try (Engine engine = open(2, vector)) {
            List<float[]> many = layer(engine, 7, 61, true);
            for (int batch : new int[] {1, 2, 5}) {
                List<float[]> few = layer(engine, batch, 61, true);
                for (int i = 0; i < many.size(); i++) {
                    float[] tail = Arrays.copyOfRange(many.get(i), many.get(i).length - few.get(i).length, many.get(i).length);
                    expectBits("result " + i + " with " + batch + " sequences", few.get(i), tail);
                }
            }
            expectBits("attention in one operation and in three", many.get(4), many.get(3));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "off"})
    void positionsHaveTheSameBitsWhateverFollows(String vector) {
        try (Engine engine = open(2, vector)) {
            List<float[]> whole = layer(engine, 1, 61, false);
            List<float[]> prefix = layer(engine, 1, 50, false);
            for (int i = 0; i < whole.size(); i++) {
                expectBits("result " + i, Arrays.copyOf(whole.get(i), prefix.get(i).length), prefix.get(i));
            }
        }
    }

    /** A few training steps, at a density that takes the dense way or the sparse way. */
    private static List<float[]> train(Engine engine, Rule rule, int k) {
        int d = 40;
        int n = 301;
        int batch = 130;
        Program.Builder b = Program.builder("train");
        Buffer x = b.input("x", batch, d);
        Buffer hyper = b.input("hyper", 1, 6);
        Buffer wEnc = b.parameter("W_enc", n, d);
        Buffer wDec = b.parameter("W_dec", n, d);
        Buffer pre = b.intermediate("pre", batch, n);
        Buffer s = b.sparse("s", batch, n);
        Buffer xHat = b.output("xHat", batch, d);
        Buffer g = b.intermediate("g", batch, d);
        Buffer slopes = b.sparse("slopes", batch, n);
        Buffer gEnc = b.output("gEnc", n, d);
        Buffer gDec = b.output("gDec", n, d);
        Buffer sums = b.output("sums", 1, n);
        Buffer sparsity = b.output("sparsity", 1, 3);
        b.add(new Op.MatMul(x, false, wEnc, true, null, Function.IDENTITY, pre));
        b.add(new Op.Select(pre, rule, k, null, 0, null, s)).add(new Op.Decode(s, wDec, null, xHat));
        b.add(new Op.SquaredError(xHat, x, Op.Reduction.MEAN_OVER_NORM, 1, g, b.output("loss", 1, 1)));
        b.add(new Op.FeatureGradient(s, g, wDec, hyper, 5, true, false, slopes)).add(new Op.SparseOuter(s, g, false, gDec));
        b.add(new Op.DecoderNormGradient(s, wDec, hyper, 5, gDec)).add(new Op.SparseOuter(slopes, x, false, gEnc));
        b.add(new Op.SparseColumnSum(slopes, false, sums)).add(new Op.SparsitySums(s, wDec, sparsity));
        b.add(new Op.ProjectRows(gDec, wDec)).add(new Op.ClipNorm(List.of(gEnc, gDec), 1)).add(new Op.NormalizeRows(wDec));
        for (Buffer w : List.of(wEnc, wDec)) {
            b.add(new Op.Adam(w, w == wEnc ? gEnc : gDec, b.parameter(w.name() + " m", n, d), b.parameter(w.name() + " v", n, d), hyper));
        }
        Program program = b.build();
        List<float[]> results = new ArrayList<>();
        try (CompiledProgram compiled = engine.compile(program, Map.of())) {
            compiled.write(x, normal(batch * d, 1));
            compiled.write(wEnc, normal(n * d, 2));
            compiled.write(wDec, normal(n * d, 3));
            for (int step = 1; step <= 3; step++) {
                compiled.write(hyper, new float[] {1e-3f, 0.9f, 0.99f, 1e-8f, step, 1e-3f});
                compiled.run();
                for (Buffer buffer : program.buffers()) {
                    if (buffer.role() == Buffer.Role.OUTPUT || buffer.role() == Buffer.Role.PARAMETER) {
                        results.add(compiled.read(buffer).toArray());
                    }
                }
            }
        }
        return results;
    }

    private static void expectSameBits(Rule rule, int k, String vector) {
        List<List<float[]>> runs = new ArrayList<>();
        for (int threads : new int[] {1, 2, 3}) {
            try (Engine engine = open(threads, vector)) {
                runs.add(train(engine, rule, k));
            }
        }
        for (int i = 0; i < runs.getFirst().size(); i++) {
            expectBits("result " + i + " with 2 threads", runs.get(1).get(i), runs.get(0).get(i));
            expectBits("result " + i + " with 3 threads", runs.get(2).get(i), runs.get(0).get(i));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "off"})
    void trainingHasTheSameBitsForAnyNumberOfThreads(String vector) {
        expectSameBits(Rule.RELU, 0, vector);
        expectSameBits(Rule.TOPK, 5, vector);
        expectSameBits(Rule.BATCH_TOPK, 5, vector);
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "off"})
    void topKKeepsTheFirstOfEqualValues(String vector) {
        try (Engine engine = open(2, vector)) {
            Program.Builder b = Program.builder("ties");
            Buffer pre = b.input("pre", 2, 200);
            Buffer rows = b.buffer("rows", Buffer.Role.OUTPUT, Buffer.Type.SPARSE, 2, 200);
            Buffer all = b.buffer("all", Buffer.Role.OUTPUT, Buffer.Type.SPARSE, 2, 200);
            b.add(new Op.Select(pre, Rule.TOPK, 3, null, 0, null, rows)).add(new Op.Select(pre, Rule.BATCH_TOPK, 3, null, 0, null, all));
            float[] x = new float[400];
            Arrays.fill(x, 1);
            x[150] = 2;
            x[301] = Float.NaN;
            x[399] = Float.POSITIVE_INFINITY;
            try (CompiledProgram compiled = engine.compile(b.build(), Map.of())) {
                compiled.write(pre, x);
                compiled.run();
                assertThat(columns(compiled, rows)).containsExactly(0, 1, 150, 0, 1, 199);
                assertThat(columns(compiled, all)).containsExactly(0, 1, 2, 3, 150, 199);
            }
        }
    }

    /** Decodes a row with few entries, and sums outer products, next to rows that are empty or full. */
    private static List<float[]> sparse(Engine engine, boolean full) {
        int n = 301;
        int d = 45;
        int batch = 300;
        float[] dense = new float[batch * n];
        float[] filling = normal(dense.length, 3);
        for (int i = 0; i < dense.length; i++) {
            boolean few = i < n ? i % 20 == 0 : full;
            dense[i] = few ? filling[i] : 0;
        }
        Program.Builder b = Program.builder("sparse");
        Buffer s = b.buffer("s", Buffer.Role.INPUT, Buffer.Type.SPARSE, batch, n);
        Buffer y = b.input("y", batch, d);
        Buffer decoded = b.output("decoded", batch, d);
        Buffer outer = b.output("outer", n, d);
        b.add(new Op.Decode(s, b.weight("w", n, d), b.weight("b", 1, d), decoded)).add(new Op.SparseOuter(s, y, false, outer));
        Map<String, Tensor> weights = Map.of("w", Tensor.of(normal(n * d, 1), n, d), "b", Tensor.of(normal(d, 2), d));
        try (CompiledProgram compiled = engine.compile(b.build(), weights)) {
            compiled.write(s, SparseRows.ofDense(Tensor.of(dense, batch, n)));
            // Only the first row of y counts in the sum, so that the other rows of s do not.
            float[] first = new float[batch * d];
            System.arraycopy(normal(d, 4), 0, first, 0, d);
            compiled.write(y, first);
            compiled.run();
            return List.of(Arrays.copyOf(compiled.read(decoded).toArray(), d), compiled.read(outer).toArray());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "off"})
    void theDenseWayGivesTheBitsOfTheSparseWay(String vector) {
        try (Engine engine = open(2, vector)) {
            List<float[]> indexed = sparse(engine, false);
            List<float[]> packed = sparse(engine, true);
            expectBits("decode", packed.get(0), indexed.get(0));
            for (int i = 0; i < indexed.get(1).length; i++) {
                assertThat(packed.get(1)[i]).as("element %d of the outer product", i).isEqualByComparingTo(indexed.get(1)[i] + 0f);
            }
        }
    }

    /** The largest error of the rows of x times w, which are all alike, and that of one chain of fused multiply-adds. */
    private static double[] largestErrors(float[] product, float[] x, float[] w, int d) {
        double[] errors = new double[2];
        for (int c = 0; c < product.length; c++) {
            double exact = 0;
            float chain = 0;
            for (int k = 0; k < x.length; k++) {
                exact += (double) x[k] * w[k * d + c % d];
                chain = Math.fma(x[k], w[k * d + c % d], chain);
            }
            errors[0] = Math.max(errors[0], Math.abs(product[c] - exact));
            errors[1] = Math.max(errors[1], Math.abs(chain - exact));
        }
        return errors;
    }

    @ParameterizedTest
    @CsvSource({"auto, 1", "auto, 20", "off, 1", "off, 20"})
    void roundingErrorsOfLongReductionsStaySmall(String vector, int stride) {
        int rows = 5;
        int n = 16_384;
        int d = 45;
        float[] row = normal(n, 11);
        for (int i = 0; i < n; i++) {
            row[i] = i % stride == 0 ? Math.abs(row[i]) : 0;
        }
        float[] x = new float[rows * n];
        for (int r = 0; r < rows; r++) {
            System.arraycopy(row, 0, x, r * n, n);
        }
        float[] w = normal(n * d, 12);
        Program.Builder b = Program.builder("long");
        Buffer dense = b.input("x", rows, n);
        Buffer sparse = b.buffer("s", Buffer.Role.INPUT, Buffer.Type.SPARSE, rows, n);
        Buffer weight = b.weight("w", n, d);
        Buffer product = b.output("product", rows, d);
        Buffer decoded = b.output("decoded", rows, d);
        b.add(new Op.MatMul(dense, false, weight, false, null, Function.IDENTITY, product))
                .add(new Op.Decode(sparse, weight, null, decoded));
        try (Engine engine = open(2, vector); CompiledProgram compiled = engine.compile(b.build(), Map.of("w", Tensor.of(w, n, d)))) {
            compiled.write(dense, x);
            compiled.write(sparse, SparseRows.ofDense(Tensor.of(x, rows, n)));
            compiled.run();
            for (Buffer result : List.of(product, decoded)) {
                double[] errors = largestErrors(compiled.read(result).toArray(), row, w, d);
                assertThat(errors[0]).as(result.name()).isLessThan(0.5 * errors[1]);
            }
        }
    }

    private static List<Integer> columns(CompiledProgram compiled, Buffer buffer) {
        SparseRows rows = compiled.readSparse(buffer);
        return IntStream.range(0, rows.entries()).mapToObj(rows::index).toList();
    }

    @Test
    void weightsMayBeMappedFilesOfAnyAlignment() {
        float[] w = normal(300 * 70, 4);
        byte[] bytes = new byte[w.length * 4 + 1];
        MemorySegment segment = MemorySegment.ofArray(bytes).asSlice(1);
        for (int i = 0; i < w.length; i++) {
            segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i, w[i]);
        }
        try (Engine engine = open(2, "auto")) {
            for (boolean transposed : new boolean[] {false, true}) {
                Program.Builder b = Program.builder("product");
                Buffer x = b.input("x", 3, transposed ? 70 : 300);
                Buffer fixed = b.weight("w", 300, 70);
                Buffer given = b.input("given", 300, 70);
                int n = transposed ? 300 : 70;
                Buffer byWeight = b.output("by weight", 3, n);
                Buffer byInput = b.output("by input", 3, n);
                b.add(new Op.MatMul(x, false, fixed, transposed, null, Function.IDENTITY, byWeight));
                b.add(new Op.MatMul(x, false, given, transposed, null, Function.IDENTITY, byInput));
                try (CompiledProgram compiled = engine.compile(b.build(), Map.of("w", Tensor.ofSegment(segment, 300, 70)))) {
                    compiled.write(x, normal((int) x.size(), 5));
                    compiled.write(given, w);
                    compiled.run();
                    expectBits("product", compiled.read(byWeight).toArray(), compiled.read(byInput).toArray());
                }
            }
        }
    }
}
