package org.sae4j.engine.cpu.internal.steps;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.sae4j.api.engine.Buffer;
import org.sae4j.api.engine.Op;
import org.sae4j.engine.cpu.internal.kernels.Kernels;
import org.sae4j.engine.cpu.internal.memory.LeftPanels;
import org.sae4j.engine.cpu.internal.memory.RightPanels;
import org.sae4j.engine.cpu.internal.memory.SparseMatrix;
import org.sae4j.engine.cpu.internal.memory.Storage;
import org.sae4j.engine.cpu.internal.threads.Step;

/**
 * Steps of operations on sparse rows. Where many entries are not zero, a packed dense product is faster than following indices; for
 * {@link Op.Decode} and {@link Op.SparseOuter} both ways give the same bits, because adding the product of a zero and a
 * finite number changes no sum.
 */
public final class SparseSteps {
    /** How much later the dense way is the faster one than for {@link Op.SparseOuter}, which cannot go through its table in parts. */
    private static final double DECODE = 2;
    private static final double GRADIENT = 1.3;

    private final Context context;
    private final Kernels kernels;
    private final Storage storage;

    public SparseSteps(Context context, Storage storage) {
        this.context = context;
        this.kernels = context.kernels();
        this.storage = storage;
    }

    private boolean isDense(SparseMatrix s, double factor) {
        return s.density() > factor * context.denseFrom();
    }

    @SuppressWarnings("ArgumentSelectionDefectChecker")       // The columns of the left operand are the depth of the product.
    public Step decode(Op.Decode o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] w = storage.floats(o.w());
        float @Nullable [] bias = o.bias() == null ? null : storage.floats(o.bias());
        float[] out = storage.floats(o.out());
        int rows = o.out().rows();
        int width = o.out().cols();
        Step dense = Step.lazily(() -> {
            LeftPanels left = context.panels().left(rows, s.columns());
            Step packLeft = left.packing(context.workers(), LeftPanels.sparse(s));
            RightPanels right = context.panels().right(s.columns(), width);
            Step packRight = right.packing(context.workers(), w, false);
            Step product = context.products().product(left, right, out, false, bias, Op.Function.IDENTITY);
            return Step.inOrder(packLeft, packRight, product);
        });
        Tiles tiles = new Tiles(context, s, width, (row, from, to) -> {
            kernels.weightedSum(s.values(), s.indices(), from, to, w, width, 0, out, row * width, width, from > s.offset(row));
            if (to == s.offset(row + 1)) {
                kernels.finish(Op.Function.IDENTITY, out, row * width, bias, 0, width);
            }
        });
        return () -> {
            if (isDense(s, DECODE)) {
                dense.run();
            } else {
                tiles.run(work(s, rows, width));
            }
        };
    }

    /** Multiply-adds for each of {@code items} rows or columns. */
    private static int work(SparseMatrix s, int items, int width) {
        return (int) Math.min(Integer.MAX_VALUE, (s.entries() / Math.max(1, items) + 1L) * width);
    }

    public Step sparseOuter(Op.SparseOuter o) {
        return outer(o, storage.floats(o.out()), (row, out, at) -> { });
    }

    /** Takes a row that has been computed. */
    @FunctionalInterface
    interface RowUse {
        void use(int row, float[] x, int at);
    }

    /**
     * Rows of an outer product.
     *
     * @param o the operation
     * @param out where the product is written, or null if each row is only for {@code use}; then the operation does not accumulate
     * @param use takes each row
     */
    Step outer(Op.SparseOuter o, float @Nullable [] out, RowUse use) {
        SparseMatrix s = storage.sparse(o.s());
        float[] y = storage.floats(o.y());
        int features = o.out().rows();
        int width = o.out().cols();
        Step dense = Step.lazily(() -> {
            LeftPanels left = context.panels().left(features, s.rows());
            Step packLeft = left.packing(context.workers(), LeftPanels.sparseTransposed(s));
            RightPanels right = context.panels().right(s.rows(), width);
            Step packRight = right.packing(context.workers(), y, false);
            Step product = out == null ? context.products().blocks(left, right, (row, c, at, slot) -> use.use(row, c, at))
                    : context.products().product(left, right, out, o.accumulate(), null, Op.Function.IDENTITY);
            return Step.inOrder(packLeft, packRight, product);
        });
        float[][] rows = out == null ? new float[context.workers().threads()][width] : new float[0][];
        Gathered gathered = new Gathered(s);
        Context.Split split = context.split((from, to, slot) -> {
            SparseMatrix.Columns columns = s.byColumn();
            float[] target = out == null ? rows[slot] : out;
            for (int f = from; f < to; f++) {
                int at = out == null ? 0 : f * width;
                kernels.weightedSum(gathered.values, columns.rows(), columns.offsets()[f], columns.offsets()[f + 1], y, width, 0, target,
                        at, width, o.accumulate());
                use.use(f, target, at);
            }
        });
        return () -> {
            if (isDense(s, 1)) {
                dense.run();
            } else {
                gathered.run();
                // Neighbouring rows that are updated as well go to one thread, which can then read ahead.
                split.run(features, out == null ? width : work(s, features, width));
            }
        };
    }

    /** The values of sparse rows by column. */
    private final class Gathered implements Step {
        private final SparseMatrix s;
        private final Context.Split split = context.split(this::gather);
        private float[] values = new float[0];

        Gathered(SparseMatrix s) {
            this.s = s;
        }

        @Override
        public void run() {
            // Sorts the entries before several threads ask for them.
            int room = s.byColumn().entries().length;
            if (values.length < room) {
                values = new float[room];
            }
            split.run(s.entries(), 1);
        }

        private void gather(int from, int to, int slot) {
            int[] entries = s.byColumn().entries();
            float[] source = s.values();
            for (int e = from; e < to; e++) {
                values[e] = source[entries[e]];
            }
        }
    }

    public Step sparseColumnSum(Op.SparseColumnSum o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] out = storage.floats(o.out());
        Columns columns = new Columns(s, false, (from, to, sums) -> {
            for (int c = from; c < to; c++) {
                out[c] = (float) (o.accumulate() ? out[c] + sums[c - from] : sums[c - from]);
            }
        });
        return columns::run;
    }

    public Step scaleColumns(Op.ScaleColumns o) {
        SparseMatrix s = storage.sparse(o.s());
        SparseMatrix out = storage.sparse(o.out());
        float[] row = storage.floats(o.row());
        Context.Split split = context.split((from, to, slot) -> {
            int[] indices = s.indices();
            float[] values = s.values();
            float[] scaled = out.values();
            for (int e = s.offset(from); e < s.offset(to); e++) {
                scaled[e] = values[e] * row[indices[e]];
            }
        });
        return () -> {
            out.setPlaces(s);
            split.run(s.rows(), work(s, s.rows(), 1));
        };
    }

    /** Takes the sums of some columns. */
    @FunctionalInterface
    private interface SumsUse {
        void use(int from, int to, double[] sums);
    }

    /** Sums of columns, or of their magnitudes, by ascending row. */
    private final class Columns {
        private final SparseMatrix s;
        private final boolean magnitudes;
        private final SumsUse use;
        private final double[][] sums = new double[context.workers().threads()][];
        private final Context.Split split = context.split(this::add);

        Columns(SparseMatrix s, boolean magnitudes, SumsUse use) {
            this.s = s;
            this.magnitudes = magnitudes;
            this.use = use;
        }

        void run() {
            // A width that makes tasks of at least 256 columns: finding a task's part of a row costs as much as several entries.
            split.run(s.columns(), Math.min(64, work(s, s.columns(), 1)));
        }

        private void add(int from, int to, int slot) {
            if (sums[slot] == null || sums[slot].length < to - from) {
                sums[slot] = new double[Math.min(s.columns(), Context.CHUNK)];
            }
            double[] own = sums[slot];
            Arrays.fill(own, 0, to - from, 0);
            int[] indices = s.indices();
            float[] values = s.values();
            for (int row = 0; row < s.rows(); row++) {
                int end = s.offset(row + 1);
                for (int e = s.lowerBound(row, from); e < end && indices[e] < to; e++) {
                    own[indices[e] - from] += magnitudes ? Math.abs(values[e]) : values[e];
                }
            }
            use.use(from, to, own);
        }
    }

    private double norm(float[] w, int row, int width) {
        return Math.sqrt(kernels.dot(w, row * width, w, row * width, width));
    }

    public Step sparsitySums(Op.SparsitySums o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] w = storage.floats(o.w());
        float[] out = storage.floats(o.out());
        int width = o.w().cols();
        double[] norms = new double[o.w().rows()];
        Context.Split allNorms = context.split((from, to, slot) -> {
            for (int i = from; i < to; i++) {
                norms[i] = norm(w, i, width);
            }
        });
        Context.Sum magnitude = context.sum((from, to) -> {
            float[] values = s.values();
            double sum = 0;
            for (int e = from; e < to; e++) {
                sum += Math.abs(values[e]);
            }
            return sum;
        });
        Context.Sum weighted = context.sum((from, to) -> {
            int[] indices = s.indices();
            float[] values = s.values();
            double sum = 0;
            for (int e = from; e < to; e++) {
                sum += Math.abs(values[e]) * norms[indices[e]];
            }
            return sum;
        });
        return () -> {
            allNorms.run(norms.length, width);
            out[0] = s.entries();
            out[1] = (float) magnitude.of(s.entries(), 1);
            out[2] = (float) weighted.of(s.entries(), 1);
        };
    }

    public Step decoderNormGradient(Op.DecoderNormGradient o) {
        SparseMatrix s = storage.sparse(o.s());
        float[] w = storage.floats(o.w());
        float[] hyper = storage.floats(o.hyper());
        float[] gradient = storage.floats(o.gradient());
        int width = o.w().cols();
        Columns columns = new Columns(s, true, (from, to, sums) -> {
            for (int i = from; i < to; i++) {
                double norm = norm(w, i, width);
                if (sums[i - from] != 0 && norm != 0) {
                    float factor = (float) (hyper[o.slot()] * sums[i - from] / norm);
                    kernels.add(gradient, i * width, w, i * width, factor, gradient, i * width, width);
                }
            }
        });
        return columns::run;
    }

    public Step trackFiring(Op.TrackFiring o) {
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

    public Step featureGradient(Op.FeatureGradient o) {
        SparseMatrix s = storage.sparse(o.s());
        SparseMatrix out = storage.sparse(o.out());
        float[] g = storage.floats(o.g());
        float[] w = storage.floats(o.w());
        float @Nullable [] hyper = o.hyper() == null ? null : storage.floats(o.hyper());
        int width = o.w().cols();
        float[] penalty = new float[o.w().rows()];
        Context.Split norms = context.split((from, to, slot) -> {
            for (int i = from; i < to && hyper != null; i++) {
                penalty[i] = (float) (hyper[o.slot()] * norm(w, i, width));
            }
        });
        Tiles tiles = new Tiles(context, s, width, (row, from, to) -> {
            int[] indices = s.indices();
            float[] values = out.values();
            for (int e = from; e < to; e++) {
                float slope = kernels.product(g, row * width, w, indices[e] * width, width) + penalty[indices[e]];
                values[e] = o.exponential() ? slope * s.values()[e] : slope;
            }
        });
        Step dense = Step.lazily(() -> denseGradient(o, s, g, w, penalty, out));
        return () -> {
            out.setPlaces(s);
            if (hyper != null && o.decoderNorm()) {
                norms.run(penalty.length, width);
            } else if (hyper != null) {
                Arrays.fill(penalty, hyper[o.slot()]);
            }
            if (isDense(s, GRADIENT)) {
                dense.run();
            } else {
                tiles.run(work(s, s.rows(), width));
            }
        };
    }

    private Step denseGradient(Op.FeatureGradient o, SparseMatrix s, float[] g, float[] w, float[] penalty, SparseMatrix out) {
        LeftPanels left = context.panels().left(o.g().rows(), o.g().cols());
        Step packLeft = left.packing(context.workers(), LeftPanels.dense(g, 0, o.g().cols()));
        RightPanels right = context.panels().right(o.g().cols(), o.w().rows());
        Step packRight = right.packing(context.workers(), w, true);
        Step product = context.products().blocks(left, right, (row, slopes, at, slot) -> {
            int[] indices = s.indices();
            float[] values = out.values();
            for (int e = s.offset(row); e < s.offset(row + 1); e++) {
                float slope = slopes[at + indices[e]] + penalty[indices[e]];
                values[e] = o.exponential() ? slope * s.values()[e] : slope;
            }
        });
        return Step.inOrder(packLeft, packRight, product);
    }
}
