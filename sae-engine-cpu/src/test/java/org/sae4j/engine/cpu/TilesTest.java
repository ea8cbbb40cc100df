package org.sae4j.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

/** Decoders larger than the cache are gone through in parts: each row keeps the bits that it has alone. */
class TilesTest {
    private static final int D = 530;
    private static final int N = 1300;
    private static final int BATCH = 41;

    private static float[] uniform(int n, CounterRandom random) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = 2 * random.nextFloat() - 1;
        }
        return x;
    }

    /** Rows of very different lengths, some of them empty, some with entries in a few columns only. */
    private static SparseRows rows(double density) {
        CounterRandom random = new CounterRandom(1);
        float[] dense = uniform(BATCH * N, random);
        for (int row = 0; row < BATCH; row++) {
            int from = row % 5 == 1 ? N / 2 : 0;
            int to = row % 7 == 2 ? 300 : N;
            for (int c = 0; c < N; c++) {
                boolean kept = row % 10 != 3 && c >= from && c < to && random.nextDouble() < density * (1 + row % 3);
                dense[row * N + c] = kept ? dense[row * N + c] : 0;
            }
        }
        return SparseRows.ofDense(Tensor.of(dense, BATCH, N));
    }

    private record Results(float[] decoded, SparseRows gradient) {}

    private static Results run(Engine engine, SparseRows s, float[] g, boolean biased) {
        int batch = s.rows();
        CounterRandom random = new CounterRandom(2);
        Program.Builder b = Program.builder("tiles");
        Buffer in = b.buffer("s", Buffer.Role.INPUT, Buffer.Type.SPARSE, batch, N);
        Buffer y = b.input("g", batch, D);
        Buffer w = b.weight("W_dec", N, D);
        Buffer bias = b.weight("b_dec", 1, D);
        Buffer decoded = b.output("decoded", batch, D);
        Buffer gradient = b.buffer("gradient", Buffer.Role.OUTPUT, Buffer.Type.SPARSE, batch, N);
        b.add(new Op.Decode(in, w, biased ? bias : null, decoded));
        b.add(new Op.FeatureGradient(in, y, w, null, 0, false, true, gradient));
        try (CompiledProgram compiled = engine.compile(b.build(), Map.of("W_dec", Tensor.of(uniform(N * D, random), N, D),
                "b_dec", Tensor.of(uniform(D, random), D)))) {
            compiled.write(in, s);
            compiled.write(y, g);
            compiled.run();
            return new Results(compiled.read(decoded).toArray(), compiled.readSparse(gradient));
        }
    }

    @ParameterizedTest
    @CsvSource({"auto, 0.06, true", "auto, 0.03, false", "off, 0.06, false"})
    void aRowHasTheBitsThatItHasAlone(String vector, double density, boolean biased) {
        SparseRows s = rows(density);
        assertThat(s.entries()).as("features are needed several times").isGreaterThan(N);
        float[] g = uniform(BATCH * D, new CounterRandom(3));
        for (int threads = 1; threads <= 3; threads++) {
            try (Engine engine = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), threads,
                    Map.of("vector", vector, "dense-from", "1")))) {
                Results all = run(engine, s, g, biased);
                assertThat(all.gradient().entries()).isEqualTo(s.entries());
                for (int row = 0; row < BATCH; row++) {
                    Results alone = run(engine, s.rows(row, row + 1), Arrays.copyOfRange(g, row * D, (row + 1) * D), biased);
                    assertThat(Arrays.copyOfRange(all.decoded(), row * D, (row + 1) * D)).as("row %s", row).isEqualTo(alone.decoded());
                    for (int e = 0; e < s.count(row); e++) {
                        assertThat(all.gradient().value(s.start(row) + e)).isEqualTo(alone.gradient().value(e));
                        assertThat(all.gradient().index(s.start(row) + e)).isEqualTo(alone.gradient().index(e));
                    }
                }
            }
        }
    }
}
