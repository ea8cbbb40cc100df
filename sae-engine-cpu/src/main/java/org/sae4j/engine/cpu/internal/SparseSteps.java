package org.sae4j.engine.cpu.internal;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;

/**
 * Steps of operations on sparse rows. Where many entries are not zero, a packed dense product is faster than following indices; for
 * {@link Op.Decode} and {@link Op.SparseOuter} both ways give the same bits, because adding the product of a zero and a
 * finite number changes no sum.
 */
final class SparseSteps {
    /** Share of entries from which the dense way is faster; derived in BENCHMARKS.md. */
    private static final double DENSE = 0.12;

    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    SparseSteps(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    private static boolean isDense(SparseMatrix s) {
        return s.density() > DENSE;
    }

    @SuppressWarnings("ArgumentSelectionDefectChecker")       // The columns of the left operand are the depth of the product.
    Step decode(Op.Decode o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] w = storage.floats(o.w());
        float @Nullable [] bias = o.bias() == null ? null : storage.floats(o.bias());
        float[] out = storage.floats(o.out());
        int rows = o.out().rows();
        int width = o.out().cols();
        return () -> {
            if (isDense(s)) {
                LeftPanels left = context.panels().left(rows, s.columns());
                left.pack(context.workers(), LeftPanels.sparse(s));
                RightPanels right = context.panels().right(s.columns(), width);
                right.pack(context.workers(), w, false);
                context.products().multiply(left, right, out, false, bias, Op.Function.IDENTITY);
                return;
            }
            context.parallel(rows, work(s, rows, width), (from, to) -> {
                for (int row = from; row < to; row++) {
                    kernels.weightedSum(s.values(), s.indices(), s.offset(row), s.offset(row + 1), w, width, 0, out, row * width, width,
                            false);
                    kernels.finish(Op.Function.IDENTITY, out, row * width, bias, 0, width);
                }
            });
        };
    }

    /** Multiply-adds for each of {@code items} rows or columns. */
    private static int work(SparseMatrix s, int items, int width) {
        return (int) Math.min(Integer.MAX_VALUE, (s.entries() / Math.max(1, items) + 1L) * width);
    }

    Step sparseOuter(Op.SparseOuter o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] y = storage.floats(o.y());
        float[] out = storage.floats(o.out());
        int features = o.out().rows();
        int width = o.out().cols();
        return () -> {
            if (isDense(s)) {
                LeftPanels left = context.panels().left(features, s.rows());
                left.pack(context.workers(), LeftPanels.sparseTransposed(s));
                RightPanels right = context.panels().right(s.rows(), width);
                right.pack(context.workers(), y, false);
                context.products().multiply(left, right, out, o.accumulate(), null, Op.Function.IDENTITY);
                return;
            }
            SparseMatrix.Columns columns = s.byColumn();
            float[] values = new float[s.entries()];
            int[] entries = columns.entries();
            context.parallel(values.length, 1, (from, to) -> {
                for (int e = from; e < to; e++) {
                    values[e] = s.values()[entries[e]];
                }
            });
            context.parallel(features, work(s, features, width), (from, to) -> {
                for (int f = from; f < to; f++) {
                    kernels.weightedSum(values, columns.rows(), columns.offsets()[f], columns.offsets()[f + 1], y, width, 0, out,
                            f * width, width, o.accumulate());
                }
            });
        };
    }

    Step sparseColumnSum(Op.SparseColumnSum o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] out = storage.floats(o.out());
        return () -> context.parallel(s.columns(), columnWork(s), (from, to) -> {
            double[] sums = new double[to - from];
            for (int c = from; c < to && o.accumulate(); c++) {
                sums[c - from] = out[c];
            }
            addColumns(s, from, to, sums, false);
            for (int c = from; c < to; c++) {
                out[c] = (float) sums[c - from];
            }
        });
    }

    /** A width that makes tasks of at least 256 columns: finding a task's part of a row costs as much as several entries. */
    private static int columnWork(SparseMatrix s) {
        return Math.min(64, work(s, s.columns(), 1));
    }

    /** Adds the values of columns {@code from} to {@code to - 1}, or their magnitudes, by ascending row. */
    private static void addColumns(SparseMatrix s, int from, int to, double[] sums, boolean magnitudes) {
        int[] indices = s.indices();
        float[] values = s.values();
        for (int row = 0; row < s.rows(); row++) {
            int end = s.offset(row + 1);
            for (int e = s.lowerBound(row, from); e < end && indices[e] < to; e++) {
                sums[indices[e] - from] += magnitudes ? Math.abs(values[e]) : values[e];
            }
        }
    }

    private double norm(float[] w, int row, int width) {
        return Math.sqrt(kernels.dot(w, row * width, w, row * width, width));
    }

    private double[] norms(float[] w, int rows, int width) {
        double[] norms = new double[rows];
        context.parallel(rows, width, (from, to) -> {
            for (int i = from; i < to; i++) {
                norms[i] = norm(w, i, width);
            }
        });
        return norms;
    }

    Step sparsitySums(Op.SparsitySums o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] w = storage.floats(o.w());
        float[] out = storage.floats(o.out());
        return () -> {
            double[] norms = norms(w, o.w().rows(), o.w().cols());
            int[] indices = s.indices();
            float[] values = s.values();
            int entries = s.entries();
            double magnitude = context.sum(entries, 1, (from, to) -> {
                double sum = 0;
                for (int e = from; e < to; e++) {
                    sum += Math.abs(values[e]);
                }
                return sum;
            });
            double weighted = context.sum(entries, 1, (from, to) -> {
                double sum = 0;
                for (int e = from; e < to; e++) {
                    sum += Math.abs(values[e]) * norms[indices[e]];
                }
                return sum;
            });
            out[0] = entries;
            out[1] = (float) magnitude;
            out[2] = (float) weighted;
        };
    }

    Step decoderNormGradient(Op.DecoderNormGradient o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] w = storage.floats(o.w());
        float[] hyper = storage.floats(o.hyper());
        float[] gradient = storage.floats(o.gradient());
        int width = o.w().cols();
        return () -> context.parallel(s.columns(), columnWork(s), (from, to) -> {
            double[] sums = new double[to - from];
            addColumns(s, from, to, sums, true);
            for (int i = from; i < to; i++) {
                double norm = norm(w, i, width);
                if (sums[i - from] != 0 && norm != 0) {
                    float factor = (float) (hyper[o.slot()] * sums[i - from] / norm);
                    kernels.add(gradient, i * width, w, i * width, factor, gradient, i * width, width);
                }
            }
        });
    }

    Step trackFiring(Op.TrackFiring o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] since = storage.floats(o.since());
        boolean[] fired = new boolean[s.columns()];
        return () -> {
            Arrays.fill(fired, false);
            int[] indices = s.indices();
            for (int e = 0; e < s.entries(); e++) {
                fired[indices[e]] = true;
            }
            for (int c = 0; c < fired.length; c++) {
                since[c] = fired[c] ? 0 : since[c] + s.rows();
            }
        };
    }

    Step featureGradient(Op.FeatureGradient o) {
        SparseMatrix s = storage.sparse(o.s());
        SparseMatrix out = storage.sparse(o.out());
        float[] g = storage.floats(o.g());
        float[] w = storage.floats(o.w());
        float @Nullable [] hyper = o.hyper() == null ? null : storage.floats(o.hyper());
        int width = o.w().cols();
        int features = o.w().rows();
        float[] penalty = new float[features];
        float[][] scratch = new float[context.workers().threads()][];
        return () -> {
            out.setPlaces(s);
            if (hyper != null) {
                penalties(o, hyper[o.slot()], w, penalty);
            }
            if (isDense(s)) {
                denseGradient(o, s, g, w, penalty, out, scratch);
                return;
            }
            int[] indices = s.indices();
            context.parallel(s.rows(), work(s, s.rows(), width), (from, to) -> {
                for (int row = from; row < to; row++) {
                    for (int e = s.offset(row); e < s.offset(row + 1); e++) {
                        int i = indices[e];
                        float slope = kernels.product(g, row * width, w, i * width, width) + penalty[i];
                        out.values()[e] = o.exponential() ? slope * s.values()[e] : slope;
                    }
                }
            });
        };
    }

    private void penalties(Op.FeatureGradient o, float coefficient, float[] w, float[] penalty) {
        int width = o.w().cols();
        if (!o.decoderNorm()) {
            Arrays.fill(penalty, coefficient);
            return;
        }
        context.parallel(penalty.length, width, (from, to) -> {
            for (int i = from; i < to; i++) {
                penalty[i] = (float) (coefficient * norm(w, i, width));
            }
        });
    }

    private void denseGradient(Op.FeatureGradient o, SparseMatrix s, float[] g, float[] w, float[] penalty, SparseMatrix out,
            float[][] scratch) {
        Buffer gradient = o.g();
        LeftPanels left = context.panels().left(gradient.rows(), gradient.cols());
        left.pack(context.workers(), LeftPanels.dense(g, 0, gradient.cols()));
        RightPanels right = context.panels().right(gradient.cols(), o.w().rows());
        right.pack(context.workers(), w, true);
        Groups groups = left.groups();
        int perTask = ProductSteps.FUSED_ROWS / kernels.groupRows();
        int stride = right.perBlock() * right.width();
        int[] indices = s.indices();
        context.workers().forEach((groups.count() + perTask - 1) / perTask, (task, slot) -> {
            int from = task * perTask;
            int to = Math.min(from + perTask, groups.count());
            if (scratch[slot] == null) {
                scratch[slot] = new float[Math.min(ProductSteps.FUSED_ROWS, groups.rows()) * stride];
            }
            float[] slopes = scratch[slot];
            for (int first = 0; first < right.perBlock(); first += ProductSteps.FUSED_PANELS) {
                int last = Math.min(first + ProductSteps.FUSED_PANELS, right.perBlock());
                context.products().multiply(left, from, to, right, first, last, slopes, 0, stride, stride, false);
            }
            int base = groups.start(from);
            for (int row = base; row < groups.start(to); row++) {
                int at = (row - base) * stride;
                for (int e = s.offset(row); e < s.offset(row + 1); e++) {
                    float slope = slopes[at + indices[e]] + penalty[indices[e]];
                    out.values()[e] = o.exponential() ? slope * s.values()[e] : slope;
                }
            }
        });
    }
}
