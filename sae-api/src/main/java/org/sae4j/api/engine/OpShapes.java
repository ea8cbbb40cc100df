package org.sae4j.api.engine;

import static org.sae4j.api.engine.Buffer.Type.F32;
import static org.sae4j.api.engine.Buffer.Type.I32;
import static org.sae4j.api.engine.Buffer.Type.SPARSE;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Checks that buffers fit the operation they are used in. */
final class OpShapes {
    private final String program;
    private final Map<String, Buffer> buffers;
    private final Op op;

    private OpShapes(String program, Map<String, Buffer> buffers, Op op) {
        this.program = program;
        this.buffers = buffers;
        this.op = op;
    }

    static void check(String program, Map<String, Buffer> buffers, Op op) {
        new OpShapes(program, buffers, op).check();
    }

    private void check() {
        switch (op) {
            case Op.Gather o -> {
                in(o.indices(), I32, 1, o.out().cols() == o.table().cols() ? o.out().rows() : -1);
                in(o.table(), F32, o.table().rows(), o.out().cols());
                out(o.out(), F32, o.out().rows(), o.out().cols());
                distinct(o.out(), o.table());
            }
            case Op.Add o -> {
                in(o.a(), F32, o.out().rows(), o.out().cols());
                in(o.b(), F32, o.b().rows() == 1 ? 1 : o.out().rows(), o.out().cols());
                out(o.out(), F32, o.a().rows(), o.a().cols());
            }
            case Op.Multiply o -> {
                in(o.a(), F32, o.out().rows(), o.out().cols());
                boolean repeated = o.b().rows() == 1 && o.b().cols() > 0 && o.out().cols() % o.b().cols() == 0;
                in(o.b(), F32, o.b().rows() == 1 ? 1 : o.out().rows(), repeated ? o.b().cols() : o.out().cols());
                out(o.out(), F32, o.a().rows(), o.a().cols());
            }
            case Op.Scale o -> sameShape(o.x(), o.out());
            case Op.LayerNorm o -> {
                sameShape(o.x(), o.out());
                optionalIn(o.weight(), 1, o.x().cols());
                optionalIn(o.bias(), 1, o.x().cols());
                optionalOut(o.scale(), o.x().rows(), 1);
                distinct(o.out(), o.x(), o.weight(), o.bias());
            }
            case Op.RmsNorm o -> {
                sameShape(o.x(), o.out());
                optionalIn(o.weight(), 1, groups(o.x(), o.groups()));
                optionalOut(o.scale(), o.x().rows(), o.groups());
                distinct(o.out(), o.x(), o.weight());
            }
            case Op.Rotary o -> {
                sameShape(o.x(), o.out());
                in(o.cos(), F32, o.x().rows(), o.cos().cols());
                in(o.sin(), F32, o.x().rows(), o.cos().cols());
                if (o.heads() < 1 || o.x().cols() % o.heads() != 0 || 2L * o.cos().cols() > o.x().cols() / o.heads()) {
                    throw error(o.x() + " does not divide into " + o.heads() + " heads of at least twice the " + o.cos().cols()
                            + " angles");
                }
                distinct(o.out(), o.cos(), o.sin());
            }
            case Op.MatMul o -> {
                int m = o.transposeA() ? o.a().cols() : o.a().rows();
                int k = o.transposeA() ? o.a().rows() : o.a().cols();
                int n = o.transposeB() ? o.b().rows() : o.b().cols();
                in(o.a(), F32, o.a().rows(), o.a().cols());
                in(o.b(), F32, o.transposeB() ? n : k, o.transposeB() ? k : n);
                optionalIn(o.bias(), 1, n);
                out(o.out(), F32, m, n);
                distinct(o.out(), o.a(), o.b());
            }
            case Op.Map o -> sameShape(o.x(), o.out());
            case Op.Attention o -> {
                int keyCols = heads(o.q(), o.batch(), o.heads());
                in(o.k(), F32, o.q().rows(), keyCols);
                in(o.v(), F32, o.q().rows(), keyCols);
                past(o.past(), o.pastK(), o.pastV(), o.pastLength(), o.batch(), keyCols);
                out(o.out(), F32, o.q().rows(), o.q().cols());
                distinct(o.out(), o.q(), o.k(), o.v(), o.pastK(), o.pastV());
            }
            case Op.AttentionScores o -> {
                in(o.k(), F32, o.q().rows(), heads(o.q(), o.batch(), o.heads()));
                out(o.out(), F32, o.heads().count() * o.q().rows(), o.q().rows() / o.batch());
                distinct(o.out(), o.q(), o.k());
            }
            case Op.Softmax o -> {
                in(o.x(), F32, o.out().rows(), o.out().cols());
                out(o.out(), F32, o.x().rows(), o.x().cols());
                distinct(o.out(), o.x());
            }
            case Op.AttentionMix o -> {
                in(o.v(), F32, o.out().rows(), heads(o.out(), o.batch(), o.heads()));
                in(o.pattern(), F32, o.heads().count() * o.v().rows(), o.v().rows() / o.batch());
                out(o.out(), F32, o.v().rows(), o.out().cols());
                distinct(o.out(), o.v(), o.pattern());
            }
            case Op.Patch o -> {
                out(o.target(), F32, o.target().rows(), o.target().cols());
                in(o.rows(), I32, 1, o.values().rows());
                in(o.values(), F32, o.values().rows(), o.target().cols());
            }
            case Op.Select o -> {
                in(o.pre(), F32, o.out().rows(), o.out().cols());
                boolean counted = o.rule() == Op.Rule.TOPK || o.rule() == Op.Rule.BATCH_TOPK;
                if (counted ? o.k() < 1 || o.k() > o.pre().cols() : o.k() != 0) {
                    throw error("k is from 1 to the number of columns for top-k rules and 0 otherwise, found " + o.k());
                }
                boolean thresholded = o.rule() == Op.Rule.JUMP_RELU || o.rule() == Op.Rule.WINDOW;
                if (thresholded != (o.threshold() != null)) {
                    throw error("a threshold belongs to JUMP_RELU and WINDOW, and only to them");
                }
                optionalIn(o.threshold(), 1, o.pre().cols());
                optionalIn(o.mask(), 1, o.pre().cols());
                out(o.out(), SPARSE, o.pre().rows(), o.pre().cols());
            }
            case Op.GatedSelect o -> {
                in(o.pre(), F32, o.out().rows(), o.out().cols());
                in(o.bGate(), F32, 1, o.pre().cols());
                in(o.rMag(), F32, 1, o.pre().cols());
                in(o.bMag(), F32, 1, o.pre().cols());
                out(o.out(), SPARSE, o.pre().rows(), o.pre().cols());
            }
            case Op.Decode o -> {
                in(o.s(), SPARSE, o.out().rows(), o.w().rows());
                in(o.w(), F32, o.s().cols(), o.out().cols());
                optionalIn(o.bias(), 1, o.w().cols());
                out(o.out(), F32, o.s().rows(), o.w().cols());
            }
            case Op.SquaredError o -> {
                in(o.xHat(), F32, o.x().rows(), o.x().cols());
                in(o.x(), F32, o.xHat().rows(), o.xHat().cols());
                out(o.gradient(), F32, o.x().rows(), o.x().cols());
                out(o.loss(), F32, 1, 1);
                distinct(o.gradient(), o.xHat(), o.x());
            }
            case Op.GhostError o -> {
                in(o.ghost(), F32, o.x().rows(), o.x().cols());
                in(o.residual(), F32, o.x().rows(), o.x().cols());
                in(o.x(), F32, o.x().rows(), o.x().cols());
                if (o.reduction() != Op.Reduction.MEAN && o.reduction() != Op.Reduction.MEAN_OVER_NORM) {
                    throw error("ghost errors reduce by MEAN or MEAN_OVER_NORM, found " + o.reduction());
                }
                out(o.gradient(), F32, o.x().rows(), o.x().cols());
                out(o.loss(), F32, 1, 1);
                distinct(o.gradient(), o.ghost(), o.residual(), o.x());
            }
            case Op.FeatureGradient o -> {
                in(o.s(), SPARSE, o.g().rows(), o.w().rows());
                in(o.g(), F32, o.s().rows(), o.w().cols());
                in(o.w(), F32, o.s().cols(), o.g().cols());
                hyper(o.hyper(), o.slot());
                out(o.out(), SPARSE, o.s().rows(), o.s().cols());
                distinct(o.out(), o.s());
            }
            case Op.SparseOuter o -> {
                in(o.s(), SPARSE, o.y().rows(), o.out().rows());
                in(o.y(), F32, o.s().rows(), o.out().cols());
                out(o.out(), F32, o.s().cols(), o.y().cols());
                distinct(o.out(), o.y());
            }
            case Op.SparseColumnSum o -> {
                in(o.s(), SPARSE, o.s().rows(), o.s().cols());
                out(o.out(), F32, 1, o.s().cols());
            }
            case Op.ScaleColumns o -> {
                in(o.s(), SPARSE, o.out().rows(), o.out().cols());
                in(o.row(), F32, 1, o.s().cols());
                out(o.out(), SPARSE, o.s().rows(), o.s().cols());
                distinct(o.out(), o.s());
            }
            case Op.ColumnSum o -> {
                in(o.x(), F32, o.x().rows(), o.x().cols());
                out(o.out(), F32, 1, o.x().cols());
                distinct(o.out(), o.x());
            }
            case Op.SparsitySums o -> {
                in(o.s(), SPARSE, o.s().rows(), o.w().rows());
                in(o.w(), F32, o.s().cols(), o.w().cols());
                out(o.out(), F32, 1, 3);
            }
            case Op.DecoderNormGradient o -> {
                in(o.s(), SPARSE, o.s().rows(), o.w().rows());
                in(o.w(), F32, o.s().cols(), o.w().cols());
                hyper(o.hyper(), o.slot());
                out(o.gradient(), F32, o.w().rows(), o.w().cols());
            }
            case Op.TrackFiring o -> {
                in(o.s(), SPARSE, o.s().rows(), o.since().cols());
                out(o.since(), F32, 1, o.s().cols());
            }
            case Op.Exp o -> {
                in(o.x(), F32, o.out().rows(), o.out().cols());
                out(o.out(), F32, o.x().rows(), o.x().cols());
            }
            case Op.Exceeds o -> {
                in(o.x(), F32, o.out().rows(), o.out().cols());
                out(o.out(), F32, o.x().rows(), o.x().cols());
                distinct(o.out(), o.x());
            }
            case Op.ProjectRows o -> {
                out(o.gradient(), F32, o.w().rows(), o.w().cols());
                in(o.w(), F32, o.gradient().rows(), o.gradient().cols());
            }
            case Op.NormalizeRows o -> out(o.w(), F32, o.w().rows(), o.w().cols());
            case Op.ClipNorm o -> o.gradients().forEach(g -> out(g, F32, g.rows(), g.cols()));
            case Op.Extension o -> {
                o.reads().forEach(buffer -> in(buffer, buffer.type(), buffer.rows(), buffer.cols()));
                o.writes().forEach(buffer -> out(buffer, buffer.type(), buffer.rows(), buffer.cols()));
            }
            case Op.Adam o -> {
                out(o.w(), F32, o.w().rows(), o.w().cols());
                in(o.gradient(), F32, o.w().rows(), o.w().cols());
                out(o.m(), F32, o.w().rows(), o.w().cols());
                out(o.v(), F32, o.w().rows(), o.w().cols());
                hyper(o.hyper(), 4);
            }
            case Op.LogSoftmax o -> {
                sameShape(o.x(), o.out());
                distinct(o.out(), o.x());
            }
            case Op.GatherGradient o -> {
                in(o.indices(), I32, 1, o.g().rows());
                in(o.g(), F32, o.g().rows(), o.out().cols());
                out(o.out(), F32, o.out().rows(), o.g().cols());
                distinct(o.out(), o.g());
            }
            case Op.PatchGradient o -> {
                in(o.rows(), I32, 1, o.out().rows());
                in(o.g(), F32, o.g().rows(), o.out().cols());
                out(o.out(), F32, o.out().rows(), o.g().cols());
                distinct(o.out(), o.g());
            }
            case Op.MapGradient o -> {
                sameShape(o.x(), o.out());
                sameShape(o.g(), o.out());
                distinct(o.out(), o.x());
            }
            case Op.LayerNormGradient o -> {
                sameShape(o.x(), o.out());
                sameShape(o.g(), o.out());
                optionalIn(o.weight(), 1, o.x().cols());
                optionalOut(o.weightGradient(), 1, o.x().cols());
                outputs(Stream.of(o.out(), o.weightGradient()), o.x(), o.g(), o.weight());
            }
            case Op.RmsNormGradient o -> {
                sameShape(o.x(), o.out());
                sameShape(o.g(), o.out());
                int width = groups(o.x(), o.groups());
                optionalIn(o.weight(), 1, width);
                optionalOut(o.weightGradient(), 1, width);
                outputs(Stream.of(o.out(), o.weightGradient()), o.x(), o.g(), o.weight());
            }
            case Op.SoftmaxGradient o -> {
                sameShape(o.y(), o.out());
                sameShape(o.g(), o.out());
                distinct(o.out(), o.y());
            }
            case Op.LogSoftmaxGradient o -> {
                sameShape(o.y(), o.out());
                sameShape(o.g(), o.out());
                distinct(o.out(), o.y());
            }
            case Op.AttentionGradient o -> {
                int keyCols = heads(o.q(), o.batch(), o.heads());
                in(o.k(), F32, o.q().rows(), keyCols);
                in(o.v(), F32, o.q().rows(), keyCols);
                past(o.past(), o.pastK(), o.pastV(), o.pastLength(), o.batch(), keyCols);
                in(o.g(), F32, o.q().rows(), o.q().cols());
                optionalOut(o.queryGradient(), o.q().rows(), o.q().cols());
                optionalOut(o.keyGradient(), o.q().rows(), keyCols);
                optionalOut(o.valueGradient(), o.q().rows(), keyCols);
                if (o.queryGradient() == null && o.keyGradient() == null && o.valueGradient() == null) {
                    throw error("no gradient is wanted");
                }
                outputs(Stream.of(o.queryGradient(), o.keyGradient(), o.valueGradient()), o.q(), o.k(), o.v(), o.g(), o.pastK(), o.pastV());
            }
            case Op.AttentionScoresGradient o -> {
                pattern(o.out(), o.batch(), o.heads());
                sameShape(o.g(), o.out());
                if (o.scores() != null) {
                    sameShape(o.scores(), o.out());
                    distinct(o.out(), o.scores());
                } else if (o.heads().cap() > 0) {
                    throw error("scores with a cap need the scores themselves");
                }
            }
            case Op.AttentionMixGradient o -> {
                in(o.v(), F32, o.g().rows(), heads(o.g(), o.batch(), o.heads()));
                out(o.out(), F32, o.heads().count() * o.g().rows(), o.g().rows() / o.batch());
                distinct(o.out(), o.g(), o.v());
            }
            case Op.AttentionMixTransposed o -> {
                int keyCols = heads(o.x(), o.batch(), o.heads());
                in(o.pattern(), F32, o.heads().count() * o.x().rows(), o.x().rows() / o.batch());
                out(o.out(), F32, o.x().rows(), keyCols);
                distinct(o.out(), o.x(), o.pattern());
            }
        }
    }

    private void sameShape(Buffer x, Buffer out) {
        in(x, F32, out.rows(), out.cols());
        out(out, F32, x.rows(), x.cols());
    }

    /** Checks queries, and returns the columns of keys and values. */
    private int heads(Buffer q, int batch, Op.Heads heads) {
        in(q, F32, q.rows(), q.cols());
        if (batch < 1 || q.rows() % batch != 0 || q.cols() % heads.count() != 0) {
            throw error(q + " does not divide into " + batch + " sequences and " + heads.count() + " heads");
        }
        return q.cols() / heads.count() * heads.keyValues();
    }

    /** Checks that the rows of a pattern fall into sequences, heads and queries. */
    private void pattern(Buffer pattern, int batch, Op.Heads heads) {
        if (batch < 1 || pattern.rows() != (long) batch * heads.count() * pattern.cols()) {
            throw error(pattern + " does not divide into " + batch + " sequences and " + heads.count()
                    + " heads of as many queries as keys");
        }
    }

    /** Checks the groups of a row, and returns their width. */
    private int groups(Buffer x, int groups) {
        if (groups < 1 || x.cols() % groups != 0) {
            throw error(x + " does not divide into " + groups + " groups");
        }
        return x.cols() / groups;
    }

    private void past(int past, @Nullable Buffer keys, @Nullable Buffer values, @Nullable Buffer length, int batch, int cols) {
        if (past < 0 || past > 0 != (keys != null) || (keys == null) != (values == null) || keys == null && length != null) {
            throw error("keys and values of earlier positions belong to a positive number of them, found " + past + " positions, keys "
                    + keys + ", values " + values + ", length " + length);
        }
        if (keys != null && values != null) {
            in(keys, F32, keys.rows() == past ? past : Math.multiplyExact(batch, past), cols);
            in(values, F32, keys.rows(), cols);
        }
        if (length != null) {
            in(length, I32, 1, 1);
        }
    }

    private void hyper(@Nullable Buffer hyper, int slot) {
        if (hyper != null) {
            in(hyper, F32, 1, hyper.cols());
            if (slot < 0 || slot >= hyper.cols()) {
                throw error(hyper + " has no column " + slot);
            }
        }
    }

    private void optionalIn(@Nullable Buffer buffer, int rows, int cols) {
        if (buffer != null) {
            in(buffer, F32, rows, cols);
        }
    }

    private void optionalOut(@Nullable Buffer buffer, int rows, int cols) {
        if (buffer != null) {
            out(buffer, F32, rows, cols);
        }
    }

    private void in(Buffer buffer, Buffer.Type type, int rows, int cols) {
        if (buffers.get(buffer.name()) != buffer) {
            throw error(buffer + " is not a buffer of this program");
        }
        if (buffer.type() != type || buffer.rows() != rows || buffer.cols() != cols) {
            throw error("expected " + type + "[" + rows + ", " + cols + "], found " + buffer);
        }
    }

    private void out(Buffer buffer, Buffer.Type type, int rows, int cols) {
        in(buffer, type, rows, cols);
        if (buffer.role() == Buffer.Role.WEIGHT || buffer.role() == Buffer.Role.INPUT) {
            throw error(buffer + " is written, but is a " + buffer.role());
        }
    }

    private void distinct(Buffer out, @Nullable Buffer... inputs) {
        for (@Nullable Buffer input : inputs) {
            if (input == out) {
                throw error(out + " is both read and written");
            }
        }
    }

    /** Checks that outputs, of which some may be null, are other buffers than the inputs and than each other. */
    private void outputs(Stream<@Nullable Buffer> outputs, @Nullable Buffer... inputs) {
        List<Buffer> before = new ArrayList<>();
        outputs.filter(Objects::nonNull).forEach(out -> {
            distinct(out, inputs);
            distinct(out, before.toArray(Buffer[]::new));
            before.add(out);
        });
    }

    private IllegalArgumentException error(String message) {
        return new IllegalArgumentException("program " + program + ", " + op.getClass().getSimpleName() + ": " + message);
    }
}
