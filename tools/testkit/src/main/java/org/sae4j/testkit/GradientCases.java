package org.sae4j.testkit;

import static org.sae4j.testkit.EngineConformance.scenario;

import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Op.Function;
import org.sae4j.api.engine.Op.Heads;
import org.sae4j.testkit.DenseCases.Variant;
import org.sae4j.testkit.EngineConformance.Case;

/** The gradients of dense operations. */
final class GradientCases {
    private static final int[][] SHAPES = {{1, 1}, {3, 5}, {7, 65}, {33, 17}, {2, 301}};

    private GradientCases() {}

    static Stream<Case> all() {
        return Stream.of(rows(), elementwise(), norms(), softmax(), attention()).flatMap(cases -> cases);
    }

    private static Stream<Case> rows() {
        return Stream.of(
                scenario("GatherGradient", s -> {
                    for (int[] shape : new int[][] {{1, 1, 1}, {7, 5, 3}, {33, 17, 65}, {301, 3, 1}}) {
                        String id = " " + shape[0];
                        Buffer indices = s.indices("indices" + id, s.integers(shape[0], shape[1]));
                        s.op(new Op.GatherGradient(indices, s.input("g" + id, shape[0], shape[2]), s.output("out" + id, shape[1],
                                shape[2])))
                                .reduction(shape[0]);
                    }
                }),
                scenario("PatchGradient", s -> {
                    s.op(new Op.PatchGradient(s.indices("rows", 3, -1, 16, 0, -1), s.input("g", 17, 5), s.output("out", 5, 5)));
                    s.op(new Op.PatchGradient(s.indices("none", -1), s.input("h", 1, 65), s.output("zeros", 1, 65)));
                }));
    }

    private static Stream<Case> elementwise() {
        return Stream.of(
                scenario("MapGradient", s -> {
                    for (Function function : Function.values()) {
                        Buffer x = s.input("x" + function, 7, 65);
                        s.adjust(x, value -> 3 * value);
                        s.op(new Op.MapGradient(x, function, s.input("g" + function, 7, 65), s.output("out" + function, 7, 65)));
                        Buffer g = s.parameter("in place" + function, 7, 65);
                        s.op(new Op.MapGradient(x, function, g, g));
                    }
                }),
                scenario("MapGradient at special values", s -> {
                    float[] special = {Float.NaN, 0, 1e-30f, -1e-30f, 30, -30, 1, -0.5f, 2.7f, 300, -300, 1e10f, -1e10f, 1e30f, -1e30f,
                            -0.75f, 14,
                        -14};
                    for (Function function : Function.values()) {
                        Buffer x = s.input("x" + function, 1, special.length);
                        s.set(x, special.clone());
                        s.op(new Op.MapGradient(x, function, s.input("g" + function, 1, special.length),
                                s.output("out" + function, 1, special.length)));
                    }
                }));
    }

    private static Stream<Case> norms() {
        return Stream.of(
                scenario("LayerNormGradient", s -> {
                    for (int[] shape : SHAPES) {
                        for (boolean constant : new boolean[] {false, true}) {
                            String id = shape[0] + "x" + shape[1] + constant;
                            boolean weight = shape[0] % 2 == 1;
                            s.op(new Op.LayerNormGradient(s.input("x" + id, shape[0], shape[1]), weight ? s.weight("w" + id, 1, shape[1])
                                    : null,
                                    1e-5f, s.input("g" + id, shape[0], shape[1]), constant, s.output("out" + id, shape[0], shape[1]),
                                    weight ? s.output("by weight" + id, 1, shape[1]) : null)).reduction(shape[0]);
                        }
                    }
                }),
                scenario("LayerNormGradient of far values", s -> {
                    Buffer x = s.adjust(s.input("x", 3, 65), v -> v + 100);
                    s.op(new Op.LayerNormGradient(x, s.weight("w", 1, 65), 1e-5f, s.input("g", 3, 65), false, s.output("out", 3, 65),
                            s.output("by weight", 1, 65))).loosen(100);
                }),
                scenario("RmsNormGradient", s -> {
                    for (int[] shape : SHAPES) {
                        for (int groups : new int[] {1, 3}) {
                            for (boolean constant : new boolean[] {false, true}) {
                                String id = shape[0] + "x" + shape[1] + " in " + groups + constant;
                                int cols = shape[1] * groups;
                                boolean weight = shape[0] % 2 == 1;
                                // Of one value, all that is left of the gradient is what eps leaves.
                                float eps = shape[1] == 1 ? 0.5f : 1e-6f;
                                s.op(new Op.RmsNormGradient(s.input("x" + id, shape[0], cols), weight ? s.weight("w" + id, 1, shape[1])
                                        : null,
                                        groups, eps, s.input("g" + id, shape[0], cols), constant, s.output("out" + id, shape[0], cols),
                                        weight ? s.output("by weight" + id, 1, shape[1]) : null)).reduction(3 * shape[0]);
                            }
                        }
                    }
                }));
    }

    private static Stream<Case> softmax() {
        return Stream.of(
                scenario("Softmax and its gradient", s -> {
                    for (int[] shape : SHAPES) {
                        Buffer y = s.output("y" + shape[1], shape[0], shape[1]);
                        s.op(new Op.Softmax(s.adjust(s.input("x" + shape[1], shape[0], shape[1]), v -> 4 * v), y));
                        s.op(new Op.SoftmaxGradient(y, s.input("g" + shape[1], shape[0], shape[1]), s.output("out" + shape[1], shape[0],
                                shape[1])));
                        Buffer g = s.parameter("in place" + shape[1], shape[0], shape[1]);
                        s.op(new Op.SoftmaxGradient(y, g, g));
                    }
                }),
                scenario("LogSoftmax and its gradient", s -> {
                    for (int[] shape : SHAPES) {
                        Buffer y = s.output("y" + shape[1], shape[0], shape[1]);
                        s.op(new Op.LogSoftmax(s.adjust(s.input("x" + shape[1], shape[0], shape[1]), v -> 4 * v), y));
                        s.op(new Op.LogSoftmaxGradient(y, s.input("g" + shape[1], shape[0], shape[1]),
                                s.output("out" + shape[1], shape[0], shape[1])));
                        Buffer g = s.parameter("in place" + shape[1], shape[0], shape[1]);
                        s.op(new Op.LogSoftmaxGradient(y, g, g));
                    }
                }),
                scenario("LogSoftmax of large values and -infinity", s -> {
                    Buffer x = s.input("x", 2, 5);
                    float low = Float.NEGATIVE_INFINITY;
                    s.set(x, new float[] {1000, 999, low, 998, low, -1000, -1000, -1001, -1e30f, low});
                    Buffer y = s.output("y", 2, 5);
                    s.op(new Op.LogSoftmax(x, y));
                    s.op(new Op.LogSoftmaxGradient(y, s.input("g", 2, 5), s.output("out", 2, 5)));
                }));
    }

    private static final Variant[] PLAIN = {new Variant(1, 1, 1, Heads.of(1, 1)), new Variant(2, 7, 5, Heads.of(3, 5)),
        new Variant(1, 101, 16, Heads.of(2, 16)), new Variant(3, 2, 9, Heads.of(1, 9))};

    private static Stream<Variant> variants() {
        return Stream.concat(Stream.of(PLAIN), DenseCases.VARIANTS.stream());
    }

    private static Stream<Case> attention() {
        return Stream.of(
                scenario("AttentionGradient", s -> variants().forEach(v -> gradient(s, v, 0, 0, v.batch(), 0b111))),
                scenario("AttentionGradient, only some of the gradients", s -> {
                    for (int wanted = 1; wanted < 7; wanted++) {
                        gradient(s, DenseCases.VARIANTS.get(wanted % 4), 0, 0, DenseCases.VARIANTS.get(wanted % 4).batch(), wanted);
                    }
                }),
                scenario("AttentionGradient after some of the earlier positions", s -> variants().forEach(v -> {
                    for (int earlier : new int[] {0, 1, 13}) {
                        gradient(s, v, 13, earlier, earlier == 1 ? 1 : v.batch(), 0b111);
                    }
                })),
                scenario("The gradient of attention in pieces", s -> variants().forEach(v -> pieces(s, v))),
                scenario("AttentionMixGradient and AttentionMixTransposed, keys that are not seen too", s -> variants().forEach(v -> {
                    Buffer[] b = DenseCases.variant(s, v, v.batch(), v.length(), "");
                    int rows = v.batch() * v.heads().count() * v.length();
                    s.op(new Op.AttentionMixGradient(b[0], b[2], v.batch(), v.heads(), s.output("pattern" + v, rows, v.length())));
                    s.op(new Op.AttentionMixTransposed(s.input("weights" + v, rows, v.length()), b[0], v.batch(), v.heads(),
                            s.output("values" + v, b[1].rows(), b[1].cols()))).reduction(v.length() * v.heads().count() + v.dHead());
                })));
    }

    private static void gradient(Scenario s, Variant v, int past, int earlier, int pastBatch, int wanted) {
        String id = " after " + earlier + " wanted " + wanted;
        Buffer[] b = DenseCases.variant(s, v, v.batch(), v.length(), id);
        Buffer[] before = past == 0 ? new Buffer[3] : DenseCases.variant(s, v, pastBatch, past, " past of" + id);
        Buffer g = s.input("g" + v + id, b[0].rows(), b[0].cols());
        @Nullable Buffer[] out = new @Nullable Buffer[3];
        for (int i = 0; i < 3; i++) {
            out[i] = (wanted >> i & 1) == 0 ? null : s.output("gradient " + i + v + id, b[i].rows(), b[i].cols());
        }
        s.op(new Op.AttentionGradient(b[0], b[1], b[2], past, before[1], before[2], past == 0 ? null : s.indices("length" + v + id,
                earlier),
                v.batch(), v.heads(), g, out[0], out[1], out[2])).reduction(3 * (v.length() + past) + v.dHead());
    }

    private static void pieces(Scenario s, Variant v) {
        Buffer[] b = DenseCases.variant(s, v, v.batch(), v.length(), "");
        int rows = v.batch() * v.heads().count() * v.length();
        Buffer scores = s.output("scores" + v, rows, v.length());
        Buffer pattern = s.output("pattern" + v, rows, v.length());
        Buffer g = s.input("g" + v, b[0].rows(), b[0].cols());
        Buffer byPattern = s.output("by pattern" + v, rows, v.length());
        Buffer byScores = s.output("by scores" + v, rows, v.length());
        Buffer byProducts = s.output("by products" + v, rows, v.length());
        s.op(new Op.AttentionScores(b[0], b[1], v.batch(), v.heads(), scores)).op(new Op.Softmax(scores, pattern));
        s.op(new Op.AttentionMixGradient(g, b[2], v.batch(), v.heads(), byPattern));
        s.op(new Op.SoftmaxGradient(pattern, byPattern, byScores));
        s.op(new Op.AttentionScoresGradient(v.heads().cap() > 0 ? scores : null, byScores, v.batch(), v.heads(), byProducts));
        s.op(new Op.AttentionMix(byProducts, b[1], v.batch(), v.heads(), s.output("by queries" + v, b[0].rows(), b[0].cols())));
        s.op(new Op.AttentionMixTransposed(byProducts, b[0], v.batch(), v.heads(), s.output("by keys" + v, b[1].rows(), b[1].cols())));
        Buffer any = s.parameter("any" + v, rows, v.length());
        s.op(new Op.AttentionScoresGradient(v.heads().cap() > 0 ? scores : null, any, v.batch(), v.heads(), any));
        s.reduction(3 * v.length() + v.dHead());
    }
}
