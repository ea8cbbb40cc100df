package org.sae4j.engine.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Availability;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.EngineException;
import org.sae4j.api.engine.EngineOptions;
import org.sae4j.api.engine.EngineProvider;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.testkit.ReferenceEngine;

class TornadoEngineTest {
    private static Engine open(Map<String, String> settings) {
        return new TornadoEngineProvider().open(new EngineOptions(Optional.empty(), 0, settings));
    }

    @Test
    void isFoundAsAServiceAndAvailableHere() {
        EngineProvider provider = ServiceLoader.load(EngineProvider.class).stream().map(ServiceLoader.Provider::get)
                .filter(p -> p.id().equals("tornado")).findFirst().orElseThrow();
        assertThat(provider.availability()).isInstanceOf(Availability.Available.class);
        assertThat(provider.priority()).isPositive();
        List<Device> devices = provider.devices();
        assertThat(devices).isNotEmpty();
        assertThat(devices.getFirst().memoryBytes()).isPositive();
    }

    @Test
    void choosesDevicesByIndexOrPartOfTheName() {
        Device first = new TornadoEngineProvider().devices().getFirst();
        for (String choice : List.of("0", first.name(), first.name().substring(1).toUpperCase(Locale.ROOT))) {
            try (Engine engine = new TornadoEngineProvider().open(new EngineOptions(Optional.of(choice), 0, Map.of("verify", "off")))) {
                assertThat(engine.device()).isEqualTo(first);
            }
        }
        assertThatThrownBy(() -> new TornadoEngineProvider().open(new EngineOptions(Optional.of("no such device"), 0, Map.of())))
                .isInstanceOf(EngineException.class).hasMessageContaining("no such device").hasMessageContaining("0: " + first.name());
    }

    @Test
    void refusesUnknownAndSenselessSettings() {
        assertThatThrownBy(() -> open(Map.of("colour", "blue"))).isInstanceOf(EngineException.class)
                .hasMessageContaining("colour").hasMessageContaining("sparse-capacity");
        for (String bad : List.of("0", "1.5", "much", "NaN")) {
            assertThatThrownBy(() -> open(Map.of("sparse-capacity", bad))).isInstanceOf(EngineException.class).hasMessageContaining(bad);
        }
        assertThatThrownBy(() -> open(Map.of("memory", "lots"))).isInstanceOf(EngineException.class).hasMessageContaining("6GB");
        assertThatThrownBy(() -> open(Map.of("verify", "oracle"))).isInstanceOf(EngineException.class).hasMessageContaining("oracle");
    }

    @Test
    void refusesAProgramThatDoesNotFitWithBytesNeededAndFree() {
        Program.Builder builder = Program.builder("wide");
        Buffer x = builder.input("x", 1000, 1000);
        builder.add(new Op.Map(x, Op.Function.RELU, builder.output("y", 1000, 1000)));
        try (Engine engine = open(Map.of("memory", "5MB", "verify", "off"))) {
            assertThatThrownBy(() -> engine.compile(builder.build(), Map.of())).isInstanceOf(EngineException.class)
                    .hasMessageContaining("8000000").hasMessageContaining("5242880").hasMessageContaining("wide");
        }
    }

    @Test
    void aRowWithMoreEntriesThanItsCapacityIsAnErrorAndNotCut() {
        Program.Builder builder = Program.builder("crowded");
        Buffer x = builder.input("x", 2, 10);
        Buffer s = builder.buffer("s", Buffer.Role.OUTPUT, Buffer.Type.SPARSE, 2, 10);
        builder.add(new Op.Select(x, Op.Rule.RELU, 0, null, 0, null, s));
        float[] values = new float[20];
        values[3] = 1;
        values[13] = 1;
        values[14] = 2;
        values[15] = 3;
        try (Engine engine = open(Map.of("sparse-capacity", "0.3", "verify", "off"));
                CompiledProgram program = engine.compile(builder.build(), Map.of())) {
            program.write(x, values);
            program.run();
            assertThat(program.readSparse(s).count(1)).isEqualTo(3);
            values[16] = 4;
            program.write(x, values);
            assertThatThrownBy(program::run).isInstanceOf(EngineException.class).hasMessageContaining("s SPARSE[2, 10]")
                    .hasMessageContaining("4 entries").hasMessageContaining("room for 3").hasMessageContaining("sparse-capacity");
            assertThatThrownBy(program::run).isInstanceOf(EngineException.class).hasMessageContaining("failed before");
        }
    }

    @Test
    void aSparseInputThatIsTooFullIsRefusedBeforeItIsSent() {
        Program.Builder builder = Program.builder("crowded");
        Buffer s = builder.buffer("s", Buffer.Role.INPUT, Buffer.Type.SPARSE, 1, 4);
        builder.add(new Op.SparseColumnSum(s, false, builder.output("sum", 1, 4)));
        try (Engine engine = open(Map.of("sparse-capacity", "0.5", "verify", "off"));
                CompiledProgram program = engine.compile(builder.build(), Map.of())) {
            SparseRows full = SparseRows.ofDense(Tensor.of(new float[] {1, 2, 3, 4}, 1, 4));
            assertThatThrownBy(() -> program.write(s, full)).isInstanceOf(EngineException.class).hasMessageContaining("room for 2");
        }
    }

    @Test
    void theFirstRunIsComparedAndADifferenceEndsTheEngine() {
        Program.Builder builder = Program.builder("compared");
        Buffer x = builder.input("x", 3, 5);
        Buffer sum = builder.parameter("sum", 3, 5);
        builder.add(new Op.Add(sum, x, 1, sum));
        float[] values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        try (Engine engine = open(Map.of("verify", "reference")); CompiledProgram program = engine.compile(builder.build(), Map.of())) {
            program.write(x, values);
            program.write(sum, values);
            program.run();
            program.run();
            assertThat(program.read(sum).get(14)).isEqualTo(45);
        }
        WrongEngineProvider.wrong = "sum";
        try (Engine engine = open(Map.of("verify", "wrong")); CompiledProgram program = engine.compile(builder.build(), Map.of())) {
            program.write(x, values);
            assertThatThrownBy(program::run).isInstanceOf(EngineException.class).hasMessageContaining("first run differs from engine wrong")
                    .hasMessageContaining("sum F32[3, 5]").hasMessageContaining("compared");
            assertThatThrownBy(program::run).isInstanceOf(EngineException.class).hasMessageContaining("failed before");
        }
    }

    @Test
    void aFirstRunThatGivesNaNIsNotTakenForADeviceThatComputesWrongly() {
        Program.Builder builder = Program.builder("zero rows");
        Buffer xHat = builder.input("xHat", 2, 3);
        Buffer x = builder.input("x", 2, 3);
        Buffer loss = builder.output("loss", 1, 1);
        builder.add(new Op.SquaredError(xHat, x, Op.Reduction.MEAN_OVER_NORM, 1, builder.output("gradient", 2, 3), loss));
        try (Engine engine = open(Map.of("verify", "reference")); CompiledProgram program = engine.compile(builder.build(), Map.of())) {
            program.run();
            assertThat(program.read(loss).get(0)).isNaN();
            program.write(x, new float[] {3, 4, 0, 0, 0, 1});
            program.run();
            assertThat(program.read(loss).get(0)).isEqualTo(1);
        }
    }

    @Test
    void weightsAndRunsOfManyTasksFitInOneGraph() {
        Program.Builder builder = Program.builder("long");
        Buffer x = builder.parameter("x", 1, 3);
        for (int i = 0; i < 80; i++) {
            builder.add(new Op.Map(x, Op.Function.RELU, x));
        }
        try (Engine engine = open(Map.of("verify", "off")); CompiledProgram program = engine.compile(builder.build(), Map.of())) {
            program.write(x, new float[] {1, -2, 3});
            program.run();
            assertThat(program.read(x).toArray()).containsExactly(1, 0, 3);
        }
    }

    /** Steps of training an autoencoder stay with the reference. */
    @Test
    void trainingFollowsTheReference() {
        int batch = 64;
        int d = 32;
        int n = 128;
        Training training = new Training(batch, d, n);
        CounterRandom random = new CounterRandom(7);
        try (Engine tornado = open(Map.of("verify", "reference")); Engine reference = new ReferenceEngine();
                CompiledProgram actual = tornado.compile(training.program, Map.of());
                CompiledProgram expected = reference.compile(training.program, Map.of())) {
            training.initialize(random, actual, expected);
            for (int step = 1; step <= 25; step++) {
                training.step(step, random, actual, expected);
                float loss = actual.read(training.loss).get(0);
                assertThat(loss).as("loss of step %d", step).isCloseTo(expected.read(training.loss).get(0),
                        withinPercentage(0.1));
            }
            assertThat(Training.difference(actual.read(training.decoder), expected.read(training.decoder))).isLessThan(1e-3);
        }
    }

    /** A run is one graph: nothing but inputs goes to the device after the first, and nothing comes back that nobody asked for. */
    @Test
    void aStepSendsItsInputsAndReturnsWhatIsRead(@TempDir Path folder) throws IOException {
        int batch = 16;
        int d = 64;
        int n = 256;
        Training training = new Training(batch, d, n);
        Path profile = folder.resolve("profile.tsv");
        try (Engine engine = open(Map.of("verify", "off", "profile", profile.toString()));
                CompiledProgram program = engine.compile(training.program, Map.of())) {
            CounterRandom random = new CounterRandom(3);
            training.initialize(random, program);
            for (int step = 1; step <= 4; step++) {
                training.step(step, random, program);
                program.read(training.loss);
            }
            program.read(training.decoder);
        }
        List<long[]> runs = Files.readAllLines(profile).stream().skip(1).map(line -> line.split("\t"))
                .map(columns -> Arrays.stream(columns).skip(1).mapToLong(Long::parseLong).toArray()).toList();
        assertThat(runs).extracting(run -> run[0]).containsExactly(1L, 2L, 3L, 4L);
        long weight = 4L * n * d;
        // What TornadoVM counts beside the arrays: their headers and the arguments of kernels. Weights and moments are six arrays.
        long slack = weight / 2;
        assertThat(runs.getFirst()[2]).as("bytes sent first").isGreaterThan(6 * weight);
        for (long[] run : runs.subList(1, 4)) {
            assertThat(run[1]).as("launches").isEqualTo(runs.getFirst()[1]).isLessThan(30);
            assertThat(run[2]).as("bytes sent").isBetween(4L * batch * d, 4L * batch * d + slack);
        }
        assertThat(runs.get(1)[3]).as("bytes returned").isEqualTo(runs.get(2)[3]).isBetween(8L, slack);
        assertThat(runs.getLast()[3]).as("bytes returned").isBetween(weight, weight + slack);
    }

    @Test
    void equalStepsGiveEqualBitsOnTwoEnginesAtOnce() throws Exception {
        try (Engine stays = open(Map.of("verify", "off"))) {
            float[] again;
            try (Engine closed = open(Map.of("verify", "off")); ExecutorService threads = Executors.newFixedThreadPool(2)) {
                Future<float[]> first = threads.submit(() -> trained(closed));
                Future<float[]> second = threads.submit(() -> trained(stays));
                again = trained(closed);
                assertThat(first.get()).containsExactly(second.get()).containsExactly(again);
            }
            assertThat(trained(stays)).containsExactly(again);
        }
    }

    private static float[] trained(Engine engine) {
        Training training = new Training(16, 24, 40);
        CounterRandom random = new CounterRandom(3);
        try (CompiledProgram program = engine.compile(training.program, Map.of())) {
            training.initialize(random, program);
            for (int step = 1; step <= 10; step++) {
                training.step(step, random, program);
            }
            return program.read(training.encoder).toArray();
        }
    }

    /** A compilation that a rewritten parameter causes must keep what the device holds of the others. */
    @Test
    void aRewrittenParameterLeavesTheOthersAsTheyWere() {
        Program.Builder builder = Program.builder("rewritten");
        Buffer x = builder.input("x", 2, 3);
        Buffer a = builder.parameter("a", 2, 3);
        Buffer b = builder.parameter("b", 2, 3);
        builder.add(new Op.Add(a, x, 1, a)).add(new Op.Add(b, x, 1, b));
        try (Engine engine = open(Map.of("verify", "reference")); CompiledProgram program = engine.compile(builder.build(), Map.of())) {
            program.write(x, new float[] {1, 2, 3, 4, 5, 6});
            program.run();
            program.run();
            program.write(a, new float[6]);
            assertThat(program.read(a).toArray()).containsOnly(0);
            program.run();
            assertThat(program.read(a).toArray()).containsExactly(1, 2, 3, 4, 5, 6);
            assertThat(program.read(b).toArray()).containsExactly(3, 6, 9, 12, 15, 18);
        }
    }

    @Test
    void cudaGraphsAreRefusedWhereTheBackEndHasNone() {
        String backEnd = new TornadoEngineProvider().devices().getFirst().backEnd();
        assumeThat(backEnd).isNotIn("cuda", "ptx");
        assertThatThrownBy(() -> open(Map.of("cuda-graph", "on", "verify", "off"))).isInstanceOf(EngineException.class)
                .hasMessageContaining("setting cuda-graph=on is not offered by back end " + backEnd);
        assertThatThrownBy(() -> open(Map.of("cuda-graph", "perhaps"))).isInstanceOf(EngineException.class)
                .hasMessageContaining("perhaps").hasMessageContaining("on or off");
    }

    @Test
    void cublasIsRefusedWhereTheBackEndHasNone() {
        String backEnd = new TornadoEngineProvider().devices().getFirst().backEnd();
        assumeThat(backEnd).isNotEqualTo("cuda");
        assertThatThrownBy(() -> open(Map.of("dense-product", "cublas", "verify", "off"))).isInstanceOf(EngineException.class)
                .hasMessageContaining("setting dense-product=cublas is not offered by back end " + backEnd);
        assertThatThrownBy(() -> open(Map.of("dense-product", "tensor-cores"))).isInstanceOf(EngineException.class)
                .hasMessageContaining("tensor-cores").hasMessageContaining("cublas or kernel");
    }

    @Test
    void aProfileThatCannotBeWrittenIsRefusedAtOnce(@TempDir Path folder) {
        assertThatThrownBy(() -> open(Map.of("verify", "off", "profile", folder.resolve("none/profile.tsv").toString())))
                .isInstanceOf(EngineException.class).hasMessageContaining("profile cannot be written");
    }

    /** A step of a TopK autoencoder with Adam. */
    private static final class Training {
        private final Program program;
        private final Buffer x;
        private final Buffer hyper;
        private final Buffer encoder;
        private final Buffer decoder;
        private final Buffer loss;

        Training(int batch, int d, int n) {
            Program.Builder b = Program.builder("training");
            x = b.input("x", batch, d);
            hyper = b.input("hyper", 1, 5);
            encoder = b.parameter("W_enc", n, d);
            decoder = b.parameter("W_dec", n, d);
            loss = b.output("loss", 1, 1);
            Buffer pre = b.intermediate("pre", batch, n);
            Buffer f = b.sparse("f", batch, n);
            Buffer df = b.sparse("df", batch, n);
            Buffer xHat = b.intermediate("xHat", batch, d);
            Buffer g = b.intermediate("g", batch, d);
            Buffer dEncoder = b.intermediate("dW_enc", n, d);
            Buffer dDecoder = b.intermediate("dW_dec", n, d);
            b.add(new Op.MatMul(x, false, encoder, true, null, Op.Function.IDENTITY, pre));
            b.add(new Op.Select(pre, Op.Rule.TOPK, 8, null, 0, null, f)).add(new Op.Decode(f, decoder, null, xHat));
            b.add(new Op.SquaredError(xHat, x, Op.Reduction.SUM, 1, g, loss));
            b.add(new Op.FeatureGradient(f, g, decoder, null, 0, false, false, df));
            b.add(new Op.SparseOuter(f, g, false, dDecoder)).add(new Op.SparseOuter(df, x, false, dEncoder));
            b.add(new Op.ProjectRows(dDecoder, decoder));
            b.add(new Op.Adam(encoder, dEncoder, b.parameter("m1", n, d), b.parameter("v1", n, d), hyper));
            b.add(new Op.Adam(decoder, dDecoder, b.parameter("m2", n, d), b.parameter("v2", n, d), hyper));
            b.add(new Op.NormalizeRows(decoder));
            program = b.build();
        }

        void initialize(CounterRandom random, CompiledProgram... programs) {
            float[] weights = normal(random, encoder.size());
            for (CompiledProgram p : programs) {
                p.write(encoder, weights);
                p.write(decoder, weights);
            }
        }

        void step(int step, CounterRandom random, CompiledProgram... programs) {
            float[] batch = normal(random, x.size());
            for (CompiledProgram p : programs) {
                p.write(x, batch);
                p.write(hyper, new float[] {1e-3f, 0.9f, 0.999f, 1e-8f, step});
                p.run();
            }
        }

        private static float[] normal(CounterRandom random, long count) {
            float[] values = new float[(int) count];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian() * 0.2f;
            }
            return values;
        }

        static double difference(Tensor a, Tensor b) {
            double largest = 0;
            for (long i = 0; i < a.size(); i++) {
                largest = Math.max(largest, Math.abs((double) a.get(i) - b.get(i)));
            }
            return largest;
        }
    }
}
