package org.sae4j.testkit;

import static org.sae4j.testkit.EngineConformance.scenario;

import java.util.List;
import java.util.stream.Stream;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Op.Rule;
import org.sae4j.testkit.EngineConformance.Case;

/** The operations that read or write sparse rows. */
final class SparseCases {
    private static final int[][] SHAPES = {{1, 1}, {3, 5}, {7, 65}, {5, 301}};

    private SparseCases() {}

    static Stream<Case> all() {
        return Stream.of(rules(), selections(), decoding(), gradients(), sums()).flatMap(cases -> cases);
    }

    private static Stream<Case> rules() {
        return Stream.of(Rule.values()).flatMap(rule -> Stream.of(false, true).map(masked ->
                scenario("Select " + rule + (masked ? " with a mask" : ""), s -> {
                    for (int[] shape : SHAPES) {
                        Buffer pre = s.input("pre" + shape[1], shape[0], shape[1]);
                        select(s, pre, rule, masked);
                    }
                })));
    }

    private static void select(Scenario s, Buffer pre, Rule rule, boolean masked) {
        String id = pre.name();
        int n = pre.cols();
        Buffer mask = masked ? s.adjust(s.input("mask" + id, 1, n), v -> v > -0.5 ? 1 : 0) : null;
        boolean counted = rule == Rule.TOPK || rule == Rule.BATCH_TOPK;
        Buffer threshold = rule == Rule.JUMP_RELU || rule == Rule.WINDOW ? s.weight("threshold" + id, 1, n) : null;
        s.op(new Op.Select(pre, rule, counted ? Math.max(1, n / 9) : 0, threshold, rule == Rule.WINDOW ? 1 : 0, mask,
                s.sparseOutput("out" + id, pre.rows(), n)));
    }

    private static Stream<Case> selections() {
        float nan = Float.NaN;
        return Stream.of(
                scenario("Select TOPK with ties, few positive entries, and NaN", s -> {
                    Buffer pre = s.input("pre", 6, 7);
                    s.set(pre, new float[] {
                        1, 2, 2, 2, 2, 1, 0,
                        -1, -2, 5, -3, 0, -1, -1,
                        0, 0, 0, 0, 0, 0, 0,
                        3, 3, 3, 3, 3, 3, 3,
                        nan, 1, nan, 4, 2, 3, nan,
                        -1, -1, -1, -1, -1, -1, -1});
                    s.op(new Op.Select(pre, Rule.TOPK, 3, null, 0, null, s.sparseOutput("three", 6, 7)));
                    s.op(new Op.Select(pre, Rule.TOPK, 7, null, 0, null, s.sparseOutput("all", 6, 7)));
                    s.op(new Op.Select(pre, Rule.TOPK, 1, null, 0, null, s.sparseOutput("one", 6, 7)));
                }),
                scenario("Select BATCH_TOPK with ties over rows, few positive entries, and NaN", s -> {
                    Buffer pre = s.input("pre", 4, 5);
                    s.set(pre, new float[] {1, 2, -1, 2, 0, 2, 2, 2, nan, 1, -1, -1, -1, -1, -1, 9, 2, 2, 2, 3});
                    s.op(new Op.Select(pre, Rule.BATCH_TOPK, 1, null, 0, null, s.sparseOutput("one", 4, 5)));
                    s.op(new Op.Select(pre, Rule.BATCH_TOPK, 2, null, 0, null, s.sparseOutput("two", 4, 5)));
                    s.op(new Op.Select(pre, Rule.BATCH_TOPK, 5, null, 0, null, s.sparseOutput("all", 4, 5)));
                }),
                scenario("Select where values differ in the last bit, and in size", s -> {
                    Buffer pre = s.input("pre", 2, 6);
                    float up = Math.nextUp(1f);
                    s.set(pre, new float[] {1, up, 1, Math.nextUp(up), Math.nextDown(1f), 1, 1e30f, 1e-30f, 1e-38f, 1, 1e20f, 1e-20f});
                    s.op(new Op.Select(pre, Rule.TOPK, 2, null, 0, null, s.sparseOutput("two", 2, 6)));
                    s.op(new Op.Select(pre, Rule.TOPK, 4, null, 0, null, s.sparseOutput("four", 2, 6)));
                    s.op(new Op.Select(pre, Rule.BATCH_TOPK, 3, null, 0, null, s.sparseOutput("batch", 2, 6)));
                }),
                scenario("Select TOPK and BATCH_TOPK of infinite values", s -> {
                    Buffer pre = s.input("pre", 3, 5);
                    float infinity = Float.POSITIVE_INFINITY;
                    float most = Float.MAX_VALUE;
                    s.set(pre, new float[] {
                        infinity, 1, infinity, infinity, 2,
                        infinity, -infinity, 3, 2, 1,
                        most, infinity, most, 1, most});
                    s.op(new Op.Select(pre, Rule.TOPK, 2, null, 0, null, s.sparseOutput("two", 3, 5)));
                    s.op(new Op.Select(pre, Rule.TOPK, 3, null, 0, null, s.sparseOutput("three", 3, 5)));
                    s.op(new Op.Select(pre, Rule.BATCH_TOPK, 1, null, 0, null, s.sparseOutput("batchOne", 3, 5)));
                    s.op(new Op.Select(pre, Rule.BATCH_TOPK, 2, null, 0, null, s.sparseOutput("batchTwo", 3, 5)));
                }),
                scenario("Select RELU, JUMP_RELU and WINDOW at their limits and of NaN", s -> {
                    Buffer pre = s.input("pre", 2, 5);
                    s.set(pre, new float[] {0, -0f, nan, 1, -1, 0.5f, 0.75f, 0.25f, 1, nan});
                    Buffer threshold = s.input("threshold", 1, 5);
                    s.set(threshold, new float[] {-1, 0.5f, 0.5f, 1, 0});
                    s.op(new Op.Select(pre, Rule.RELU, 0, null, 0, null, s.sparseOutput("relu", 2, 5)));
                    s.op(new Op.Select(pre, Rule.JUMP_RELU, 0, threshold, 0, null, s.sparseOutput("jump", 2, 5)));
                    s.op(new Op.Select(pre, Rule.WINDOW, 0, threshold, 0.5f, null, s.sparseOutput("window", 2, 5)));
                }),
                scenario("Select with a mask of zeros", s -> {
                    Buffer pre = s.input("pre", 3, 7);
                    Buffer mask = s.adjust(s.input("mask", 1, 7), v -> 0);
                    for (Rule rule : new Rule[] {Rule.RELU, Rule.TOPK, Rule.BATCH_TOPK, Rule.EXP}) {
                        boolean counted = rule == Rule.TOPK || rule == Rule.BATCH_TOPK;
                        s.op(new Op.Select(pre, rule, counted ? 2 : 0, null, 0, mask, s.sparseOutput("out" + rule, 3, 7)));
                    }
                }),
                scenario("GatedSelect", s -> {
                    for (int[] shape : SHAPES) {
                        int n = shape[1];
                        s.op(new Op.GatedSelect(s.input("pre" + n, shape[0], n), s.weight("bGate" + n, 1, n), s.weight("rMag" + n, 1, n),
                                s.weight("bMag" + n, 1, n), s.sparseOutput("out" + n, shape[0], n)));
                    }
                }));
    }

    private static Stream<Case> decoding() {
        return Stream.of(
                scenario("Decode", s -> {
                    for (int[] shape : new int[][] {{1, 1, 1}, {5, 17, 3}, {7, 65, 33}, {9, 301, 65}}) {
                        int n = shape[1];
                        Buffer sparse = s.sparseInput("s" + n, shape[0], n, 0.3);
                        Buffer w = s.weight("w" + n, n, shape[2]);
                        s.op(new Op.Decode(sparse, w, null, s.output("plain" + n, shape[0], shape[2])));
                        s.op(new Op.Decode(sparse, w, s.weight("bias" + n, 1, shape[2]), s.output("biased" + n, shape[0], shape[2])));
                        s.reduction(n);
                    }
                }),
                scenario("Decode of full rows, and of none", s -> {
                    Buffer w = s.weight("w", 65, 7);
                    s.op(new Op.Decode(s.sparseInput("full", 3, 65, 1), w, null, s.output("outFull", 3, 7)));
                    s.op(new Op.Decode(s.sparseInput("none", 3, 65, 0), w, s.weight("bias", 1, 7), s.output("outNone", 3, 7)));
                    s.reduction(65);
                }));
    }

    private static Stream<Case> gradients() {
        Stream<Case> features = Stream.of(false, true).flatMap(exponential -> Stream.of(0, 1, 2).map(penalty ->
                scenario("FeatureGradient" + (exponential ? " of EXP" : "")
                        + List.of(" without penalty", " with penalty", " with penalty by decoder norm").get(penalty), s -> {
                    for (int[] shape : new int[][] {{1, 1, 1}, {5, 17, 3}, {7, 65, 33}, {9, 301, 65}}) {
                        int n = shape[1];
                        Buffer w = s.input("w" + n, n, shape[2]);
                        s.fillRow(w, n / 2, 0);
                        s.op(new Op.FeatureGradient(s.sparseInput("s" + n, shape[0], n, 0.3), s.input("g" + n, shape[0], shape[2]), w,
                                penalty == 0 ? null : s.input("hyper" + n, 1, 7), penalty == 0 ? 0 : 5, penalty == 2, exponential,
                                s.sparseOutput("out" + n, shape[0], n))).reduction(shape[2]);
                    }
                })));
        Stream<Case> others = Stream.of(
                scenario("SparseOuter", s -> {
                    for (int[] shape : new int[][] {{1, 1, 1}, {5, 17, 3}, {33, 65, 7}, {70, 9, 65}}) {
                        Buffer sparse = s.sparseInput("s" + shape[0], shape[0], shape[1], 0.3);
                        s.op(new Op.SparseOuter(sparse, s.input("y" + shape[0], shape[0], shape[2]), false,
                                s.output("out" + shape[0], shape[1], shape[2]))).reduction(shape[0]);
                    }
                }),
                scenario("SparseOuter, accumulating", s -> {
                    Buffer sum = s.parameter("sum", 65, 7);
                    s.op(new Op.SparseOuter(s.sparseInput("s", 33, 65, 0.1), s.input("y", 33, 7), true, sum));
                    s.op(new Op.SparseOuter(s.sparseInput("t", 9, 65, 0.5), s.input("z", 9, 7), true, sum)).reduction(42);
                }),
                scenario("DecoderNormGradient", s -> {
                    Buffer hyper = s.input("hyper", 1, 6);
                    for (int[] shape : new int[][] {{1, 1, 1}, {5, 17, 3}, {33, 65, 7}}) {
                        Buffer w = s.input("w" + shape[1], shape[1], shape[2]);
                        s.fillRow(w, shape[1] / 2, shape[1] == 1 ? 2 : 0);
                        s.op(new Op.DecoderNormGradient(s.sparseInput("s" + shape[1], shape[0], shape[1], 0.3), w, hyper, 5,
                                s.parameter("gradient" + shape[1], shape[1], shape[2]))).reduction(shape[0] + shape[2]);
                    }
                }));
        return Stream.concat(features, others);
    }

    private static Stream<Case> sums() {
        return Stream.of(
                scenario("SparseColumnSum", s -> {
                    for (int[] shape : SHAPES) {
                        Buffer sparse = s.sparseInput("s" + shape[1], shape[0], shape[1], 0.5);
                        s.op(new Op.SparseColumnSum(sparse, false, s.output("out" + shape[1], 1, shape[1])));
                        s.op(new Op.SparseColumnSum(sparse, true, s.parameter("sum" + shape[1], 1, shape[1]))).reduction(shape[0]);
                    }
                }),
                scenario("ScaleColumns", s -> {
                    for (int[] shape : SHAPES) {
                        s.op(new Op.ScaleColumns(s.sparseInput("s" + shape[1], shape[0], shape[1], 0.5),
                                s.input("row" + shape[1], 1, shape[1]), s.sparseOutput("out" + shape[1], shape[0], shape[1])));
                    }
                    s.op(new Op.ScaleColumns(s.sparseInput("none", 3, 5, 0), s.input("rowNone", 1, 5), s.sparseOutput("outNone", 3, 5)));
                }),
                scenario("SparsitySums", s -> {
                    for (int[] shape : SHAPES) {
                        s.op(new Op.SparsitySums(s.sparseInput("s" + shape[1], shape[0], shape[1], 0.5),
                                s.weight("w" + shape[1], shape[1], 9), s.output("out" + shape[1], 1, 3)));
                    }
                    s.op(new Op.SparsitySums(s.sparseInput("none", 3, 5, 0), s.weight("wNone", 5, 9), s.output("outNone", 1, 3)));
                }),
                scenario("TrackFiring", s -> {
                    Buffer since = s.zeroParameter("since", 1, 65);
                    Buffer sparse = s.sparseInput("s", 5, 65, 0.05);
                    s.op(new Op.TrackFiring(sparse, since));
                    s.op(new Op.TrackFiring(s.sparseInput("none", 7, 33, 0), s.zeroParameter("sinceNone", 1, 33)));
                    s.runs(4, (run, scenario) -> scenario.set(sparse, scenario.sparseRows(5, 65, 0.05)));
                }),
                scenario("Sparse inputs change from run to run", s -> {
                    Buffer sparse = s.sparseInput("s", 9, 33, 0.2);
                    Buffer w = s.weight("w", 33, 5);
                    s.op(new Op.Decode(sparse, w, null, s.output("out", 9, 5)));
                    s.op(new Op.FeatureGradient(sparse, s.input("g", 9, 5), w, null, 0, false, false, s.sparseOutput("gradient", 9, 33)));
                    s.op(new Op.SparseColumnSum(sparse, false, s.output("sum", 1, 33)));
                    double[] densities = {0.1, 1, 0, 0.4};
                    s.runs(4, (run, scenario) -> scenario.set(sparse, scenario.sparseRows(9, 33, densities[run]))).reduction(33);
                }),
                scenario("A parameter that the host changes from run to run", s -> {
                    Buffer theta = s.parameter("theta", 1, 33);
                    s.op(new Op.Select(s.input("pre", 5, 33), Rule.JUMP_RELU, 0, theta, 0, null, s.sparseOutput("out", 5, 33)));
                    s.runs(3, (run, scenario) -> scenario.set(theta, scenario.normal(33)));
                }),
                scenario("Sparse inputs are empty at first", s -> {
                    Buffer sparse = s.sparseInput("s", 3, 5, 1);
                    s.unset(sparse);
                    s.op(new Op.Decode(sparse, s.weight("w", 5, 7), s.weight("bias", 1, 7), s.output("out", 3, 7)));
                }));
    }
}
