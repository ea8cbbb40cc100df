package org.sae4j.core.program;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.sae4j.api.CounterRandom;
import org.sae4j.api.Tensor;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.CompiledProgram;
import org.sae4j.api.engine.Engine;
import org.sae4j.api.engine.Op;
import org.sae4j.api.model.ForwardPlan;
import org.sae4j.api.sae.SparseRows;
import org.sae4j.testkit.ReferenceEngine;

/** Every rule against differences, at odd sizes. */
class BackwardTest {
    private static final Counts COUNTS = new Counts(2, 5, 4, 1, 3);
    private static final String OUT = "out";
    /** Wide, as values are rounded to float32 between operations; the formula's error is of fourth order. */
    private static final float STEP = 1f / 32;

    private final CounterRandom random = new CounterRandom(11).stream("backward");
    private final Map<String, int[]> indices = Map.of("ids", new int[] {3, 0, 3, 6, 1, 1, 2, 3, 0, 5}, "picked", new int[] {9, 0, 9},
            "rows", new int[] {7, -1, 0}, "earlier", new int[] {3});

    private record Case(String name, Function<FormBuilder, Value> writer, String... constants) {}

    private static Value x(FormBuilder b, String name, int cols) {
        return b.input(name, Dim.ROWS, Dim.of(cols));
    }

    private static final List<Op.Heads> HEADS = List.of(Op.Heads.of(3, 5), new Op.Heads(4, 2, 0.7f, 0, 3), new Op.Heads(2, 1, 0.5f, 1.5f,
            0),
            new Op.Heads(2, 2, 0.5f, 2, 2));

    private static Stream<Case> cases() {
        List<Case> cases = new ArrayList<>(List.of(
                new Case("gather", b -> b.gather(b.indices("ids", Dim.ROWS), b.input("table", Dim.of(7), Dim.of(3)))),
                new Case("gather twice the same", b -> b.gather(b.indices("picked", Dim.PICKED), x(b, "x", 3))),
                new Case("copy", b -> b.copy("copy", x(b, "x", 3))),
                new Case("add", b -> b.add(x(b, "x", 3), x(b, "y", 3))),
                new Case("add to itself", b -> b.add(x(b, "x", 3), x(b, "x", 3))),
                new Case("add a row", b -> b.add(x(b, "x", 3), b.input("row", Dim.ONE, Dim.of(3)))),
                new Case("subtract", b -> b.add(Operation.of(new Kind.Add(-0.5f), b.like(x(b, "x", 3)), x(b, "x", 3), x(b, "y", 3)))),
                new Case("multiply", b -> b.multiply(x(b, "x", 3), x(b, "y", 3))),
                new Case("multiply by a row", b -> b.multiply(x(b, "x", 3), b.input("row", Dim.ONE, Dim.of(3)))),
                new Case("square", b -> b.multiply(x(b, "x", 3), x(b, "x", 3))),
                new Case("scale", b -> b.scale(x(b, "x", 3), -2.5)),
                new Case("product", b -> b.product(x(b, "x", 3), b.input("w", Dim.of(3), Dim.of(7)), b.input("bias", Dim.ONE, Dim.of(7)))),
                new Case("product without bias", b -> b.product(x(b, "x", 3), b.input("w", Dim.of(3), Dim.of(7)), null)),
                new Case("product by transposed", b -> b.productByTransposed(x(b, "x", 3), b.input("w", Dim.of(7), Dim.of(3)))),
                new Case("transposed product", b -> b.transposedProduct(x(b, "x", 3), x(b, "y", 7))),
                new Case("column sum", b -> b.columnSum(x(b, "x", 3))),
                new Case("layer norm", b -> b.layerNorm(x(b, "x", 7), null, null, 1e-2f, "scale", null)),
                new Case("layer norm with weight and bias", b -> b.layerNorm(x(b, "x", 7), b.input("w", Dim.ONE, Dim.of(7)),
                        b.input("bias", Dim.ONE, Dim.of(7)), 1e-2f, "scale", "normalized")),
                new Case("rms norm", b -> b.rmsNorm(x(b, "x", 7), null, 0, 1e-2f, "scale", null)),
                new Case("rms norm with weight", b -> b.rmsNorm(x(b, "x", 7), b.input("w", Dim.ONE, Dim.of(7)), 0, 1e-2f, "scale",
                        "normalized")),
                new Case("rms norm of groups", b -> b.rmsNorm(x(b, "x", 15), b.input("w", Dim.ONE, Dim.of(5)), 3, 1e-2f, "scale",
                        "normalized")),
                new Case("rotary", b -> b.rotary(x(b, "x", 14), b.input("cos", Dim.ROWS, Dim.of(3)), b.input("sin", Dim.ROWS, Dim.of(3)),
                        2),
                        "cos", "sin"),
                new Case("softmax", b -> b.softmax(x(b, "x", 7))),
                new Case("log softmax", b -> b.logSoftmax(x(b, "x", 7))),
                new Case("set rows", b -> b.patch(x(b, "x", 3), b.indices("rows", Dim.of(3)), b.input("values", Dim.of(3), Dim.of(3)),
                        ForwardPlan.Mode.SET)),
                new Case("add to rows", b -> b.patch(x(b, "x", 3), b.indices("rows", Dim.of(3)), b.input("values", Dim.of(3), Dim.of(3)),
                        ForwardPlan.Mode.ADD)),
                new Case("a chain that reads a value three times", b -> {
                    Value h = b.product(x(b, "x", 5), b.input("w", Dim.of(5), Dim.of(5)), null, Op.Function.TANH, "pre");
                    return b.add(b.multiply(h, b.softmax(h)), b.scale(h, 3));
                })));
        cases.add(new Case("exponential", b -> b.exp(x(b, "x", 7))));
        cases.addAll(sparseCases());
        for (Op.Function function : Op.Function.values()) {
            cases.add(new Case("map " + function, b -> b.map(x(b, "x", 7), function)));
            if (function == Op.Function.RELU) {
                // Products of random numbers come too near to its corner for differences.
                continue;
            }
            cases.add(new Case("product and " + function, b -> b.product(x(b, "x", 3), b.input("w", Dim.of(3), Dim.of(7)),
                    b.input("bias", Dim.ONE, Dim.of(7)), function, "pre")));
        }
        for (Op.Heads heads : HEADS) {
            cases.add(new Case("attention " + heads, b -> attention(b, heads)));
            cases.add(new Case("attention after others " + heads, b -> continued(b, attention(b, heads)), "past k", "past v"));
            cases.add(new Case("scores and softmax " + heads, b -> b.softmax(b.add(Operation.of(new Kind.Scores(heads),
                    b.fresh(Dim.ROWS.times(heads.count()), Dim.LENGTH), x(b, "q", 5 * heads.count()), x(b, "k", 5 * heads.keyValues()))))));
            cases.add(new Case("mix " + heads, b -> b.add(Operation.of(new Kind.Mix(heads), b.like(x(b, "q", 5 * heads.count())),
                    b.input("pattern", Dim.ROWS.times(heads.count()), Dim.LENGTH), x(b, "v", 5 * heads.keyValues())))));
        }
        return cases.stream();
    }

    /** Choices of features that steps do not change: inputs named spread lie apart. */
    private static List<Case> sparseCases() {
        List<Case> cases = new ArrayList<>();
        for (Op.Rule rule : List.of(Op.Rule.RELU, Op.Rule.TOPK, Op.Rule.BATCH_TOPK)) {
            int k = rule == Op.Rule.RELU ? 0 : 3;
            cases.add(new Case("decoded " + rule, b -> decoded(b, b.select(rule, k, x(b, "spread", 7)))));
            cases.add(new Case("encoded and decoded " + rule, b -> decoded(b, b.select(rule, k, encoded(b)))));
        }
        cases.add(new Case("decoded twice", b -> {
            Value s = b.select(Op.Rule.RELU, 0, encoded(b));
            return b.multiply(decoded(b, s), b.decode(s, b.input("other", Dim.of(7), Dim.of(5)), null));
        }, "spread"));
        cases.add(new Case("chosen of twice", b -> {
            Value pre = encoded(b);
            Value w = b.input("decoder", Dim.of(7), Dim.of(5));
            return b.add(b.decode(b.select(Op.Rule.TOPK, 3, pre), w, null), b.map(b.decode(b.select(Op.Rule.RELU, 0, pre), w, null),
                    Op.Function.TANH));
        }, "spread"));
        cases.add(new Case("jump relu at fixed thresholds", b -> decoded(b, b.jumpRelu(encoded(b),
                b.scale(b.input("theta", Dim.ONE, Dim.of(7)), 1.0 / 64))), "theta"));
        cases.add(new Case("exponentials of some columns", b -> decoded(b, b.select(Op.Rule.EXP, 0, encoded(b),
                b.exceeds(b.input("mask", Dim.ONE, Dim.of(7)), 0))), "mask"));
        cases.add(new Case("gated", b -> decoded(b, b.gatedSelect(encoded(b), b.scale(b.exp(row(b, "b gate")), -1), row(b, "r mag"),
                b.exp(row(b, "b mag"))))));
        cases.add(new Case("given features", b -> decoded(b,
                b.sparseInput("features", Dim.ROWS, Dim.of(7))), "features"));
        return cases;
    }

    private static Value row(FormBuilder b, String name) {
        return b.scale(b.input(name, Dim.ONE, Dim.of(7)), 0.25);
    }

    private static Value decoded(FormBuilder b, Value s) {
        return b.decode(s, b.input("decoder", Dim.of(7), Dim.of(5)), b.input("b_dec", Dim.ONE, Dim.of(5)));
    }

    /** Pre-activations that lie apart, with a bias before the product as autoencoders have it. */
    private static Value encoded(FormBuilder b) {
        Value centred = b.subtract(b.scale(x(b, "x", 5), 1.0 / 128), b.scale(b.input("b_dec", Dim.ONE, Dim.of(5)), 1.0 / 128));
        Value product = b.productByTransposed(centred, b.input("encoder", Dim.of(7), Dim.of(5)), b.scale(b.input("bias", Dim.ONE, Dim.of(7)),
                1.0 / 64));
        return b.add(x(b, "spread", 7), product);
    }

    private static Value attention(FormBuilder b, Op.Heads heads) {
        int keys = 5 * heads.keyValues();
        return b.attention(x(b, "q", 5 * heads.count()), x(b, "k", keys), x(b, "v", keys), heads, "scores", "pattern");
    }

    private static Value continued(FormBuilder b, Value out) {
        Operation attention = b.operations().removeLast();
        List<Value> in = new ArrayList<>(attention.in());
        in.add(b.input("past k", Dim.PAST, in.get(1).cols()));
        in.add(b.input("past v", Dim.PAST, in.get(1).cols()));
        in.add(b.indices("earlier", Dim.ONE));
        return b.add(new Operation(attention.kind(), in, attention.inner(), out));
    }

    @TestFactory
    Stream<DynamicTest> gradientsAreDifferences() {
        return cases().map(c -> DynamicTest.dynamicTest(c.name(), () -> {
            Form form = form(c);
            List<String> wanted = form.values().values().stream().filter(value -> value.role() == Value.Role.INPUT
                    && !indices.containsKey(value.name()) && !Set.of(c.constants()).contains(value.name())).map(Value::name).toList();
            checkDifferences(form, wanted);
        }));
    }

    private static Form form(Case c) {
        FormBuilder b = new FormBuilder("v");
        return b.build(b.hook(OUT, c.writer().apply(b)));
    }

    private void checkDifferences(Form form, List<String> wanted) {
        Map<String, float[]> inputs = inputs(form);
        inputs.put(Backward.seed(OUT), normal(size(form.value(OUT))));
        Map<String, float[]> values = run(Backward.of(form, List.of(OUT), wanted, Set.of()), inputs);
        for (String name : wanted) {
            float[] gradient = values.get(Backward.gradient(name));
            double largest = IntStream.range(0, gradient.length).mapToDouble(i -> Math.abs(gradient[i])).max().orElseThrow();
            assertThat(largest).as("the gradient by %s", name).isPositive();
            for (int i = 0; i < gradient.length; i++) {
                int element = i;
                double expected = (8 * (at(form, inputs, name, element, STEP) - at(form, inputs, name, element, -STEP))
                        - (at(form, inputs, name, element, 2 * STEP) - at(form, inputs, name, element, -2 * STEP))) / (12 * STEP);
                assertThat((double) gradient[i]).as("gradient by element %d of %s", i, name)
                        .isCloseTo(expected, within(2e-4 * Math.max(largest, 1)));
            }
        }
    }

    /** The functional where an element of an input is another. */
    private static double at(Form form, Map<String, float[]> inputs, String name, int element, float step) {
        Map<String, float[]> moved = new LinkedHashMap<>(inputs);
        float[] values = inputs.get(name).clone();
        values[element] += step;
        moved.put(name, values);
        float[] out = run(form, moved).get(OUT);
        float[] seed = inputs.get(Backward.seed(OUT));
        return IntStream.range(0, out.length).mapToDouble(i -> (double) out[i] * seed[i]).sum();
    }

    private static int size(Value value) {
        return COUNTS.of(value.rows()) * COUNTS.of(value.cols());
    }

    private float[] normal(int size) {
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            double value = random.nextGaussian();
            // Away from 0, where ReLU has a corner, and in steps that floats add exactly.
            values[i] = Math.round(value * 64) / 64f + Math.copySign(0.125f, (float) value);
        }
        return values;
    }

    private Map<String, float[]> inputs(Form form) {
        Map<String, float[]> inputs = new LinkedHashMap<>();
        form.values().values().stream().filter(value -> value.role() == Value.Role.INPUT && !indices.containsKey(value.name()))
                .forEach(value -> inputs.put(value.name(), value.name().equals("spread") ? spread(value) : normal(size(value))));
        return inputs;
    }

    /** Rows of the same values, 1/2 from each other and 1/4 from 0, each in an order of its own. */
    private float[] spread(Value value) {
        int cols = COUNTS.of(value.cols());
        float[] values = new float[size(value)];
        for (int row = 0; row < values.length; row += cols) {
            for (int i = 0; i < cols; i++) {
                int other = random.nextInt(i + 1);
                values[row + i] = values[row + other];
                values[row + other] = (i - cols / 2) / 2f + 0.25f;
            }
        }
        return values;
    }

    private static Map<String, float[]> run(Form form, Map<String, float[]> inputs) {
        return run(form, inputs, new BackwardTest().indices);
    }

    private static Map<String, float[]> run(Form form, Map<String, float[]> inputs, Map<String, int[]> indices) {
        ProgramWriter.Written written = ProgramWriter.write("test", Slice.of(form, Set.of(), Set.of()), COUNTS, Map.of());
        try (Engine engine = new ReferenceEngine(); CompiledProgram program = engine.compile(written.program(), Map.<String, Tensor>of())) {
            written.inputs().forEach((name, buffer) -> {
                if (indices.containsKey(name)) {
                    program.write(buffer, indices.get(name));
                } else if (buffer.type() == Buffer.Type.SPARSE) {
                    program.write(buffer, SparseRows.ofDense(Tensor.of(inputs.get(name), buffer.rows(), buffer.cols())));
                } else {
                    program.write(buffer, inputs.get(name));
                }
            });
            program.run();
            Map<String, float[]> outputs = new LinkedHashMap<>();
            written.outputs().forEach((name, buffer) -> outputs.put(name, (buffer.type() == Buffer.Type.SPARSE
                    ? program.readSparse(buffer).toDense() : program.read(buffer)).toArray()));
            return outputs;
        }
    }

    private Map<String, float[]> gradients(Form form, String target, Set<String> constants, String... wanted) {
        Map<String, float[]> inputs = inputs(form);
        Value value = form.value(target);
        float[] seed = new float[size(value)];
        for (int i = 0; i < seed.length; i++) {
            seed[i] = i % 3 - 1;
        }
        inputs.put(Backward.seed(target), seed);
        return run(Backward.of(form, List.of(target), List.of(wanted), constants), inputs);
    }

    @Test
    void theValuesOfTheFormStayAndComeFirst() {
        Form form = form(new Case("", b -> b.softmax(b.product(x(b, "x", 3), b.input("w", Dim.of(3), Dim.of(7)), null))));
        Form backward = Backward.of(form, List.of(OUT), List.of("x", "w"), Set.of());
        assertThat(backward.outputs()).extracting(Value::name).containsExactly(OUT, "gradient of x", "gradient of w");
        assertThat(backward.operations().subList(0, form.operations().size())).isEqualTo(form.operations());
    }

    @Test
    void whatIsNotWantedIsNotComputed() {
        Form form = form(new Case("", b -> b.product(b.map(x(b, "x", 3), Op.Function.GELU), b.input("w", Dim.of(3), Dim.of(7)), null)));
        assertThat(Backward.of(form, List.of(OUT), List.of("w"), Set.of()).operations()).extracting(o ->
                o.kind().getClass().getSimpleName())
                .containsExactly("Map", "Product", "TransposedProduct", "Copy");
    }

    @Test
    void lookingIntoAnAttentionGivesTheSameGradients() {
        for (Op.Heads heads : HEADS) {
            Form form = form(new Case("", b -> attention(b, heads)));
            Map<String, float[]> inputs = inputs(form);
            inputs.put(Backward.seed(OUT), normal(size(form.value(OUT))));
            Map<String, float[]> fused = run(Backward.of(form, List.of(OUT), List.of("q", "k", "v"), Set.of()), inputs);
            Map<String, float[]> opened = run(Backward.of(form, List.of(OUT), List.of("q", "k", "v", "pattern", "scores"), Set.of()),
                    inputs);
            for (String name : List.of("q", "k", "v")) {
                assertThat(opened.get(Backward.gradient(name))).as("%s", name)
                        .usingComparatorWithPrecision(1e-5f).containsExactly(fused.get(Backward.gradient(name)));
            }
        }
    }

    @Test
    void scoresThatAreNotSeenHaveNoGradient() {
        Form form = form(new Case("", b -> attention(b, HEADS.get(1))));
        float[] byScores = gradients(form, OUT, Set.of(), "scores").get(Backward.gradient("scores"));
        for (int i = 0; i < byScores.length; i++) {
            int query = i / 5 % 5;
            int key = i % 5;
            if (key > query || key < query - 2) {
                assertThat(byScores[i]).as("query %d, key %d", query, key).isZero();
            }
        }
    }

    @Test
    void constantPatternsLetOnlyValuesThrough() {
        Form form = form(new Case("", b -> attention(b, HEADS.get(1))));
        Map<String, float[]> inputs = inputs(form);
        inputs.put(Backward.seed(OUT), normal(size(form.value(OUT))));
        float[] all = run(Backward.of(form, List.of(OUT), List.of("q", "v"), Set.of()), inputs).get(Backward.gradient("v"));
        for (String constant : List.of("pattern", "scores")) {
            assertThat(run(Backward.of(form, List.of(OUT), List.of("v"), Set.of(constant)), inputs).get(Backward.gradient("v")))
                    .containsExactly(all);
            assertThatIllegalArgumentException().isThrownBy(() -> Backward.of(form, List.of(OUT), List.of("q"), Set.of(constant)))
                    .withMessageContaining("q changes none of [out], as far as the constants [" + constant);
        }
    }

    @Test
    void withConstantDenominatorsANormIsLinear() {
        Form form = form(new Case("", b -> b.rmsNorm(x(b, "x", 7), null, 0, 1e-2f, "scale", null)));
        Form both = form.wanting(List.of(OUT, "scale"));
        Map<String, float[]> inputs = inputs(form);
        inputs.put(Backward.seed(OUT), normal(size(form.value(OUT))));
        Map<String, float[]> values = run(Backward.of(both, List.of(OUT), List.of("x"), Set.of("scale")), inputs);
        float[] gradient = values.get(Backward.gradient("x"));
        for (int i = 0; i < gradient.length; i++) {
            assertThat(gradient[i]).isCloseTo(inputs.get(Backward.seed(OUT))[i] / values.get("scale")[i / 7], within(1e-5f));
        }
    }

    @Test
    void aConstantStopsTheGradient() {
        Form form = form(new Case("", b -> {
            Value h = b.inner("h", b.map(x(b, "x", 3), Op.Function.TANH));
            return b.multiply(x(b, "x", 3), h);
        }));
        Map<String, float[]> values = gradients(form.wanting(List.of("h")), OUT, Set.of("h"), "x");
        float[] gradient = values.get(Backward.gradient("x"));
        for (int i = 0; i < gradient.length; i++) {
            assertThat(gradient[i]).isCloseTo((i % 3 - 1) * values.get("h")[i], within(1e-6f));
        }
    }

    @Test
    void severalTargetsAddUp() {
        Form form = form(new Case("", b -> b.scale(b.inner("h", b.scale(x(b, "x", 3), 2)), 5)));
        Map<String, float[]> inputs = inputs(form);
        inputs.put(Backward.seed(OUT), normal(30));
        inputs.put(Backward.seed("h"), normal(30));
        float[] gradient = run(Backward.of(form, List.of(OUT, "h"), List.of("x"), Set.of()), inputs).get(Backward.gradient("x"));
        for (int i = 0; i < 30; i++) {
            assertThat(gradient[i]).isCloseTo(10 * inputs.get(Backward.seed(OUT))[i] + 2 * inputs.get(Backward.seed("h"))[i],
                    within(1e-5f));
        }
    }

    @Test
    void aSparseGradientHasTheEntriesOfItsValue() {
        Form form = form(new Case("", b -> decoded(b, b.inner("features", b.select(Op.Rule.TOPK, 3, x(b, "spread", 7))))));
        Map<String, float[]> inputs = inputs(form);
        inputs.put(Backward.seed(OUT), normal(size(form.value(OUT))));
        Map<String, float[]> values = run(Backward.of(form.wanting(List.of("features")), List.of(OUT), List.of("features"), Set.of()), inputs);
        float[] features = values.get("features");
        float[] gradient = values.get(Backward.gradient("features"));
        for (int i = 0; i < features.length; i++) {
            double expected = 0;
            for (int c = 0; c < 5; c++) {
                expected += features[i] == 0 ? 0 : (double) inputs.get(Backward.seed(OUT))[i / 7 * 5 + c] * inputs.get("decoder")[i % 7 * 5 + c];
            }
            assertThat((double) gradient[i]).as("element %d", i).isCloseTo(expected, within(1e-5));
        }
    }

    @Test
    void theGradientByThresholdsIsTheRectanglesEstimate() {
        float width = 0.6f;
        Form form = form(new Case("", b -> decoded(b, b.jumpRelu(x(b, "spread", 7), b.input("theta", Dim.ONE, Dim.of(7)), width))));
        Map<String, float[]> inputs = inputs(form);
        inputs.put(Backward.seed(OUT), normal(size(form.value(OUT))));
        float[] gradient = run(Backward.of(form, List.of(OUT), List.of("theta"), Set.of()), inputs).get(Backward.gradient("theta"));
        double[] expected = new double[7];
        for (int i = 0; i < inputs.get("spread").length; i++) {
            float theta = inputs.get("theta")[i % 7];
            for (int c = 0; c < 5 && Math.abs(inputs.get("spread")[i] - theta) < width / 2; c++) {
                expected[i % 7] -= theta / width * inputs.get(Backward.seed(OUT))[i / 7 * 5 + c] * inputs.get("decoder")[i % 7 * 5 + c];
            }
        }
        assertThat(gradient).hasSize(7);
        for (int i = 0; i < 7; i++) {
            assertThat((double) gradient[i]).isCloseTo(expected[i], within(1e-4));
        }
    }

    @Test
    void noMatrixOfAllFeaturesOrRowsIsMadeForABiasBeforeTheEncoder() {
        Form form = form(new Case("", b -> decoded(b, b.select(Op.Rule.RELU, 0, encoded(b)))));
        Form backward = Backward.of(form, List.of(OUT), List.of("encoder", "b_dec", "bias"), Set.of());
        List<Operation> gradients = backward.operations().subList(form.operations().size(), backward.operations().size());
        assertThat(gradients).extracting(o -> o.kind().getClass().getSimpleName()).doesNotContain("Decode")
                .containsOnlyOnce("FeatureGradient", "SparseOuter", "SparseColumnSum");
        assertThat(gradients).extracting(Operation::out).filteredOn(value -> value.type() == Buffer.Type.F32)
                .noneMatch(value -> value.rows().equals(Dim.ROWS));
    }

    @Test
    void aSparseGradientDoesNotPassThroughWhatNeedsAWholeMatrix() {
        Form product = form(new Case("", b -> decoded(b, b.select(Op.Rule.RELU, 0, b.product(x(b, "x", 5), b.input("w", Dim.of(5), Dim.of(7)),
                null)))));
        assertThatIllegalArgumentException().isThrownBy(() -> Backward.of(product, List.of(OUT), List.of("w"), Set.of()))
                .withMessageContaining("Form.transposing");
        Form turned = product.transposing(Set.of("w"));
        assertThat(Backward.of(turned, List.of(OUT), List.of("w"), Set.of()).outputs().getLast().rows()).isEqualTo(Dim.of(7));
    }

    @Test
    void whatHasNoGradientIsRefusedByName() {
        Form norm = form(new Case("", b -> b.layerNorm(x(b, "x", 7), null, null, 1e-2f, "scale", null)));
        assertThatIllegalArgumentException().isThrownBy(() -> Backward.of(norm, List.of(OUT), List.of("scale"), Set.of()))
                .withMessageContaining("no gradient by or of scale");
        Form gather = form(new Case("", b -> b.gather(b.indices("ids", Dim.ROWS), b.input("table", Dim.of(7), Dim.of(3)))));
        assertThatIllegalArgumentException().isThrownBy(() -> Backward.of(gather, List.of(OUT), List.of("ids"), Set.of()))
                .withMessageContaining("I32");
        assertThatIllegalArgumentException().isThrownBy(() -> Backward.of(gather, List.of(OUT), List.of("nowhere"), Set.of()))
                .withMessageContaining("nowhere");
        Form twice = Backward.of(form(new Case("", b -> b.softmax(x(b, "x", 7)))), List.of(OUT), List.of("x"), Set.of());
        assertThatIllegalArgumentException().isThrownBy(() -> Backward.of(twice, List.of("gradient of x"), List.of(OUT), Set.of()))
                .withMessageContaining("no gradient of SoftmaxGradient");
    }

    @Test
    void recomputingChangesNoBit() {
        Form form = form(new Case("", b -> {
            Value h = x(b, "x", 5);
            for (int i = 0; i < 3; i++) {
                Value n = b.layerNorm(h, null, null, 1e-2f, "scale " + i, null);
                h = b.add(h, b.product(n, b.input("w" + i, Dim.of(5), Dim.of(5)), null, Op.Function.GELU, "pre " + i));
            }
            return h;
        }));
        Map<String, float[]> inputs = inputs(form);
        inputs.put(Backward.seed(OUT), normal(size(form.value(OUT))));
        Form kept = Backward.of(form, List.of(OUT), List.of("x", "w0", "w1", "w2"), Set.of());
        Form recomputed = Recompute.of(kept, operation -> true);
        assertThat(recomputed.operations()).hasSizeGreaterThan(kept.operations().size());
        Map<String, float[]> expected = run(kept, inputs);
        run(recomputed, inputs).forEach((name, values) -> assertThat(values).as("%s", name).containsExactly(expected.get(name)));
    }
}
