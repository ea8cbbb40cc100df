package org.sae4j.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sae4j.engine.cpu.RandomValues.normal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Buffer.Role;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

/** Updates that the engine makes of several operations: gradients that nobody reads are never written, and the bits stay. */
class UpdateTest {
    private static final int D = 45;
    private static final int N = 301;
    private static final int BATCH = 60;

    private static SparseRows rows(double density, long seed) {
        CounterRandom random = new CounterRandom(seed);
        float[] dense = normal(BATCH * N, seed + 1);
        for (int i = 0; i < dense.length; i++) {
            dense[i] = random.nextDouble() < density ? dense[i] : 0;
        }
        return SparseRows.ofDense(Tensor.of(dense, BATCH, N));
    }

    private static Engine open(int threads, String vector) {
        return new CpuEngineProvider().open(new EngineOptions(Optional.empty(), threads, Map.of("vector", vector)));
    }

    /** Where the row operations stand. */
    private enum Order {
        PROJECT_NORMALIZE_ADAM, PROJECT_ADAM_NORMALIZE, NORMALIZE_FIRST, CLIPPED, OVERWRITTEN
    }

    private static List<float[]> train(Engine engine, Order order, Role gradientRole, double density) {
        Program.Builder b = Program.builder("update");
        Buffer s = b.buffer("s", Role.INPUT, Buffer.Type.SPARSE, BATCH, N);
        Buffer y = b.input("y", BATCH, D);
        Buffer z = b.buffer("z", Role.INTERMEDIATE, Buffer.Type.F32, BATCH, D);
        Buffer hyper = b.input("hyper", 1, 5);
        Buffer w = b.parameter("w", N, D);
        Buffer g = b.buffer("g", gradientRole, Buffer.Type.F32, N, D);
        Buffer decoded = b.output("decoded", BATCH, D);
        b.add(new Op.Add(y, y, 1, z)).add(new Op.SparseOuter(s, z, false, g));
        if (order == Order.OVERWRITTEN) {
            // What the product was made of changes before the update.
            b.add(new Op.Add(y, y, -2, z));
        }
        if (order == Order.NORMALIZE_FIRST) {
            b.add(new Op.NormalizeRows(w));
        }
        b.add(new Op.Decode(s, w, null, decoded)).add(new Op.ProjectRows(g, w));
        if (order == Order.PROJECT_NORMALIZE_ADAM) {
            b.add(new Op.NormalizeRows(w));
        }
        if (order == Order.CLIPPED) {
            b.add(new Op.ClipNorm(List.of(g), 0.1f));
        }
        Buffer m = b.parameter("m", N, D);
        Buffer v = b.parameter("v", N, D);
        b.add(new Op.Adam(w, g, m, v, hyper));
        b.add(new Op.Map(z, Op.Function.RELU, b.output("behind", BATCH, D)));
        if (order == Order.PROJECT_ADAM_NORMALIZE) {
            b.add(new Op.NormalizeRows(w));
        }
        try (CompiledProgram compiled = engine.compile(b.build(), Map.of())) {
            compiled.write(s, rows(density, 5));
            compiled.write(y, normal(BATCH * D, 1));
            compiled.write(w, normal(N * D, 2));
            for (int step = 1; step <= 3; step++) {
                compiled.write(hyper, new float[] {1e-2f, 0.9f, 0.99f, 1e-8f, step});
                compiled.run();
            }
            List<float[]> results = new ArrayList<>();
            for (Buffer buffer : List.of(w, m, v, decoded)) {
                results.add(compiled.read(buffer).toArray());
            }
            return results;
        }
    }

    @ParameterizedTest
    @CsvSource({"0.03,auto", "0.5,auto", "0.03,off", "0.5,off"})
    void aGradientThatNobodyReadsGivesTheSameBits(double density, String vector) {
        for (Order order : Order.values()) {
            List<float[]> expected;
            try (Engine engine = open(1, vector)) {
                expected = train(engine, order, Role.OUTPUT, density);
            }
            for (int threads : new int[] {1, 3}) {
                try (Engine engine = open(threads, vector)) {
                    List<float[]> actual = train(engine, order, Role.INTERMEDIATE, density);
                    for (int i = 0; i < expected.size(); i++) {
                        assertThat(Arrays.mismatch(actual.get(i), expected.get(i)))
                                .as("%s, %d threads: first difference of result %d", order, threads, i).isEqualTo(-1);
                    }
                }
            }
        }
    }

    @Test
    void resultsStayWhileTheirInputIsWrittenAnew() {
        Program.Builder b = Program.builder("slopes");
        Buffer s = b.buffer("s", Role.INPUT, Buffer.Type.SPARSE, BATCH, N);
        Buffer g = b.input("g", BATCH, D);
        Buffer w = b.parameter("w", N, D);
        Buffer slopes = b.buffer("slopes", Role.OUTPUT, Buffer.Type.SPARSE, BATCH, N);
        b.add(new Op.FeatureGradient(s, g, w, null, 0, false, false, slopes));
        try (Engine engine = open(2, "auto"); CompiledProgram compiled = engine.compile(b.build(), Map.of())) {
            compiled.write(g, normal(BATCH * D, 1));
            compiled.write(w, normal(N * D, 2));
            for (long seed = 10; seed < 14; seed++) {
                SparseRows input = rows(0.05, seed);
                compiled.write(s, input);
                compiled.run();
                SparseRows before = compiled.readSparse(slopes);
                compiled.write(s, rows(0.07, seed + 100));
                SparseRows after = compiled.readSparse(slopes);
                assertThat(after.entries()).isEqualTo(before.entries()).isEqualTo(input.entries());
                for (int e = 0; e < before.entries(); e++) {
                    assertThat(after.index(e)).isEqualTo(before.index(e)).isEqualTo(input.index(e));
                    assertThat(after.value(e)).isEqualTo(before.value(e));
                }
            }
        }
    }
}
