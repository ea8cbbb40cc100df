package org.sae4j.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Device;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Op.Function;
import org.sae4j.api.engine.Op.Reduction;
import org.sae4j.api.engine.Op.Rule;
import org.sae4j.api.engine.Program;
import org.sae4j.api.sae.SparseRows;

/** Anchors the reference in published and hand-computed numbers, not in itself. */
class ReferenceEngineTest {
    private final Program.Builder builder = Program.builder("test");
    private final Map<Buffer, float[]> inputs = new HashMap<>();

    private Buffer input(int rows, int cols, double... values) {
        return set(builder.input("input" + inputs.size(), rows, cols), values);
    }

    private Buffer parameter(int rows, int cols, double... values) {
        return set(builder.parameter("parameter" + inputs.size(), rows, cols), values);
    }

    private Buffer set(Buffer buffer, double... values) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        inputs.put(buffer, floats);
        return buffer;
    }

    private float[] run(Buffer out) {
        try (ReferenceEngine engine = new ReferenceEngine(); CompiledProgram program = engine.compile(builder.build(), Map.of())) {
            inputs.forEach(program::write);
            program.run();
            return program.read(out).toArray();
        }
    }

    private static void assertClose(float[] found, double... expected) {
        assertThat(found).hasSize(expected.length);
        for (int i = 0; i < found.length; i++) {
            assertThat((double) found[i]).as("element %d", i).isCloseTo(expected[i], within(1e-6 * Math.max(1e-3, Math.abs(expected[i]))));
        }
    }

    @TestFactory
    Stream<DynamicTest> conformsToItself() {
        return EngineConformance.cases().map(c -> DynamicTest.dynamicTest(c.name(), () -> {
            try (ReferenceEngine engine = new ReferenceEngine()) {
                c.check(engine);
            }
        }));
    }

    @Test
    void casesHaveUniqueNames() {
        assertThat(EngineConformance.cases().map(EngineConformance.Case::name)).doesNotHaveDuplicates().hasSizeGreaterThan(80);
    }

    @Test
    void layerNormOfOneToFour() {
        Buffer out = builder.output("out", 1, 4);
        Buffer scale = builder.output("scale", 1, 1);
        builder.add(new Op.LayerNorm(input(1, 4, 1, 2, 3, 4), input(1, 4, 1, 1, 1, 1), input(1, 4, 0, 0, 0, 0), 1e-5f, out, scale));
        assertClose(run(out), -1.3416354, -0.4472118, 0.4472118, 1.3416354);
        assertClose(run(scale), Math.sqrt(1.25 + 1e-5));
    }

    @Test
    void geluIsExactAndItsTanhFormIsNot() {
        Buffer exact = builder.output("exact", 1, 2);
        Buffer tanh = builder.output("tanh", 1, 2);
        Buffer x = input(1, 2, 1, -0.5);
        builder.add(new Op.Map(x, Function.GELU, exact)).add(new Op.Map(x, Function.GELU_TANH, tanh));
        assertClose(run(exact), 0.8413447461, -0.1542687694);
        assertThat((double) run(tanh)[0]).isCloseTo(0.8411919906, within(1e-7));
    }

    @Test
    void erfAgreesWithPublishedValuesInBothOfItsRanges() {
        assertThat(Erf.of(0.5)).isCloseTo(0.5204998778130465, within(1e-15));
        assertThat(Erf.of(1)).isCloseTo(0.8427007929497149, within(1e-15));
        assertThat(Erf.of(-2)).isCloseTo(-0.9953222650189527, within(1e-14));
        assertThat(Erf.of(3)).isCloseTo(0.9999779095030014, within(1e-15));
        assertThat(Erf.of(7)).isEqualTo(1);
    }

    @Test
    void attentionOfTwoPositionsByHand() {
        Buffer out = builder.output("out", 2, 1);
        builder.add(new Op.Attention(input(2, 1, 0, 2), input(2, 1, 1, 0), input(2, 1, 10, 20), 1, Op.Heads.of(1, 1), out));
        double first = Math.exp(2) / (Math.exp(2) + 1);
        assertClose(run(out), 10, first * 10 + (1 - first) * 20);
    }

    @Test
    void headsAndSequencesAreSeparate() {
        Buffer out = builder.output("scores", 8, 2);
        double no = Double.NEGATIVE_INFINITY;
        builder.add(new Op.AttentionScores(input(4, 2, 1, 2, 3, 4, 5, 6, 7, 8), input(4, 2, 1, 10, 2, 20, 3, 30, 4, 40), 2,
                Op.Heads.of(2, 1), out));
        assertThat(run(out)).containsExactly(1, (float) no, 3, 6, 20, (float) no, 40, 80, 15, (float) no, 21, 28, 180, (float) no, 240,
                320);
    }

    @Test
    void matrixProductsInFourOrientationsAgree() {
        for (boolean ta : new boolean[] {false, true}) {
            for (boolean tb : new boolean[] {false, true}) {
                Buffer a = ta ? input(2, 2, 1, 3, 2, 4) : input(2, 2, 1, 2, 3, 4);
                Buffer b = tb ? input(3, 2, 5, 8, 6, 9, 7, 10) : input(2, 3, 5, 6, 7, 8, 9, 10);
                Buffer out = builder.output("out" + ta + tb, 2, 3);
                builder.add(new Op.MatMul(a, ta, b, tb, input(1, 3, 1, 0, -100), Function.RELU, out));
                assertThat(run(out)).containsExactly(22, 24, 0, 48, 54, 0);
            }
        }
    }

    @Test
    void squaredErrorReducesAsItsNamesSay() {
        Buffer xHat = input(2, 2, 1, 0, 0, 5);
        Buffer x = input(2, 2, 3, 4, 0, 2);
        double[] losses = {(4 + 16 + 9) / 2.0, 29 / 4.0, (20 / 5.0 + 9 / 2.0) / 4, 29 / (2.25 * 2 + 1 * 2)};
        double[] first = {2 * -2 / 2.0, 2 * -2 / 4.0, 2 * -2 / 5.0 / 4, 2 * -2 / 6.5};
        for (Reduction reduction : Reduction.values()) {
            Buffer gradient = builder.output("gradient" + reduction, 2, 2);
            Buffer loss = builder.output("loss" + reduction, 1, 1);
            builder.add(new Op.SquaredError(xHat, x, reduction, 3, gradient, loss));
            assertClose(run(loss), 3 * losses[reduction.ordinal()]);
            assertThat((double) run(gradient)[0]).isCloseTo(3 * first[reduction.ordinal()], within(1e-6));
        }
    }

    /** The gradient of a loss is its slope: central differences of the loss, with everything that is constant by definition frozen. */
    @Test
    void ghostGradientIsTheSlopeWithItsFactorsHeld() {
        Buffer gradient = builder.output("gradient", 1, 2);
        Buffer loss = builder.output("loss", 1, 1);
        builder.add(new Op.GhostError(input(1, 2, 0.3, -0.4), input(1, 2, 0.6, 0.8), input(1, 2, 3, 4), Reduction.MEAN, gradient, loss));
        double scale = 1 / (2 * 0.5 + 1e-6);
        double e0 = 0.3 * scale - 0.6;
        double e1 = -0.4 * scale - 0.8;
        double c0 = 0.36 / (e0 * e0 + 1e-6);
        double c1 = 0.64 / (e1 * e1 + 1e-6);
        assertClose(run(loss), (c0 * e0 * e0 + c1 * e1 * e1) / 2);
        assertClose(run(gradient), c0 * e0 * scale, c1 * e1 * scale);
    }

    @Test
    void ghostLossHasTheSizeOfTheMainLoss() {
        Buffer loss = builder.output("loss", 1, 1);
        builder.add(new Op.GhostError(input(2, 2, 0.3, -0.4, 2, 1), input(2, 2, 0.6, 0.8, -3, 4), input(2, 2, 30, 40, 6, 8),
                Reduction.MEAN_OVER_NORM, builder.output("gradient", 2, 2), loss));
        assertThat((double) run(loss)[0]).isCloseTo((1.0 / 50 + 25.0 / 10) / 4, within(1e-4));
    }

    @Test
    void removingOneFeatureChangesTheErrorByTheKnownAmount() {
        double f = 1.5;
        double[] row = {0.6, -0.3, 0.2};
        double[] x = {1, 2, -1};
        double[] others = {0.5, 1, 0.25};
        Buffer with = builder.output("with", 1, 1);
        Buffer without = builder.output("without", 1, 1);
        Buffer sparse = builder.sparse("s", 1, 1);
        Buffer xHat = builder.intermediate("xHat", 1, 3);
        Buffer gradient = builder.intermediate("gradient", 1, 3);
        Buffer target = input(1, 3, x);
        builder.add(new Op.Select(input(1, 1, f), Rule.RELU, 0, null, 0, null, sparse));
        builder.add(new Op.Decode(sparse, input(1, 3, row), input(1, 3, others), xHat));
        builder.add(new Op.SquaredError(xHat, target, Reduction.MEAN, 1, gradient, with));
        builder.add(new Op.SquaredError(input(1, 3, others), target, Reduction.MEAN, 1, gradient, without));
        double dot = 0;
        double norm = 0;
        for (int j = 0; j < 3; j++) {
            dot += (x[j] - others[j] - f * row[j]) * row[j];
            norm += row[j] * row[j];
        }
        assertThat((double) run(without)[0] - run(with)[0]).isCloseTo((2 * f * dot + f * f * norm) / 3, within(1e-6));
    }

    @Test
    void topKTakesTheLargestPositiveEntriesAndTheLowerColumnOfTies() {
        assertThat(select(Rule.TOPK, 2, 2, 4, 1, 3, 3, 3, -1, 0, 5, -2)).hasToString("1:3.0 2:3.0 / 2:5.0");
    }

    @Test
    void batchTopKCountsOverTheWholeBatch() {
        assertThat(select(Rule.BATCH_TOPK, 1, 2, 4, 1, 3, 3, 3, -1, 0, 5, -2)).hasToString("1:3.0 / 2:5.0");
        assertThat(select(Rule.BATCH_TOPK, 2, 2, 4, 1, 3, 3, 3, -1, 0, 5, -2)).hasToString("1:3.0 2:3.0 3:3.0 / 2:5.0");
    }

    private String select(Rule rule, int k, int rows, int cols, double... pre) {
        Program.Builder select = Program.builder("select");
        Buffer x = select.input("x", rows, cols);
        Buffer out = select.buffer("out", Buffer.Role.OUTPUT, Buffer.Type.SPARSE, rows, cols);
        select.add(new Op.Select(x, rule, k, null, 0, null, out));
        try (ReferenceEngine engine = new ReferenceEngine(); CompiledProgram program = engine.compile(select.build(), Map.of())) {
            set(x, pre);
            program.write(x, inputs.get(x));
            program.run();
            return text(program.readSparse(out));
        }
    }

    private static String text(SparseRows rows) {
        StringBuilder text = new StringBuilder();
        for (int row = 0; row < rows.rows(); row++) {
            text.append(row == 0 ? "" : " /");
            for (int e = rows.start(row); e < rows.start(row + 1); e++) {
                text.append(row == 0 && e == 0 ? "" : " ").append(rows.index(e)).append(':').append(rows.value(e));
            }
        }
        return text.toString();
    }

    /** As torch.optim.Adam: the first step moves by the learning rate, whatever the gradient's size. */
    @Test
    void firstStepOfAdamIsTheLearningRate() {
        Buffer w = parameter(1, 3, 1, 1, 1);
        builder.add(new Op.Adam(w, input(1, 3, 1e-3, -50, 0), parameter(1, 3, 0, 0, 0), parameter(1, 3, 0, 0, 0),
                input(1, 5, 0.01, 0.9, 0.999, 1e-8, 1)));
        assertClose(run(w), 1 - 0.01 * 1e-3 / (1e-3 + 1e-8), 1.01, 1);
    }

    @Test
    void projectionLeavesNothingAlongTheRow() {
        Buffer gradient = parameter(2, 2, 3, 4, 7, 8);
        builder.add(new Op.ProjectRows(gradient, input(2, 2, 2, 0, 0, 0)));
        assertClose(run(gradient), 0, 4, 7, 8);
    }

    @Test
    void clippingKeepsTheJointNormAtItsLimit() {
        Buffer a = parameter(1, 1, 3);
        builder.add(new Op.ClipNorm(List.of(a, parameter(1, 1, 4)), 1));
        assertClose(run(a), 3 / (5 + 1e-6));
    }

    @Test
    void closingTheEngineClosesItsPrograms() {
        ReferenceEngine engine = new ReferenceEngine();
        CompiledProgram program = engine.compile(builder.build(), Map.of());
        engine.close();
        assertThatThrownBy(program::run).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> engine.compile(builder.build(), Map.of())).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aWrongEngineFailsTheSuite() {
        try (ReferenceEngine engine = new ReferenceEngine()) {
            Scenario wrong = new Scenario("wrong");
            Buffer x = wrong.input("x", 3, 5);
            wrong.op(new Op.Map(x, Function.RELU, wrong.output("out", 3, 5)));
            assertThatThrownBy(() -> wrong.check(new RoundingEngine(engine))).isInstanceOf(AssertionError.class)
                    .hasMessageContaining("wrong, run 0, out F32[3, 5], element");
        }
    }

    /** Errs in the sixth digit. */
    private record RoundingEngine(ReferenceEngine engine) implements Engine {
        @Override
        public String id() {
            return "rounding";
        }

        @Override
        public Device device() {
            return engine.device();
        }

        @Override
        public CompiledProgram compile(Program program, Map<String, Tensor> weights) {
            CompiledProgram exact = engine.compile(program, weights);
            return (CompiledProgram) Proxy.newProxyInstance(RoundingEngine.class.getClassLoader(),
                    new Class<?>[] {CompiledProgram.class}, (proxy, method, arguments) -> {
                        Object result = method.invoke(exact, arguments);
                        if (result instanceof Tensor tensor) {
                            float[] values = tensor.toArray();
                            for (int i = 0; i < values.length; i++) {
                                values[i] *= 1.00001f;
                            }
                            return Tensor.of(values, tensor.shape());
                        }
                        return result;
                    });
        }

        @Override
        public void close() {}
    }
}
