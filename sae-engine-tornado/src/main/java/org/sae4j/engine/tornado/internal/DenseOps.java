package org.sae4j.engine.tornado.internal;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.api.engine.Op.Reduction;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Turns the operations between dense matrices into tasks. */
final class DenseOps {
    private final Storage storage;
    private final TaskList tasks;
    private final FloatArray nothing;
    private final boolean cublas;
    private final Map<Buffer, FloatArray> adamScales = new HashMap<>();

    /** {@code nothing} stands for optional arrays that an operation lacks; {@code cublas} gives it the products. */
    DenseOps(Storage storage, TaskList tasks, FloatArray nothing, boolean cublas) {
        this.storage = storage;
        this.tasks = tasks;
        this.nothing = nothing;
        this.cublas = cublas;
    }

    /** Adds the tasks of an operation; returns false if it is not one of this class. */
    boolean add(Op op) {
        switch (op) {
            case Op.Gather o -> gather(o);
            case Op.Add o -> add(o);
            case Op.LayerNorm o -> layerNorm(o);
            case Op.MatMul o -> matMul(o);
            case Op.Map o -> map(o);
            case Op.Attention o -> attention(o);
            case Op.AttentionScores o -> attentionScores(o);
            case Op.Softmax o -> softmax(o);
            case Op.AttentionMix o -> attentionMix(o);
            case Op.Patch o -> patch(o);
            case Op.SquaredError o -> squaredError(o);
            case Op.GhostError o -> ghostError(o);
            case Op.ColumnSum o -> columnSum(storage.read(o.x()), storage.write(o.out()), o.x(), 1);
            case Op.Exceeds o -> exceeds(o);
            case Op.Exp o -> exp(o);
            case Op.Scale o -> scale(o);
            case Op.Multiply o -> multiply(o);
            case Op.ProjectRows o -> projectRows(o);
            case Op.NormalizeRows o -> normalizeRows(o);
            case Op.ClipNorm o -> clipNorm(o);
            case Op.Adam o -> adam(o);
            default -> {
                return false;
            }
        }
        return true;
    }

    private FloatArray optional(@Nullable Buffer buffer) {
        return buffer == null ? nothing : storage.read(buffer);
    }

    private static int flag(boolean value) {
        return value ? 1 : 0;
    }

    private static int size(Buffer buffer) {
        return Math.toIntExact(buffer.size());
    }

    private void gather(Op.Gather op) {
        IntArray indices = storage.readInts(op.indices());
        FloatArray table = storage.read(op.table());
        FloatArray out = storage.write(op.out());
        tasks.line(op.out().size(), (graph, id, c) ->
                graph.task(id, ElementKernels::saeGather, c, indices, table, out, op.out().cols(), size(op.out())));
    }

    private void add(Op.Add op) {
        FloatArray b = storage.read(op.b());
        int broadcast = flag(op.b().rows() == 1);
        int cols = op.out().cols();
        int size = size(op.out());
        if (op.out().equals(op.a())) {
            FloatArray a = storage.write(op.a());
            FloatArray addend = op.b().equals(op.a()) ? copy(b, size) : b;
            tasks.line(size, (graph, id, c) ->
                    graph.task(id, ElementKernels::saeAddInPlace, c, a, addend, op.scale(), cols, broadcast, size));
        } else {
            FloatArray a = storage.read(op.a());
            FloatArray out = storage.write(op.out());
            tasks.line(size, (graph, id, c) ->
                    graph.task(id, ElementKernels::saeAdd, c, a, b, op.scale(), out, cols, broadcast, size));
        }
    }

    /** An array that one task writes must not be another argument of the same task. */
    private FloatArray copy(FloatArray from, int size) {
        FloatArray copy = storage.scratch(size);
        tasks.line(size, (graph, id, c) ->
                graph.task(id, ElementKernels::saeMap, c, from, copy, Op.Function.IDENTITY.ordinal(), size));
        return copy;
    }

    private void layerNorm(Op.LayerNorm op) {
        FloatArray x = storage.read(op.x());
        FloatArray weight = storage.read(Objects.requireNonNull(op.weight()));
        FloatArray bias = storage.read(Objects.requireNonNull(op.bias()));
        FloatArray out = storage.write(op.out());
        FloatArray scale = op.scale() == null ? nothing : storage.write(op.scale());
        int cols = op.x().cols();
        int threads = tasks.threadsFor(cols);
        tasks.groups(op.x().rows(), threads, 8L * threads, (graph, id, c) -> graph.task(id, RowKernels::saeLayerNorm, c, x, weight, bias,
                out, scale, cols, op.eps(), flag(op.scale() != null), threads));
    }

    private void matMul(Op.MatMul op) {
        FloatArray a = storage.read(op.a());
        FloatArray b = storage.read(op.b());
        FloatArray bias = optional(op.bias());
        FloatArray out = storage.write(op.out());
        int m = op.out().rows();
        int n = op.out().cols();
        int k = op.transposeA() ? op.a().rows() : op.a().cols();
        // Sums of nothing have no leading dimension that cuBLAS would take.
        if (cublas && op.out().size() > 0 && k > 0) {
            tasks.library(() -> Cublas.product(a, b, out, m, n, k, op.transposeA(), op.transposeB()));
            if (op.bias() != null) {
                tasks.line(op.out().size(), (graph, id, c) ->
                        graph.task(id, ElementKernels::saeAddInPlace, c, out, bias, 1f, n, 1, size(op.out())));
            }
            if (op.function() != Op.Function.IDENTITY) {
                tasks.line(op.out().size(), (graph, id, c) ->
                        graph.task(id, ElementKernels::saeMapInPlace, c, out, op.function().ordinal(), size(op.out())));
            }
            return;
        }
        tasks.tiles(m, n, (graph, id, c) -> graph.task(id, MatMulKernels::saeMatMul, c, a, b, bias, out, m, n, k, flag(op.transposeA()),
                flag(op.transposeB()), flag(op.bias() != null), op.function().ordinal()));
    }

    private void map(Op.Map op) {
        int size = size(op.out());
        int function = op.function().ordinal();
        FloatArray x = storage.read(op.x());
        FloatArray out = storage.write(op.out());
        if (x == out) {
            tasks.line(size, (graph, id, c) -> graph.task(id, ElementKernels::saeMapInPlace, c, out, function, size));
        } else {
            tasks.line(size, (graph, id, c) -> graph.task(id, ElementKernels::saeMap, c, x, out, function, size));
        }
    }

    private void attention(Op.Attention op) {
        FloatArray q = storage.read(op.q());
        FloatArray k = storage.read(op.k());
        FloatArray v = storage.read(op.v());
        FloatArray pastK = op.pastK() == null ? k : storage.read(op.pastK());
        FloatArray pastV = op.pastV() == null ? v : storage.read(op.pastV());
        FloatArray out = storage.write(op.out());
        int heads = op.heads().count();
        int keys = op.past() + op.q().rows() / op.batch();
        int pastStride = op.pastK() == null || op.pastK().rows() == op.past() ? 0 : op.past() * op.q().cols();
        int dHead = op.q().cols() / heads;
        int threads = tasks.threadsFor(Math.max(keys, dHead));
        float scale = op.heads().scale();
        long groups = (long) op.q().rows() * heads;
        if (op.pastLength() == null) {
            tasks.groups(groups, threads, 8L * threads + 4L * keys, (graph, id, c) -> graph.task(id, RowKernels::saeAttention, c, q, k, v,
                    pastK, pastV, out, heads, keys, op.past(), pastStride, dHead, scale, threads));
        } else {
            IntArray earlier = storage.readInts(op.pastLength());
            tasks.groups(groups, threads, 8L * threads + 4L * keys, (graph, id, c) -> graph.task(id, RowKernels::saeAttentionAfter, c, q,
                    k, v, pastK, pastV, earlier, out, heads, keys, op.past(), pastStride, dHead, scale, threads));
        }
    }

    private void attentionScores(Op.AttentionScores op) {
        FloatArray q = storage.read(op.q());
        FloatArray k = storage.read(op.k());
        FloatArray out = storage.write(op.out());
        int heads = op.heads().count();
        tasks.line(op.out().size(), (graph, id, c) -> graph.task(id, ElementKernels::saeScores, c, q, k, out, heads, op.out().cols(),
                op.q().cols() / heads, op.heads().scale(), size(op.out())));
    }

    private void softmax(Op.Softmax op) {
        FloatArray x = storage.read(op.x());
        FloatArray out = storage.write(op.out());
        int threads = tasks.threadsFor(op.x().cols());
        tasks.groups(op.x().rows(), threads, 8L * threads, (graph, id, c) ->
                graph.task(id, RowKernels::saeSoftmax, c, x, out, op.x().cols(), threads));
    }

    private void attentionMix(Op.AttentionMix op) {
        FloatArray pattern = storage.read(op.pattern());
        FloatArray v = storage.read(op.v());
        FloatArray out = storage.write(op.out());
        tasks.line(op.out().size(), (graph, id, c) -> graph.task(id, ElementKernels::saeMix, c, pattern, v, out,
                op.heads().count(), op.pattern().cols(), op.v().cols() / op.heads().count(), size(op.out())));
    }

    private void patch(Op.Patch op) {
        IntArray rows = storage.readInts(op.rows());
        FloatArray values = storage.read(op.values());
        FloatArray target = storage.write(op.target());
        FloatArray source = op.values().equals(op.target()) ? copy(values, size(op.values())) : values;
        tasks.line(op.values().size(), (graph, id, c) -> graph.task(id, ElementKernels::saePatch, c, target, rows, source,
                op.target().cols(), flag(op.add()), size(op.values())));
    }

    private void squaredError(Op.SquaredError op) {
        FloatArray xHat = storage.read(op.xHat());
        FloatArray x = storage.read(op.x());
        FloatArray gradient = storage.write(op.gradient());
        FloatArray loss = storage.write(op.loss());
        int rows = op.x().rows();
        int cols = op.x().cols();
        if (op.x().size() == 0) {
            total(nothing, loss, 0);
            return;
        }
        FloatArray errors = storage.scratch(rows);
        FloatArray norms = storage.scratch(rows);
        int threads = tasks.threadsFor(cols);
        tasks.groups(rows, threads, 16L * threads, (graph, id, c) ->
                graph.task(id, LossKernels::saeErrorRows, c, xHat, x, errors, norms, cols, threads));
        FloatArray spreads = norms;
        if (op.reduction() == Reduction.NORMALIZED) {
            FloatArray means = storage.scratch(cols);
            FloatArray rowSpreads = storage.scratch(rows);
            columnSum(x, means, op.x(), rows);
            tasks.groups(rows, threads, 8L * threads, (graph, id, c) ->
                    graph.task(id, LossKernels::saeSpreadRows, c, x, means, rowSpreads, cols, threads));
            spreads = rowSpreads;
        }
        FloatArray spread = spreads;
        FloatArray factor = storage.scratch(1);
        int all = tasks.threadsFor(rows);
        tasks.groups(1, all, 16L * all, (graph, id, c) -> graph.task(id, LossKernels::saeErrorLoss, c, errors, norms, spread, loss, factor,
                rows, cols, op.reduction().ordinal(), op.coefficient(), all));
        tasks.line(op.x().size(), (graph, id, c) -> graph.task(id, LossKernels::saeErrorGradient, c, xHat, x, norms, factor, gradient, cols,
                flag(op.reduction() == Reduction.MEAN_OVER_NORM), size(op.x())));
    }

    private void ghostError(Op.GhostError op) {
        FloatArray ghost = storage.read(op.ghost());
        FloatArray residual = storage.read(op.residual());
        FloatArray x = storage.read(op.x());
        FloatArray gradient = storage.write(op.gradient());
        FloatArray loss = storage.write(op.loss());
        int rows = op.x().rows();
        FloatArray losses = storage.scratch(rows);
        int threads = tasks.threadsFor(op.x().cols());
        tasks.groups(rows, threads, 24L * threads, (graph, id, c) -> graph.task(id, LossKernels::saeGhostRows, c, ghost, residual, x,
                gradient, losses, op.x().cols(), flag(op.reduction() == Reduction.MEAN_OVER_NORM), (float) op.x().size(), threads));
        total(losses, loss, rows);
    }

    private void total(FloatArray parts, FloatArray out, int count) {
        int threads = tasks.threadsFor(count);
        tasks.groups(1, threads, 8L * threads, (graph, id, c) -> graph.task(id, LossKernels::saeTotal, c, parts, out, count, threads));
    }

    private void columnSum(FloatArray x, FloatArray out, Buffer shape, float divisor) {
        tasks.line(shape.cols(), (graph, id, c) ->
                graph.task(id, RowKernels::saeColumnSum, c, x, out, shape.rows(), shape.cols(), divisor));
    }

    private void exceeds(Op.Exceeds op) {
        FloatArray x = storage.read(op.x());
        FloatArray out = storage.write(op.out());
        tasks.line(op.out().size(), (graph, id, c) -> graph.task(id, ElementKernels::saeExceeds, c, x, op.limit(), out, size(op.out())));
    }

    private void exp(Op.Exp op) {
        FloatArray x = storage.read(op.x());
        FloatArray out = storage.write(op.out());
        tasks.line(op.out().size(), (graph, id, c) -> graph.task(id, ElementKernels::saeExp, c, x, out, size(op.out())));
    }

    private void scale(Op.Scale op) {
        FloatArray x = storage.read(op.x());
        FloatArray out = storage.write(op.out());
        tasks.line(op.out().size(), (graph, id, c) -> graph.task(id, ElementKernels::saeScale, c, x, op.factor(), out, size(op.out())));
    }

    /** Of matrices of the same shape: {@link Vocabulary} refuses others. */
    private void multiply(Op.Multiply op) {
        FloatArray a = storage.read(op.a());
        FloatArray b = storage.read(op.b());
        FloatArray out = storage.write(op.out());
        tasks.line(op.out().size(), (graph, id, c) -> graph.task(id, ElementKernels::saeMultiply, c, a, b, out, size(op.out())));
    }

    private void projectRows(Op.ProjectRows op) {
        FloatArray w = storage.read(op.w());
        FloatArray gradient = storage.write(op.gradient());
        int threads = tasks.threadsFor(op.w().cols());
        tasks.groups(op.w().rows(), threads, 16L * threads, (graph, id, c) ->
                graph.task(id, RowKernels::saeProjectRows, c, gradient, w, op.w().cols(), threads));
    }

    private void normalizeRows(Op.NormalizeRows op) {
        FloatArray w = storage.write(op.w());
        int threads = tasks.threadsFor(op.w().cols());
        tasks.groups(op.w().rows(), threads, 8L * threads, (graph, id, c) ->
                graph.task(id, RowKernels::saeNormalizeRows, c, w, op.w().cols(), threads));
    }

    /** The norm of each row of a matrix. */
    FloatArray rowNorms(Buffer buffer) {
        FloatArray x = storage.read(buffer);
        FloatArray norms = storage.scratch(buffer.rows());
        int threads = tasks.threadsFor(buffer.cols());
        tasks.groups(buffer.rows(), threads, 8L * threads, (graph, id, c) ->
                graph.task(id, RowKernels::saeRowNorms, c, x, norms, buffer.cols(), threads));
        return norms;
    }

    private void clipNorm(Op.ClipNorm op) {
        List<Buffer> gradients = op.gradients().stream().filter(gradient -> gradient.size() > 0).toList();
        FloatArray previous = nothing;
        for (Buffer gradient : gradients) {
            FloatArray norms = rowNorms(gradient);
            FloatArray before = previous;
            FloatArray total = storage.scratch(1);
            int threads = tasks.threadsFor(gradient.rows());
            tasks.groups(1, threads, 8L * threads, (graph, id, c) -> graph.task(id, RowKernels::saeSumOfSquares, c, norms, before, total,
                    gradient.rows(), flag(before != nothing), threads));
            previous = total;
        }
        FloatArray squares = previous;
        for (Buffer gradient : gradients) {
            FloatArray g = storage.write(gradient);
            tasks.line(gradient.size(), (graph, id, c) ->
                    graph.task(id, RowKernels::saeClip, c, g, squares, op.limit(), size(gradient)));
        }
    }

    private void adam(Op.Adam op) {
        FloatArray hyper = storage.read(op.hyper());
        FloatArray w = storage.write(op.w());
        FloatArray m = storage.write(op.m());
        FloatArray v = storage.write(op.v());
        FloatArray gradient = storage.read(op.gradient());
        // What no operation can change is computed once for all parameters.
        boolean fixed = op.hyper().role() == Buffer.Role.INPUT || op.hyper().role() == Buffer.Role.WEIGHT;
        FloatArray scales = fixed ? adamScales.computeIfAbsent(op.hyper(), b -> adamScales(hyper)) : adamScales(hyper);
        tasks.line(op.w().size(), (graph, id, c) ->
                graph.task(id, ElementKernels::saeAdam, c, w, gradient, m, v, hyper, scales, size(op.w())));
    }

    private FloatArray adamScales(FloatArray hyper) {
        FloatArray scales = storage.scratch(2);
        tasks.line(1, (graph, id, c) -> graph.task(id, ElementKernels::saeAdamScales, c, hyper, scales));
        return scales;
    }
}
