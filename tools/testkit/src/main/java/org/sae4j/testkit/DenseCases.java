package org.sae4j.testkit;

import static org.sae4j.testkit.EngineConformance.scenario;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Op.Function;
import org.sae4j.api.engine.Op.Heads;
import org.sae4j.api.engine.Op.Reduction;
import org.sae4j.testkit.EngineConformance.Case;

/** The operations between dense matrices. */
final class DenseCases {
    private static final int[][] SHAPES = {{1, 1}, {3, 5}, {7, 65}, {33, 17}, {2, 301}};

    private DenseCases() {}

    static Stream<Case> all() {
        return Stream.of(elementwise(), products(), rows(), attention(), losses(), updates()).flatMap(cases -> cases);
    }

    private static Stream<Case> elementwise() {
        return Stream.of(
                scenario("Gather", s -> {
                    gather(s, "a", 1, 1, 1);
                    gather(s, "b", 7, 5, 3);
                    gather(s, "c", 33, 17, 65);
                }),
                scenario("Add", s -> {
                    for (int[] shape : SHAPES) {
                        String id = shape[0] + "x" + shape[1];
                        Buffer a = s.input("a" + id, shape[0], shape[1]);
                        Buffer b = s.input("b" + id, shape[0], shape[1]);
                        s.op(new Op.Add(a, b, -0.5f, s.output("out" + id, shape[0], shape[1])));
                    }
                }),
                scenario("Add a row to all rows", s -> {
                    Buffer row = s.weight("row", 1, 65);
                    s.op(new Op.Add(s.input("a", 7, 65), row, -1, s.output("out", 7, 65)));
                    s.op(new Op.Add(s.input("one", 1, 65), row, 3, s.output("oneOut", 1, 65)));
                }),
                scenario("Multiply", s -> {
                    for (int[] shape : SHAPES) {
                        String id = shape[0] + "x" + shape[1];
                        Buffer a = s.input("a" + id, shape[0], shape[1]);
                        s.op(new Op.Multiply(a, s.input("b" + id, shape[0], shape[1]), s.output("out" + id, shape[0], shape[1])));
                        s.op(new Op.Multiply(a, s.weight("row" + id, 1, shape[1]), s.output("rows" + id, shape[0], shape[1])));
                    }
                    Buffer x = s.parameter("x", 7, 65);
                    s.op(new Op.Multiply(x, x, x));
                    s.op(new Op.Multiply(x, s.input("row", 1, 65), x));
                    s.op(new Op.Multiply(s.input("groups", 7, 65), s.weight("part of a row", 1, 13), s.output("by groups", 7, 65)));
                }),
                scenario("Scale", s -> {
                    for (int[] shape : SHAPES) {
                        String id = shape[0] + "x" + shape[1];
                        s.op(new Op.Scale(s.input("x" + id, shape[0], shape[1]), -2.5f, s.output("out" + id, shape[0], shape[1])));
                    }
                    Buffer x = s.parameter("x", 7, 65);
                    s.op(new Op.Scale(x, 0.3f, x));
                }),
                scenario("Add in place", s -> {
                    Buffer a = s.parameter("a", 7, 65);
                    s.op(new Op.Add(a, s.input("b", 7, 65), 0.25f, a));
                    s.op(new Op.Add(a, s.input("row", 1, 65), 1, a));
                }),
                scenario("One buffer in two places", s -> {
                    Buffer x = s.input("x", 17, 5);
                    s.op(new Op.MatMul(x, true, x, false, null, Function.IDENTITY, s.output("square", 5, 5)));
                    s.op(new Op.Add(x, x, 1, s.output("twice", 17, 5)));
                    s.op(new Op.SquaredError(x, x, Reduction.SUM, 1, s.output("gradient", 17, 5), s.output("loss", 1, 1)));
                    s.op(new Op.Attention(x, x, x, 1, Heads.of(1, 5), s.output("attention", 17, 5))).reduction(22);
                    Buffer sum = s.parameter("sum", 3, 5);
                    s.op(new Op.Add(sum, sum, 0.5f, sum));
                }),
                scenario("Map", s -> {
                    for (Function function : Function.values()) {
                        Buffer x = s.input("x" + function, 7, 65);
                        s.adjust(x, value -> 3 * value);
                        s.op(new Op.Map(x, function, s.output("out" + function, 7, 65)));
                    }
                }),
                scenario("Map at special values", s -> {
                    for (Function function : Function.values()) {
                        Buffer x = s.input("x" + function, 1, 9);
                        s.set(x, new float[] {Float.NaN, 0, 1e-30f, -1e-30f, 30, -30, 1, -0.5f, 2.7f});
                        s.op(new Op.Map(x, function, s.output("out" + function, 1, 9)));
                    }
                }),
                scenario("Map in place", s -> {
                    Buffer x = s.parameter("x", 33, 17);
                    s.op(new Op.Map(x, Function.GELU, x));
                    Buffer y = s.parameter("y", 3, 5);
                    s.op(new Op.Map(y, Function.RELU, y));
                }),
                scenario("Exp", s -> {
                    Buffer x = s.input("x", 1, 6);
                    s.set(x, new float[] {0, Float.NaN, -200, 80, -1e-7f, Float.NEGATIVE_INFINITY});
                    s.op(new Op.Exp(x, s.output("out", 1, 6)));
                    s.op(new Op.Exp(s.input("y", 33, 17), s.output("outY", 33, 17)));
                    Buffer z = s.parameter("z", 1, 65);
                    s.op(new Op.Exp(z, z));
                }),
                scenario("Exceeds", s -> {
                    Buffer x = s.input("x", 1, 5);
                    s.set(x, new float[] {1, 1.0000001f, 0.9f, Float.NaN, -5});
                    s.op(new Op.Exceeds(x, 1, s.output("out", 1, 5)));
                    s.op(new Op.Exceeds(s.input("y", 33, 17), -0.3f, s.output("outY", 33, 17)));
                }),
                scenario("Patch", s -> {
                    patch(s, "set", 17, 5, false, 3, -1, 16, 0);
                    patch(s, "add", 17, 65, true, 2, 9, -1, -1, 1);
                    patch(s, "none", 3, 7, false, -1, -1);
                }));
    }

    private static void gather(Scenario s, String id, int rows, int tableRows, int cols) {
        Buffer indices = s.indices("indices" + id, s.integers(rows, tableRows));
        s.op(new Op.Gather(indices, s.weight("table" + id, tableRows, cols), s.output("out" + id, rows, cols)));
    }

    private static void patch(Scenario s, String id, int rows, int cols, boolean add, int... indices) {
        Buffer target = s.parameter("target" + id, rows, cols);
        s.op(new Op.Patch(target, s.indices("rows" + id, indices), s.input("values" + id, indices.length, cols), add));
    }

    private static Stream<Case> products() {
        int[][] shapes = {{1, 1, 1}, {3, 5, 7}, {65, 33, 70}, {64, 64, 16}, {2, 130, 129}};
        Stream<Case> orientations = Stream.of(false, true).flatMap(ta -> Stream.of(false, true).map(tb ->
                scenario("MatMul" + (ta ? ", a transposed" : "") + (tb ? ", b transposed" : ""), s -> {
                    for (int[] shape : shapes) {
                        matMul(s, shape[0], shape[1], shape[2], ta, tb, false, Function.IDENTITY);
                    }
                })));
        Stream<Case> functions = Stream.of(Function.values()).map(function -> scenario("MatMul with bias and " + function, s -> {
            matMul(s, 7, 9, 33, false, false, true, function);
            matMul(s, 67, 5, 66, false, true, true, function);
            matMul(s, 5, 70, 20, true, false, false, function);
        }));
        return Stream.concat(orientations, functions);
    }

    private static void matMul(Scenario s, int m, int k, int n, boolean ta, boolean tb, boolean bias, Function function) {
        String id = m + "x" + k + "x" + n;
        Buffer a = ta ? s.input("a" + id, k, m) : s.input("a" + id, m, k);
        Buffer b = tb ? s.weight("b" + id, n, k) : s.weight("b" + id, k, n);
        s.op(new Op.MatMul(a, ta, b, tb, bias ? s.weight("bias" + id, 1, n) : null, function, s.output("out" + id, m, n))).reduction(k);
    }

    private static Stream<Case> rows() {
        return Stream.of(
                scenario("LayerNorm", s -> {
                    for (int[] shape : SHAPES) {
                        layerNorm(s, shape[0], shape[1], 1e-5f, shape[0] % 2 == 1);
                    }
                }),
                scenario("LayerNorm of equal and of far values", s -> {
                    Buffer x = s.input("x", 3, 65);
                    s.fillRow(x, 0, 2.5);
                    s.op(new Op.LayerNorm(s.adjust(x, v -> v + 100), s.weight("w", 1, 65), s.weight("b", 1, 65), 1e-5f,
                            s.output("out", 3, 65), s.output("scale", 3, 1)));
                }),
                scenario("LayerNorm without weight and bias", s -> {
                    for (int[] shape : SHAPES) {
                        String id = shape[0] + "x" + shape[1];
                        Buffer x = s.input("x" + id, shape[0], shape[1]);
                        s.op(new Op.LayerNorm(x, null, null, 1e-5f, s.output("plain" + id, shape[0], shape[1]), null));
                        s.op(new Op.LayerNorm(x, s.weight("w" + id, 1, shape[1]), null, 1e-5f, s.output("out" + id, shape[0], shape[1]),
                                null));
                    }
                }),
                scenario("RmsNorm", s -> {
                    for (int[] shape : SHAPES) {
                        for (int groups : new int[] {1, 3}) {
                            String id = shape[0] + "x" + shape[1] + " in " + groups;
                            int cols = shape[1] * groups;
                            boolean weight = shape[0] % 2 == 1;
                            s.op(new Op.RmsNorm(s.input("x" + id, shape[0], cols), weight ? s.weight("w" + id, 1, shape[1]) : null, groups,
                                    1e-6f, s.output("out" + id, shape[0], cols), weight ? s.output("scale" + id, shape[0], groups) : null));
                        }
                    }
                }),
                scenario("RmsNorm of zeros and of far values", s -> {
                    Buffer x = s.input("x", 3, 65);
                    s.fillRow(x, 0, 0);
                    s.fillRow(x, 1, 1e4);
                    s.op(new Op.RmsNorm(x, s.weight("w", 1, 65), 1, 1e-5f, s.output("out", 3, 65), s.output("scale", 3, 1)));
                }),
                scenario("Rotary", s -> {
                    // Rows, heads, width of a head, frequencies.
                    for (int[] shape : new int[][] {{1, 1, 2, 1}, {7, 3, 10, 5}, {5, 2, 24, 4}, {33, 1, 67, 33}}) {
                        String id = Arrays.toString(shape);
                        Buffer x = s.parameter("x" + id, shape[0], shape[1] * shape[2]);
                        Buffer cos = s.input("cos" + id, shape[0], shape[3]);
                        Buffer sin = s.input("sin" + id, shape[0], shape[3]);
                        s.op(new Op.Rotary(x, cos, sin, shape[1], s.output("out" + id, shape[0], shape[1] * shape[2])));
                        s.op(new Op.Rotary(x, cos, sin, shape[1], x));
                    }
                }),
                scenario("Softmax", s -> {
                    for (int[] shape : SHAPES) {
                        Buffer x = s.input("x" + shape[1], shape[0], shape[1]);
                        s.op(new Op.Softmax(s.adjust(x, v -> 4 * v), s.output("out" + shape[1], shape[0], shape[1])));
                    }
                }),
                scenario("Softmax of large values and -infinity", s -> {
                    Buffer x = s.input("x", 2, 5);
                    float low = Float.NEGATIVE_INFINITY;
                    s.set(x, new float[] {1000, 999, low, 998, low, -1000, -1000, -1001, -1e30f, low});
                    s.op(new Op.Softmax(x, s.output("out", 2, 5)));
                }),
                scenario("ColumnSum", s -> {
                    for (int[] shape : new int[][] {{1, 1}, {5, 3}, {301, 65}, {1000, 2}}) {
                        s.op(new Op.ColumnSum(s.input("x" + shape[0], shape[0], shape[1]), s.output("out" + shape[0], 1, shape[1])));
                        s.reduction(shape[0]);
                    }
                }));
    }

    private static void layerNorm(Scenario s, int rows, int cols, float eps, boolean scale) {
        String id = rows + "x" + cols;
        s.op(new Op.LayerNorm(s.input("x" + id, rows, cols), s.weight("w" + id, 1, cols), s.weight("b" + id, 1, cols), eps,
                s.output("out" + id, rows, cols), scale ? s.output("scale" + id, rows, 1) : null));
    }

    private static Stream<Case> attention() {
        int[][] shapes = {{1, 1, 1, 1}, {2, 7, 3, 5}, {1, 33, 2, 16}, {3, 2, 1, 9}};
        return Stream.of(
                scenario("Attention", s -> {
                    for (int[] shape : shapes) {
                        Buffer[] b = heads(s, shape);
                        Buffer out = s.output("out" + b[0].name(), b[0].rows(), b[0].cols());
                        s.op(new Op.Attention(b[0], b[1], b[2], shape[0], Heads.of(shape[2], shape[3]), out));
                        s.reduction(shape[1] + shape[3]);
                    }
                }),
                scenario("Attention with groups, scale, cap and window", s -> {
                    for (Variant v : VARIANTS) {
                        Buffer[] b = variant(s, v, v.batch, v.length, "");
                        Buffer out = s.output("out" + v, b[0].rows(), b[0].cols());
                        s.op(new Op.Attention(b[0], b[1], b[2], v.batch, v.heads, out)).reduction(v.length + v.dHead);
                    }
                }),
                scenario("Attention after earlier positions", s -> {
                    // Batch, own positions, heads, width of a head, earlier positions.
                    int[][] continued = {{1, 1, 1, 1, 1}, {3, 1, 2, 5, 7}, {2, 3, 3, 4, 1}, {4, 9, 2, 16, 33}, {60, 1, 1, 8, 3},
                            {2, 51, 1, 3, 2}};
                    for (int[] shape : continued) {
                        for (int rows : IntStream.of(1, shape[0]).distinct().toArray()) {
                            Buffer[] b = heads(s, shape, "rows " + rows);
                            Buffer[] past = heads(s, new int[] {rows, shape[4], shape[2], shape[3]}, "past of " + b[0].name());
                            s.op(new Op.Attention(b[0], b[1], b[2], shape[4], past[1], past[2], null, shape[0],
                                    Heads.of(shape[2], shape[3]), s.output("out" + b[0].name(), b[0].rows(), b[0].cols())));
                            s.reduction(shape[1] + shape[3] + shape[4]);
                        }
                    }
                }),
                scenario("Attention with groups, scale, cap and window after some of the earlier positions", s -> {
                    for (Variant v : VARIANTS) {
                        for (int earlier : new int[] {0, 1, 13}) {
                            String id = v + " after " + earlier;
                            Buffer[] b = variant(s, v, v.batch, v.length, id);
                            Buffer[] past = variant(s, v, v.batch, 13, "past of " + id);
                            Buffer length = s.indices("length" + id, earlier);
                            s.op(new Op.Attention(b[0], b[1], b[2], 13, past[1], past[2], length, v.batch, v.heads,
                                    s.output("out" + id, b[0].rows(), b[0].cols()))).reduction(v.length + v.dHead + 13);
                        }
                    }
                }),
                scenario("Attention with large scores", s -> {
                    Buffer[] b = heads(s, new int[] {2, 5, 2, 4});
                    s.adjust(b[0], v -> 40 * v);
                    s.op(new Op.Attention(b[0], b[1], b[2], 2, Heads.of(2, 4), s.output("out", b[0].rows(), b[0].cols()))).loosen(20);
                }),
                scenario("AttentionScores, Softmax and AttentionMix", s -> {
                    for (int[] shape : shapes) {
                        pieces(s, heads(s, shape), shape[0], shape[1], Heads.of(shape[2], shape[3]), shape[3]);
                    }
                    for (Variant v : VARIANTS) {
                        pieces(s, variant(s, v, v.batch, v.length, ""), v.batch, v.length, v.heads, v.dHead);
                    }
                }));
    }

    /** An attention that is not the plain one. */
    record Variant(int batch, int length, int dHead, Heads heads) {}

    static final List<Variant> VARIANTS = List.of(new Variant(2, 7, 5, new Heads(4, 2, 0.3f, 0, 0)),
            new Variant(1, 9, 3, new Heads(3, 1, 1, 2.5f, 0)), new Variant(2, 11, 8, new Heads(2, 2, 0.5f, 0, 4)),
            new Variant(1, 53, 6, new Heads(6, 3, 0.4f, 3, 7)), new Variant(3, 1, 4, new Heads(2, 1, 0.5f, 0, 1)));

    static Buffer[] variant(Scenario s, Variant v, int batch, int length, String what) {
        String id = v + what;
        int rows = batch * length;
        int keys = v.heads.keyValues() * v.dHead;
        return new Buffer[] {s.input("q" + id, rows, v.heads.count() * v.dHead), s.input("k" + id, rows, keys),
            s.input("v" + id, rows, keys)};
    }

    private static void pieces(Scenario s, Buffer[] b, int batch, int length, Heads heads, int dHead) {
        String id = b[0].name();
        int patternRows = batch * heads.count() * length;
        Buffer scores = s.output("scores" + id, patternRows, length);
        Buffer pattern = s.output("pattern" + id, patternRows, length);
        s.op(new Op.AttentionScores(b[0], b[1], batch, heads, scores));
        s.op(new Op.Softmax(scores, pattern));
        s.op(new Op.AttentionMix(pattern, b[2], batch, heads, s.output("z" + id, b[0].rows(), b[0].cols())));
        s.reduction(length + dHead);
    }

    private static Buffer[] heads(Scenario s, int[] shape) {
        return heads(s, shape, "");
    }

    private static Buffer[] heads(Scenario s, int[] shape, String what) {
        String id = Arrays.toString(shape) + what;
        return Stream.of("q", "k", "v").map(n -> s.input(n + id, shape[0] * shape[1], shape[2] * shape[3])).toArray(Buffer[]::new);
    }

    private static Stream<Case> losses() {
        Stream<Case> squared = Stream.of(Reduction.values()).map(reduction -> scenario("SquaredError " + reduction, s -> {
            for (int[] shape : SHAPES) {
                String id = shape[0] + "x" + shape[1];
                s.op(new Op.SquaredError(s.input("xHat" + id, shape[0], shape[1]), s.input("x" + id, shape[0], shape[1]), reduction, 0.7f,
                        s.output("gradient" + id, shape[0], shape[1]), s.output("loss" + id, 1, 1)));
            }
        }));
        Case constant = scenario("SquaredError NORMALIZED of a constant batch", s -> {
            Buffer x = s.input("x", 3, 5);
            s.op(new Op.SquaredError(s.input("xHat", 3, 5), s.adjust(x, v -> 1), Reduction.NORMALIZED, 2,
                    s.output("gradient", 3, 5), s.output("loss", 1, 1)));
        });
        Stream<Case> ghost = Stream.of(Reduction.MEAN, Reduction.MEAN_OVER_NORM).map(reduction -> scenario("GhostError " + reduction, s -> {
            for (int[] shape : new int[][] {{3, 5}, {7, 65}, {33, 17}}) {
                String id = shape[0] + "x" + shape[1];
                Buffer g = s.input("ghost" + id, shape[0], shape[1]);
                s.fillRow(g, 1, 0);
                Buffer r = s.input("residual" + id, shape[0], shape[1]);
                s.fillRow(r, 2, 0);
                s.op(new Op.GhostError(g, r, s.input("x" + id, shape[0], shape[1]), reduction,
                        s.output("gradient" + id, shape[0], shape[1]), s.output("loss" + id, 1, 1))).loosen(4);
            }
        }));
        return Stream.of(squared, Stream.of(constant), ghost).flatMap(cases -> cases);
    }

    private static Stream<Case> updates() {
        return Stream.of(
                scenario("ProjectRows", s -> {
                    for (int[] shape : SHAPES) {
                        String id = shape[0] + "x" + shape[1];
                        Buffer w = s.input("w" + id, shape[0], shape[1]);
                        s.fillRow(w, shape[0] - 1, shape[0] == 1 ? 1 : 0);
                        s.op(new Op.ProjectRows(s.parameter("g" + id, shape[0], shape[1]), w)).reduction(shape[1]);
                    }
                }),
                scenario("NormalizeRows", s -> {
                    for (int[] shape : SHAPES) {
                        Buffer w = s.parameter("w" + shape[0] + "x" + shape[1], shape[0], shape[1]);
                        s.adjust(w, v -> 10 * v);
                        s.fillRow(w, shape[0] / 2, 0);
                        s.op(new Op.NormalizeRows(w));
                    }
                }),
                scenario("ClipNorm", s -> {
                    List<Buffer> large = List.of(s.parameter("a", 33, 17), s.parameter("b", 1, 5), s.parameter("c", 7, 65));
                    s.op(new Op.ClipNorm(large, 1));
                    s.op(new Op.ClipNorm(List.of(s.parameter("small", 3, 5)), 1000));
                    s.op(new Op.ClipNorm(List.of(s.zeroParameter("zero", 3, 5)), 1)).reduction(100);
                }),
                scenario("ClipNorm of gradients as small as the 1e-6 beside their norm", s -> {
                    Buffer tiny = s.parameter("tiny", 3, 5);
                    s.adjust(tiny, v -> 1e-6f * v);
                    // Enlarged, or the tolerance would hide the difference.
                    Buffer enlarged = s.output("enlarged", 3, 5);
                    s.op(new Op.ClipNorm(List.of(tiny), 1e-6f)).op(new Op.Add(s.zeroParameter("zero", 3, 5), tiny, 1e6f, enlarged))
                            .reduction(100);
                }),
                scenario("Adam", s -> {
                    Buffer hyper = s.input("hyper", 1, 6);
                    for (int[] shape : SHAPES) {
                        String id = shape[0] + "x" + shape[1];
                        s.op(new Op.Adam(s.parameter("w" + id, shape[0], shape[1]), s.input("g" + id, shape[0], shape[1]),
                                s.zeroParameter("m" + id, shape[0], shape[1]), s.zeroParameter("v" + id, shape[0], shape[1]), hyper));
                    }
                    s.runs(4, (run, scenario) -> scenario.set(hyper, new float[] {1e-2f, 0.9f, 0.999f, 1e-8f, run + 1, 7}));
                }));
    }
}
