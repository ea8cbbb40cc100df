package org.sae4j.engine.tornado.internal;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.tornado.internal.Storage.Columns;
import org.sae4j.engine.tornado.internal.Storage.Pattern;
import org.sae4j.engine.tornado.internal.Storage.Sparse;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Turns the operations over sparse rows into tasks. */
final class SparseOps {
    /** The 8 bits of a float's exponent, and the 23 of its fraction. */
    private static final int[] DIGITS = {256, 256, 256, 128};
    private static final int MOST_HISTOGRAMS = 4096;

    private final Storage storage;
    private final TaskList tasks;
    private final FloatArray nothing;
    private final DenseOps dense;
    private final Map<IntArray, Buffer> largestCounts = new LinkedHashMap<>();

    SparseOps(Storage storage, TaskList tasks, FloatArray nothing, DenseOps dense) {
        this.storage = storage;
        this.tasks = tasks;
        this.nothing = nothing;
        this.dense = dense;
    }

    void add(Op op) {
        switch (op) {
            case Op.Select o -> select(o);
            case Op.GatedSelect o -> gatedSelect(o);
            case Op.Decode o -> decode(o);
            case Op.FeatureGradient o -> featureGradient(o);
            case Op.SparseOuter o -> sparseOuter(o);
            case Op.SparseColumnSum o -> sparseColumnSum(o);
            case Op.ScaleColumns o -> scaleColumns(o);
            case Op.SparsitySums o -> sparsitySums(o);
            case Op.DecoderNormGradient o -> decoderNormGradient(o);
            case Op.TrackFiring o -> trackFiring(o);
            default -> throw new IllegalArgumentException("unknown operation " + op);
        }
    }

    /** Where each run says how many entries the fullest row of a buffer has, for buffers whose rows may be too short. */
    Map<IntArray, Buffer> largestCounts() {
        return largestCounts;
    }

    private FloatArray optional(@Nullable Buffer buffer) {
        return buffer == null ? nothing : storage.read(buffer);
    }

    private static int flag(boolean value) {
        return value ? 1 : 0;
    }

    private void select(Op.Select op) {
        FloatArray pre = storage.read(op.pre());
        FloatArray mask = optional(op.mask());
        FloatArray threshold = optional(op.threshold());
        int hasMask = flag(op.mask() != null);
        int rows = op.pre().rows();
        int cols = op.pre().cols();
        Sparse out = storage.writeSparse(op.out(), Storage.most(op));
        Pattern p = out.pattern();
        int threads = tasks.threadsFor(cols);
        switch (op.rule()) {
            case RELU, JUMP_RELU, WINDOW, EXP -> {
                tasks.groups(rows, threads, 4L * threads, (graph, id, c) -> graph.task(id, SelectKernels::saeKeep, c, pre, threshold, mask,
                        p.counts, p.columns, out.values(), cols, p.stride, op.rule().ordinal(), op.width(), hasMask, threads));
                watch(op.out(), p);
            }
            case TOPK, BATCH_TOPK -> {
                FloatArray limits = storage.scratch(rows);
                IntArray quotas = storage.intScratch(rows);
                if (op.rule() == Op.Rule.TOPK) {
                    tasks.groups(rows, threads, 8L * threads, (graph, id, c) -> graph.task(id, SelectKernels::saeRowLimits, c, pre, mask,
                            limits, quotas, cols, op.k(), hasMask, threads));
                } else {
                    batchLimits(op, pre, mask, limits, quotas);
                }
                tasks.groups(rows, threads, 8L * threads, (graph, id, c) -> graph.task(id, SelectKernels::saeKeepTop, c, pre, mask, limits,
                        quotas, p.counts, p.columns, out.values(), cols, p.stride, hasMask, threads));
            }
        }
    }

    /** The least positive float of each exponent: subnormal numbers start at 0. */
    private static float[] exponents() {
        float[] powers = new float[DIGITS[0]];
        for (int i = 1; i < powers.length; i++) {
            powers[i] = (float) Math.scalb(1.0, i - Float.MAX_EXPONENT);
        }
        return powers;
    }

    /** Finds the smallest kept entry digit by digit, from histograms that each belong to one thread. */
    private void batchLimits(Op.Select op, FloatArray pre, FloatArray mask, FloatArray limits, IntArray quotas) {
        int rows = op.pre().rows();
        int cols = op.pre().cols();
        int count = Math.toIntExact(op.pre().size());
        if (count == 0) {
            return;
        }
        int hasMask = flag(op.mask() != null);
        int wanted = (int) Math.min(count, (long) op.k() * rows);
        int histograms = Math.clamp(count / 64, 64, MOST_HISTOGRAMS);
        IntArray histogram = storage.intScratch((long) histograms * DIGITS[0]);
        FloatArray powers = storage.constant(exponents());
        FloatArray bounds = storage.scratch(2);
        IntArray state = storage.intScratch(2);
        IntArray ties = storage.intScratch(rows);
        for (int i = 0; i < DIGITS.length; i++) {
            int digits = DIGITS[i];
            int first = flag(i == 0);
            tasks.line(histograms, (graph, id, c) -> graph.task(id, SelectKernels::saeBatchHistogram, c, pre, mask, powers, bounds,
                    histogram, cols, count, histograms, digits, first, hasMask));
            tasks.groups(1, digits, 4L * digits, (graph, id, c) -> graph.task(id, SelectKernels::saeBatchPick, c, powers, histogram, bounds,
                    state, histograms, digits, first, wanted));
        }
        int threads = tasks.threadsFor(cols);
        tasks.groups(rows, threads, 4L * threads, (graph, id, c) -> graph.task(id, SelectKernels::saeRowTies, c, pre, mask, bounds, ties,
                cols, hasMask, threads));
        tasks.line(1, (graph, id, c) -> graph.task(id, SelectKernels::saeBatchQuotas, c, ties, bounds, state, limits, quotas, rows));
    }

    private void gatedSelect(Op.GatedSelect op) {
        FloatArray pre = storage.read(op.pre());
        FloatArray bGate = storage.read(op.bGate());
        FloatArray rMag = storage.read(op.rMag());
        FloatArray bMag = storage.read(op.bMag());
        Sparse out = storage.writeSparse(op.out(), 0);
        Pattern p = out.pattern();
        int threads = tasks.threadsFor(p.cols);
        tasks.groups(p.rows, threads, 4L * threads, (graph, id, c) -> graph.task(id, SelectKernels::saeKeepGated, c, pre, bGate, rMag, bMag,
                p.counts, p.columns, out.values(), p.cols, p.stride, threads));
        watch(op.out(), p);
    }

    private void watch(Buffer buffer, Pattern p) {
        if (p.stride < p.cols && p.rows > 0) {
            IntArray largest = storage.signalBack();
            int threads = tasks.threadsFor(p.rows);
            tasks.groups(1, threads, 4L * threads, (graph, id, c) ->
                    graph.task(id, SparseKernels::saeLargestCount, c, p.counts, largest, p.rows, threads));
            largestCounts.put(largest, buffer);
        }
    }

    private void decode(Op.Decode op) {
        Sparse s = storage.sparse(op.s());
        FloatArray w = storage.read(op.w());
        FloatArray bias = optional(op.bias());
        FloatArray out = storage.write(op.out());
        int d = op.w().cols();
        int threads = tasks.threadsFor(d);
        tasks.groups(d == 0 ? 0 : op.out().rows(), threads, 0, (graph, id, c) -> graph.task(id, SparseKernels::saeDecode, c,
                s.pattern().counts, s.pattern().columns, s.values(), w, bias, out, d, s.pattern().stride, flag(op.bias() != null),
                        threads));
    }

    private void featureGradient(Op.FeatureGradient op) {
        Sparse s = storage.sparse(op.s());
        FloatArray g = storage.read(op.g());
        FloatArray w = storage.read(op.w());
        FloatArray hyper = optional(op.hyper());
        int penalty = op.hyper() == null ? 0 : op.decoderNorm() ? 2 : 1;
        FloatArray norms = penalty == 2 ? dense.rowNorms(op.w()) : nothing;
        Sparse out = storage.writeSparse(op.out(), s.pattern());
        int threads = tasks.threadsFor(s.pattern().stride);
        tasks.groups(op.s().rows(), threads, 0, (graph, id, c) -> graph.task(id, SparseKernels::saeFeatureGradient, c, s.pattern().counts,
                s.pattern().columns, s.values(), g, w, norms, hyper, out.values(), op.w().cols(), s.pattern().stride, op.slot(), penalty,
                flag(op.exponential()), threads));
    }

    private void sparseOuter(Op.SparseOuter op) {
        Sparse s = storage.sparse(op.s());
        Columns columns = storage.columns(s.pattern(), tasks);
        FloatArray y = storage.read(op.y());
        FloatArray out = storage.write(op.out());
        int d = op.y().cols();
        int threads = tasks.threadsFor(d);
        tasks.groups(d == 0 ? 0 : op.out().rows(), threads, 0, (graph, id, c) -> graph.task(id, SparseKernels::saeSparseOuter, c,
                columns.starts(), columns.entries(), s.values(), y, out, d, s.pattern().stride, flag(op.accumulate()), threads));
    }

    private void sparseColumnSum(Op.SparseColumnSum op) {
        Sparse s = storage.sparse(op.s());
        Columns columns = storage.columns(s.pattern(), tasks);
        FloatArray out = storage.write(op.out());
        tasks.line(op.out().cols(), (graph, id, c) -> graph.task(id, SparseKernels::saeSparseColumnSum, c, columns.starts(),
                columns.entries(), s.values(), out, op.out().cols(), flag(op.accumulate())));
    }

    private void scaleColumns(Op.ScaleColumns op) {
        Sparse s = storage.sparse(op.s());
        FloatArray row = storage.read(op.row());
        Sparse out = storage.writeSparse(op.out(), s.pattern());
        int threads = tasks.threadsFor(s.pattern().stride);
        tasks.groups(op.s().rows(), threads, 0, (graph, id, c) -> graph.task(id, SparseKernels::saeScaleColumns, c, s.pattern().counts,
                s.pattern().columns, s.values(), row, out.values(), s.pattern().stride, threads));
    }

    private void sparsitySums(Op.SparsitySums op) {
        Sparse s = storage.sparse(op.s());
        Pattern p = s.pattern();
        FloatArray norms = dense.rowNorms(op.w());
        FloatArray out = storage.write(op.out());
        FloatArray sums = storage.scratch(p.rows);
        FloatArray weighted = storage.scratch(p.rows);
        int threads = tasks.threadsFor(p.stride);
        int all = tasks.threadsFor(p.rows);
        tasks.groups(p.rows, threads, 16L * threads, (graph, id, c) -> graph.task(id, SparseKernels::saeSparsityRows, c, p.counts,
                p.columns, s.values(), norms, sums, weighted, p.stride, threads));
        tasks.groups(1, all, 24L * all, (graph, id, c) -> graph.task(id, SparseKernels::saeSparsityTotal, c, p.counts, sums, weighted, out,
                p.rows, all));
    }

    private void decoderNormGradient(Op.DecoderNormGradient op) {
        Sparse s = storage.sparse(op.s());
        Columns columns = storage.columns(s.pattern(), tasks);
        FloatArray w = storage.read(op.w());
        FloatArray norms = dense.rowNorms(op.w());
        FloatArray hyper = storage.read(op.hyper());
        FloatArray gradient = storage.write(op.gradient());
        int d = op.w().cols();
        int threads = tasks.threadsFor(d);
        tasks.groups(d == 0 ? 0 : op.w().rows(), threads, 0, (graph, id, c) -> graph.task(id, SparseKernels::saeDecoderNormGradient, c,
                columns.starts(), columns.entries(), s.values(), w, norms, hyper, gradient, d, op.slot(), threads));
    }

    private void trackFiring(Op.TrackFiring op) {
        Pattern p = storage.sparse(op.s()).pattern();
        Columns columns = storage.columns(p, tasks);
        FloatArray since = storage.write(op.since());
        tasks.line(p.cols, (graph, id, c) -> graph.task(id, SparseKernels::saeTrackFiring, c, columns.starts(), since, p.cols, p.rows));
    }
}
