package org.sae4j.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sae4j.engine.cpu.RandomValues.normal;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Op.Function;
import org.sae4j.api.engine.Op.Rule;
import org.sae4j.api.engine.Program;

/** A training step whose memory was taken by the first steps. On plain loops: whether vectors live in registers is up to the compiler. */
class TrainingMemoryTest {
    private static final int D = 40;
    private static final int N = 301;
    private static final int BATCH = 130;
    private static final int WINDOW = 20;
    private static final int WINDOWS = 100;

    private static Program program(Rule rule, int k) {
        Program.Builder b = Program.builder("train");
        Buffer x = b.input("x", BATCH, D);
        Buffer hyper = b.input("hyper", 1, 6);
        Buffer wEnc = b.parameter("W_enc", N, D);
        Buffer wDec = b.parameter("W_dec", N, D);
        Buffer bEnc = b.parameter("b_enc", 1, N);
        Buffer pre = b.intermediate("pre", BATCH, N);
        Buffer s = b.sparse("s", BATCH, N);
        Buffer xHat = b.intermediate("xHat", BATCH, D);
        Buffer g = b.intermediate("g", BATCH, D);
        Buffer slopes = b.sparse("slopes", BATCH, N);
        Buffer gEnc = b.intermediate("gEnc", N, D);
        Buffer gDec = b.intermediate("gDec", N, D);
        Buffer gBias = b.intermediate("gBias", 1, N);
        b.add(new Op.MatMul(x, false, wEnc, true, bEnc, Function.IDENTITY, pre));
        b.add(new Op.Select(pre, rule, k, null, 0, null, s)).add(new Op.Decode(s, wDec, null, xHat));
        b.add(new Op.SquaredError(xHat, x, Op.Reduction.NORMALIZED, 1, g, b.output("loss", 1, 1)));
        b.add(new Op.FeatureGradient(s, g, wDec, hyper, 5, true, false, slopes)).add(new Op.SparseOuter(s, g, false, gDec));
        b.add(new Op.DecoderNormGradient(s, wDec, hyper, 5, gDec)).add(new Op.SparseOuter(slopes, x, false, gEnc));
        b.add(new Op.SparseColumnSum(slopes, false, gBias)).add(new Op.SparsitySums(s, wDec, b.output("sums", 1, 3)));
        b.add(new Op.ColumnSum(g, b.output("column sums", 1, D))).add(new Op.TrackFiring(s, b.parameter("since", 1, N)));
        b.add(new Op.ProjectRows(gDec, wDec)).add(new Op.ClipNorm(List.of(gBias), 1)).add(new Op.NormalizeRows(wDec));
        adam(b, wEnc, gEnc, hyper);
        adam(b, wDec, gDec, hyper);
        adam(b, bEnc, gBias, hyper);
        return b.build();
    }

    private static void adam(Program.Builder b, Buffer w, Buffer g, Buffer hyper) {
        b.add(new Op.Adam(w, g, b.parameter(w.name() + " m", w.rows(), w.cols()), b.parameter(w.name() + " v", w.rows(), w.cols()), hyper));
    }

    private static Set<Long> threads() {
        return Arrays.stream(ManagementFactory.getThreadMXBean().getAllThreadIds()).boxed().collect(Collectors.toSet());
    }

    private static long allocated(long[] threads) {
        return Arrays.stream(((ThreadMXBean) ManagementFactory.getThreadMXBean()).getThreadAllocatedBytes(threads)).sum();
    }

    @ParameterizedTest
    @CsvSource({"RELU,0", "TOPK,5", "TOPK,40", "BATCH_TOPK,5"})
    void aStepAllocatesNothing(Rule rule, int k) {
        Set<Long> others = threads();
        try (Engine engine = new CpuEngineProvider().open(new EngineOptions(Optional.empty(), 2, Map.of("vector", "off")))) {
            Set<Long> own = threads();
            own.removeAll(others);
            own.add(Thread.currentThread().threadId());
            long[] ids = own.stream().mapToLong(Long::longValue).toArray();
            Program program = program(rule, k);
            try (CompiledProgram compiled = engine.compile(program, Map.of())) {
                compiled.write(program.buffer("x"), normal(BATCH * D, 1));
                compiled.write(program.buffer("W_enc"), normal(N * D, 2));
                compiled.write(program.buffer("W_dec"), normal(N * D, 3));
                float[] hyper = {1e-5f, 0.9f, 0.99f, 1e-8f, 1, 1e-3f};
                Buffer buffer = program.buffer("hyper");
                long least = Long.MAX_VALUE;
                // Which thread takes a row is chance, so that a thread's arrays may grow later than in the first steps.
                for (int window = 0; window < WINDOWS && least > 0; window++) {
                    long before = allocated(ids);
                    long measuring = allocated(ids) - before;
                    for (int i = 0; i < WINDOW; i++) {
                        hyper[4]++;
                        compiled.write(buffer, hyper);
                        compiled.run();
                    }
                    least = Math.min(least, allocated(ids) - before - 2 * measuring);
                }
                assertThat(least).as("bytes allocated in %d steps", WINDOW).isLessThanOrEqualTo(0);
            }
        }
    }
}
